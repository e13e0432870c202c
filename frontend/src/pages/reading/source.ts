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
