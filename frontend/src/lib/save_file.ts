const RELEASE_AFTER_MS = 60_000;

/** Hands a text to the browser as a file to keep. */
export function saveTextFile(name: string, mediaType: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: `${mediaType};charset=utf-8` }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The browser reads the address after the click; it is released when that is long past.
  setTimeout(() => URL.revokeObjectURL(address), RELEASE_AFTER_MS);
}

/** A file name from words: letters, digits and single dashes. */
export function fileNameOf(...words: readonly string[]): string {
  return words
    .join(" ")
    .normalize("NFKD")
    .replaceAll(/[^\p{L}\p{N}]+/gu, "-")
    .replaceAll(/^-+|-+$/g, "");
}
