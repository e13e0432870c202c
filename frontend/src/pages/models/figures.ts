import { type Locale, type Translate } from "../../lib/messages";

/** A duration with two or three digits that mean something. */
export function durationText(seconds: number, t: Translate, locale: Locale): string {
  const write = (value: number) =>
    value.toLocaleString(locale, { maximumFractionDigits: value < 1 ? 2 : value < 10 ? 1 : 0 });
  if (seconds < 0.1) return t("models.milliseconds", { milliseconds: write(seconds * 1000) });
  if (seconds < 90) return t("models.seconds", { seconds: write(seconds) });
  return t("models.minutes", { minutes: write(seconds / 60) });
}

const NAMES: Readonly<Record<string, string>> = { torch: "torch", openvino: "OpenVINO", onnx_runtime: "ONNX Runtime" };

export const backendName = (backend: string): string => NAMES[backend] ?? backend;

/** "openvino:bf16" as people write it. */
export function candidateText(candidate: string): string {
  const [backend = "", precision = ""] = candidate.split(":");
  return `${backendName(backend)} ${precision}`;
}
