const KEY = "segweb.dismissed_uploads";
const MOST_KEPT = 500;

function readDismissed(): string[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(stored) ? stored.filter((id) => typeof id === "string") : [];
  } catch {
    return []; // blocked storage or a foreign value
  }
}

export function isDismissed(uploadId: string): boolean {
  return readDismissed().includes(uploadId);
}

/** Remembers, by its id alone, an upload the person has taken off the list. */
export function dismissUpload(uploadId: string): void {
  try {
    localStorage.setItem(KEY, JSON.stringify([...readDismissed(), uploadId].slice(-MOST_KEPT)));
  } catch {
    // blocked or full: it is listed again after a reload
  }
}
