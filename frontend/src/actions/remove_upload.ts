import { clearUploads } from "../api/upload_center";
import type { UploadItem } from "../state/upload_queue";
import type { Act } from "./act";

/** Gives up a file that could not be read or that nobody will describe; the person's own file is untouched. */
export const removeUploadAct: Act<UploadItem> = {
  name: "remove_upload",
  label: "uploads.remove",
  can: (item) => ["failed", "needs_details", "cancelled"].includes(item.phase),
  run: (item) => clearUploads([item.key]),
};
