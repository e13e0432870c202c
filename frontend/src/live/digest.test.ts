import { describe, expect, it } from "vitest";

import { digestVoxels } from "./digest";

// The expected digests are those of studies.label_maps.label_map.digest_voxels on the same arrays.
describe("digestVoxels", () => {
  it("is the server's, over header line and voxels", async () => {
    const voxels = Uint8Array.from({ length: 24 }, (_, index) => index % 5);
    const expected = "7bee69119d3a1d912ce812a2df8088be9c2f7f3009a4df8aeff61857fdd1ef0c";
    expect(await digestVoxels(voxels, [2, 3, 4])).toBe(expected);
  });

  it("tells wide label maps by their type and reads them little-endian", async () => {
    const voxels = Uint16Array.from([0, 1, 258, 65535]);
    const expected = "495628a5d54c31926f07c37b01fb8837526aad9634b61164c10060df95502b9c";
    expect(await digestVoxels(voxels, [1, 2, 2])).toBe(expected);
  });

  it("differs with the shape", async () => {
    const voxels = new Uint8Array(24);
    expect(await digestVoxels(voxels, [2, 3, 4])).not.toBe(await digestVoxels(voxels, [4, 3, 2]));
  });
});
