import { tryUploadAgain } from "../api/upload_center";
import type { UploadItem } from "../state/upload_queue";
import type { Act } from "./act";

export const retryUploadAct: Act<UploadItem> = {
  name: "retry_upload",
  label: "uploads.retry",
  can: (item) =>
    (item.phase === "failed" || item.phase === "cancelled") && (item.canSend || item.uploadId !== undefined),
  run: (item) => tryUploadAgain(item.key),
};
