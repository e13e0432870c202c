/**
 * A DICOM person name (family^given^middle^prefix^suffix, "=" between scripts) as it is read: "Doe, Jane".
 *
 * The first script that holds something is taken; letters stay as they came.
 */
export function formatPersonName(name: string): string {
  const group = name.split("=").find((part) => part.replaceAll("^", "").trim() !== "") ?? "";
  const [family = "", given = "", middle = "", prefix = "", suffix = ""] = group.split("^").map((part) => part.trim());
  const rest = [prefix, given, middle, suffix].filter(Boolean).join(" ");
  return [family, rest].filter(Boolean).join(", ");
}
