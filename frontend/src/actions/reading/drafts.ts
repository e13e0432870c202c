/** Unsaved drawing of one person on one segmentation, kept in this browser so that a crash loses nothing. */
export interface Draft {
  /** Person and segmentation. */
  readonly key: string;
  readonly seriesId: string;
  readonly segmentationId: string;
  readonly baseId: string;
  readonly savedAt: number;
  /** Changed slices as bricks. */
  readonly bricks: readonly Uint8Array<ArrayBuffer>[];
}

const DATABASE = "segweb";
const STORE = "drafts";

function openDatabase(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(STORE, { keyPath: "key" }).createIndex("seriesId", "seriesId");
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("Drafts cannot be kept in this browser."));
  });
}

async function ask<Result>(
  mode: IDBTransactionMode,
  question: (store: IDBObjectStore) => IDBRequest<Result>,
): Promise<Result> {
  const database = await openDatabase();
  try {
    return await new Promise<Result>((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const request = question(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error ?? new Error("The draft could not be kept."));
    });
  } finally {
    database.close();
  }
}

export function draftKey(userId: string, segmentationId: string): string {
  return `${userId}/${segmentationId}`;
}

export async function keepDraft(draft: Draft): Promise<void> {
  await ask("readwrite", (store) => store.put(draft));
}

export async function dropDraft(key: string): Promise<void> {
  await ask("readwrite", (store) => store.delete(key));
}

/** Drafts of a person on a series, the newest first. */
export async function findDrafts(userId: string, seriesId: string): Promise<Draft[]> {
  const found = await ask("readonly", (store) => store.index("seriesId").getAll(seriesId) as IDBRequest<Draft[]>);
  return found.filter((draft) => draft.key.startsWith(`${userId}/`)).sort((a, b) => b.savedAt - a.savedAt);
}
