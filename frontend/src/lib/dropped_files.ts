/** A file a person chose, with its place in the folder it came from. */
export interface PickedFile {
  readonly file: File;
  readonly path: string;
}

/** What operating systems leave in folders; nobody means to send it. */
const LITTER = new Set([".ds_store", "thumbs.db", "desktop.ini"]);

function isLitter(path: string): boolean {
  const name = path.slice(path.lastIndexOf("/") + 1).toLowerCase();
  return LITTER.has(name) || path.includes("__MACOSX/");
}

const byPath = new Intl.Collator("en", { numeric: true });

function sortByPath(files: PickedFile[]): PickedFile[] {
  return files.sort((one, other) => byPath.compare(one.path, other.path));
}

function readFile(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

function readBatch(reader: FileSystemDirectoryReader): Promise<FileSystemEntry[]> {
  return new Promise((resolve, reject) => reader.readEntries(resolve, reject));
}

/** A directory gives its entries in batches (Chromium: of 100) until one is empty. */
async function readDirectory(entry: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = entry.createReader();
  const entries: FileSystemEntry[] = [];
  for (;;) {
    const batch = await readBatch(reader);
    if (batch.length === 0) return entries;
    entries.push(...batch);
  }
}

async function pick(entry: FileSystemEntry): Promise<PickedFile | undefined> {
  const path = entry.fullPath.replace(/^\//, "");
  return isLitter(path) ? undefined : { file: await readFile(entry as FileSystemFileEntry), path };
}

/**
 * Everything in what was dropped, folders walked.
 *
 * The entries must be taken while the drop is handled (`takeEntries`): the list is empty afterwards.
 */
export async function walkEntries(
  roots: readonly FileSystemEntry[],
  onCount: (count: number) => void,
): Promise<PickedFile[]> {
  const picked: PickedFile[] = [];
  const pending: FileSystemEntry[] = [...roots];
  for (let entry = pending.pop(); entry; entry = pending.pop()) {
    const found = entry.isDirectory ? await readDirectory(entry as FileSystemDirectoryEntry) : [entry];
    pending.push(...found.filter((child) => child.isDirectory));
    const files = await Promise.all(found.filter((child) => child.isFile).map(pick));
    picked.push(...files.filter((file) => file !== undefined));
    onCount(picked.length);
  }
  return sortByPath(picked);
}

export function takeEntries(transfer: DataTransfer): FileSystemEntry[] {
  return [...transfer.items].flatMap((item) => (item.kind === "file" ? (item.webkitGetAsEntry() ?? []) : []));
}

/** The files of an `<input type="file">`, with their folder where one was chosen. */
export function takePicked(files: FileList): PickedFile[] {
  const picked = [...files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
  return sortByPath(picked.filter(({ path }) => !isLitter(path)));
}
