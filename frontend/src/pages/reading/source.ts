import type { Translate } from "../../lib/messages";
import type { Revision } from "../../state/records";

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Where a revision comes from: the version of the model that the segmentation is named after, or the person. */
export function sourceOf(revision: Revision, t: Translate): string {
  const version = text(revision.provenance["model_version"]);
  if (revision.algorithm_type === "AUTOMATIC" && version) return t("reading.by_model", { version });
  if (revision.algorithm_type === "AUTOMATIC" && !revision.created_by) return t("course.by_software");
  return revision.created_by ?? t("reading.unknown_person");
}

/** A volume with as many digits as it deserves. */
export function volumeText(volumeMl: number | undefined): string {
  if (volumeMl === undefined) return "";
  if (volumeMl === 0) return "0 mL";
  return `${volumeMl < 10 ? volumeMl.toFixed(2) : volumeMl < 1000 ? volumeMl.toFixed(1) : volumeMl.toFixed(0)} mL`;
}
