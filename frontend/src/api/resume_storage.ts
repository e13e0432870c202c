import type { PreviousUpload, UrlStorage } from "tus-js-client";

/**
 * Remembers where a file that was cut off goes on, across reloads.
 *
 * tus-js-client's own storage would keep file names, which often are patients' names, on a shared computer. Here the
 * key is a digest and the value an address.
 */
const PREFIX = "segweb.upload.";

interface Remembered {
  readonly uploadUrl: string;
  readonly size: number;
  readonly at: string;
}

/** Two 32-bit FNV-1a runs with different seeds: enough to tell apart files of equal size on one computer. */
export function digestText(text: string): string {
  const run = (seed: number): string => {
    let hash = seed;
    for (let index = 0; index < text.length; index += 1) {
      hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
    }
    return (hash >>> 0).toString(16).padStart(8, "0");
  };
  return run(0x811c9dc5) + run(0x2c1b3c6d) + run(0x9e3779b9);
}

function readEntry(key: string): PreviousUpload | undefined {
  try {
    const stored = JSON.parse(localStorage.getItem(key) ?? "null") as Remembered | null;
    if (!stored) return undefined;
    return {
      size: stored.size,
      metadata: {},
      creationTime: stored.at,
      urlStorageKey: key,
      uploadUrl: stored.uploadUrl,
      parallelUploadUrls: null,
    };
  } catch {
    return undefined; // blocked storage or a foreign value: nothing to go on from
  }
}

export const resumeStorage: UrlStorage = {
  findAllUploads: () => Promise.resolve([]),
  findUploadsByFingerprint: (fingerprint) => {
    const entry = readEntry(PREFIX + fingerprint);
    return Promise.resolve(entry ? [entry] : []);
  },
  removeUpload: (key) => {
    localStorage.removeItem(key);
    return Promise.resolve();
  },
  addUpload: (fingerprint, upload) => {
    const key = PREFIX + fingerprint;
    const remembered: Remembered = {
      uploadUrl: upload.uploadUrl ?? "",
      size: upload.size ?? 0,
      at: upload.creationTime,
    };
    try {
      localStorage.setItem(key, JSON.stringify(remembered));
    } catch {
      // full or blocked: this file cannot go on after a reload, only after a dropped connection
    }
    return Promise.resolve(key);
  },
};
