import type { Voxels } from "./brick";

/**
 * SHA-256 as in studies/label_maps/label_map.py `digest_voxels`: equal digests mean bit-identical label maps.
 * Undefined where the browser offers no cryptography (a page served without TLS from another machine).
 */
export async function digestVoxels(
  voxels: Voxels,
  shape: readonly [number, number, number],
): Promise<string | undefined> {
  // Absent, whatever its type says, in an insecure context.
  const subtle = (globalThis.crypto as Crypto | undefined)?.subtle as SubtleCrypto | undefined;
  if (!subtle) return undefined;
  const dtype = voxels instanceof Uint16Array ? "uint16" : "uint8";
  const header = new TextEncoder().encode(`segweb-label-map:${shape.join("x")}:${dtype}\n`);
  const message = new Uint8Array(header.length + voxels.byteLength);
  message.set(header);
  message.set(new Uint8Array(voxels.buffer, voxels.byteOffset, voxels.byteLength), header.length);
  const digest = new Uint8Array(await subtle.digest("SHA-256", message));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
