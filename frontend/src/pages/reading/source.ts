import type { Translate } from "../../lib/messages";
import type { Revision } from "../../state/records";

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Where a revision comes from: the model with its version, or the person. */
export function sourceOf(revision: Revision, t: Translate): string {
  const title = text(revision.provenance["model_title"]) || text(revision.provenance["model_name"]);
  const version = text(revision.provenance["model_version"]);
  if (title && revision.algorithm_type !== "MANUAL") return version ? `${title} ${version}` : title;
  return revision.created_by ?? t("reading.unknown_person");
}

/** A volume with as many digits as it deserves. */
export function volumeText(volumeMl: number | undefined): string {
  if (volumeMl === undefined) return "";
  if (volumeMl === 0) return "0 mL";
  return `${volumeMl < 10 ? volumeMl.toFixed(2) : volumeMl < 1000 ? volumeMl.toFixed(1) : volumeMl.toFixed(0)} mL`;
}
