import type { SessionUser } from "../api/records";
import { sendFiles } from "../api/upload_center";
import type { PickedFile } from "../lib/dropped_files";
import type { Act } from "./act";

interface FilesForTeam {
  readonly user: SessionUser;
  readonly teamId: string;
  readonly files: readonly PickedFile[];
}

export const addFilesAct: Act<FilesForTeam> = {
  name: "add_files",
  label: "worklist.choose_files",
  key: "u",
  can: ({ user }) => canAddFiles(user),
  run: ({ user, teamId, files }) => sendFiles(files, user, teamId),
};

/** Viewers look; adding studies is for those who treat. The server decides, this spares a refusal. */
export function canAddFiles(user: SessionUser): boolean {
  return user.role !== "viewer" && user.teams.length > 0;
}
