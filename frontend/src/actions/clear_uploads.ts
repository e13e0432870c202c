import { clearUploads } from "../api/upload_center";
import type { UploadItem } from "../state/upload_queue";
import type { Act } from "./act";

/** Takes finished files off the list; what is still being sent or needs an answer stays. */
export const clearUploadsAct: Act<readonly UploadItem[]> = {
  name: "clear_uploads",
  label: "uploads.clear",
  can: (items) => items.some(isSettled),
  run: (items) => clearUploads(items.filter(isSettled).map((item) => item.key)),
};

function isSettled(item: UploadItem): boolean {
  return ["ingested", "duplicate", "failed", "cancelled"].includes(item.phase);
}
