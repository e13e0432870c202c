import { BACKGROUND, client, CSRF_HEADER, csrfToken, expectData } from "./client";
import type { Upload, UploadDetails } from "./records";

export async function listUploads(query: { batch?: string; state?: Upload["state"] }): Promise<Upload[]> {
  const list = await expectData(client.GET("/api/uploads", { params: { query }, headers: BACKGROUND }));
  return list.results;
}

export function fetchUpload(id: string): Promise<Upload> {
  return expectData(
    client.GET("/api/uploads/{upload_id}", { params: { path: { upload_id: id } }, headers: BACKGROUND }),
  );
}

export function giveUploadDetails(id: string, body: UploadDetails): Promise<Upload> {
  return expectData(client.POST("/api/uploads/{upload_id}/details", { params: { path: { upload_id: id } }, body }));
}

export function retryUpload(id: string): Promise<Upload> {
  return expectData(client.POST("/api/uploads/{upload_id}/retry", { params: { path: { upload_id: id } } }));
}

/** Drops what the server holds of a file that was cut off (tus termination; tus is outside the described API). */
export async function discardUpload(id: string): Promise<void> {
  await fetch(`/api/uploads/${id}/content`, {
    method: "DELETE",
    headers: { "Tus-Resumable": "1.0.0", [CSRF_HEADER]: csrfToken() },
  });
}
