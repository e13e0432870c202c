import type { PickedFile } from "./dropped_files";

/** What a zip without 64-bit fields can say. */
export const MOST_ZIP_BYTES = 0xffff_ffff;
export const MOST_ZIP_FILES = 0xffff;

const LOCAL_HEADER = 0x0403_4b50;
const CENTRAL_HEADER = 0x0201_4b50;
const END_RECORD = 0x0605_4b50;
const VERSION = 20;
/** Names are UTF-8 (APPNOTE 4.4.4, bit 11). */
const FLAGS = 0x0800;
/** 1 January 1980: when files were changed is nobody's business. */
const DATE = 0x0021;

const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb8_8320 : value >>> 1;
  return value;
});

/** CRC-32 as zip files carry it, of bytes that follow others whose value is `before`. */
export function crc32(bytes: Uint8Array, before = 0): number {
  let value = ~before;
  for (const byte of bytes) value = (value >>> 8) ^ (TABLE[(value ^ byte) & 0xff] ?? 0);
  return ~value >>> 0;
}

async function checksum(file: Blob): Promise<number> {
  const reader = file.stream().getReader();
  let value = 0;
  for (;;) {
    const { done, value: piece } = await reader.read();
    if (done) return value;
    value = crc32(piece, value);
  }
}

function write(fields: readonly (readonly [bytes: 2 | 4, value: number])[]): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(fields.reduce((sum, [bytes]) => sum + bytes, 0)));
  let at = 0;
  for (const [bytes, value] of fields) {
    if (bytes === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += bytes;
  }
  return new Uint8Array(view.buffer);
}

type Fields = readonly (readonly [2 | 4, number])[];

const described = (sum: number, size: number, nameBytes: number): Fields => [
  [2, VERSION],
  [2, FLAGS],
  [2, 0],
  [2, 0],
  [2, DATE],
  [4, sum],
  [4, size],
  [4, size],
  [2, nameBytes],
  [2, 0],
];

/**
 * Files of a folder as one zip, not compressed: only their beginnings and ends are held in memory, never their contents.
 * `onFile` tells how many files have been read.
 */
export async function packFiles(files: readonly PickedFile[], onFile: (done: number) => void): Promise<Blob> {
  const parts: BlobPart[] = [];
  const directory: BlobPart[] = [];
  let offset = 0;
  let directoryBytes = 0;
  for (const [index, { file, path }] of files.entries()) {
    const name = new TextEncoder().encode(path);
    const fields = described(await checksum(file), file.size, name.length);
    const head = write([[4, LOCAL_HEADER], ...fields]);
    const entry = write([[4, CENTRAL_HEADER], [2, VERSION], ...fields, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]]);
    parts.push(head, name, file);
    directory.push(entry, name);
    offset += head.length + name.length + file.size;
    directoryBytes += entry.length + name.length;
    onFile(index + 1);
  }
  const count: Fields = [
    [2, files.length],
    [2, files.length],
  ];
  const end = write([[4, END_RECORD], [2, 0], [2, 0], ...count, [4, directoryBytes], [4, offset], [2, 0]]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}
