import type { Translate } from "../../lib/messages";
import type { UploadItem } from "../../state/upload_queue";

/** The state of a file in words, with the reason where there is one. */
export function describeItem(item: UploadItem, t: Translate): string {
  if (item.phase !== "failed") return item.reason || t(`uploads.state_${item.phase}`);
  if (item.reason) return item.reason;
  if (item.reasonCode === "file.unreadable") return t("uploads.unreadable");
  if (item.reasonCode === "http.413") return t("uploads.too_large");
  if (item.reasonCode === "http.403") return t("uploads.not_allowed");
  return t("uploads.send_failed");
}
