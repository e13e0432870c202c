import type { UploadDetails } from "../api/records";
import { describeUploads } from "../api/upload_center";
import type { UploadItem } from "../state/upload_queue";
import type { Act } from "./act";

interface DetailsForUploads {
  readonly items: readonly UploadItem[];
  readonly details: UploadDetails;
}

export const giveUploadDetailsAct: Act<DetailsForUploads> = {
  name: "give_upload_details",
  label: "uploads.give_details",
  can: ({ items }) => items.length > 0 && items.every((item) => item.phase === "needs_details"),
  run: ({ items, details }) =>
    describeUploads(
      items.map((item) => item.key),
      details,
    ),
};
