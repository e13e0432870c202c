// @vitest-environment node
import { expect, test } from "vitest";

import { crc32, packFiles } from "./zip";

test("the checksum is the one zip files carry", () => {
  // The check value that catalogues of CRC algorithms give for CRC-32/ISO-HDLC.
  expect(crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
  expect(crc32(new TextEncoder().encode("6789"), crc32(new TextEncoder().encode("12345")))).toBe(0xcbf43926);
});

/** Reads a zip as APPNOTE 4.3 describes it: from its end record over its directory to each file. */
function unpack(content: ArrayBuffer): [string, string][] {
  const view = new DataView(content);
  const text = (at: number, length: number) => new TextDecoder().decode(content.slice(at, at + length));
  const end = content.byteLength - 22;
  expect(view.getUint32(end, true)).toBe(0x06054b50);
  let at = view.getUint32(end + 16, true);
  return Array.from({ length: view.getUint16(end + 10, true) }, (): [string, string] => {
    expect(view.getUint32(at, true)).toBe(0x02014b50);
    const [sum, size] = [view.getUint32(at + 16, true), view.getUint32(at + 24, true)];
    const nameBytes = view.getUint16(at + 28, true);
    const local = view.getUint32(at + 42, true);
    expect(view.getUint32(local, true)).toBe(0x04034b50);
    const begin = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    expect(crc32(new Uint8Array(content, begin, size))).toBe(sum);
    const found: [string, string] = [text(at + 46, nameBytes), text(begin, size)];
    at += 46 + nameBytes;
    return found;
  });
}

test("what was packed can be read as the format says", async () => {
  const files = ["images/ä.png", "masks/b.png"].map((path, index) => ({
    file: new File([`content ${String(index)}`], path),
    path,
  }));
  const told: number[] = [];
  const blob = await packFiles(files, (done) => told.push(done));
  expect(unpack(await blob.arrayBuffer())).toEqual([
    ["images/ä.png", "content 0"],
    ["masks/b.png", "content 1"],
  ]);
  expect(told).toEqual([1, 2]);
});
