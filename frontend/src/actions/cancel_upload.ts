import { cancelUpload } from "../api/upload_center";
import type { UploadItem } from "../state/upload_queue";
import type { Act } from "./act";

export const cancelUploadAct: Act<UploadItem> = {
  name: "cancel_upload",
  label: "uploads.cancel",
  can: (item) => item.phase === "waiting" || item.phase === "sending",
  run: (item) => cancelUpload(item.key),
};
