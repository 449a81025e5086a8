/**
 * The hex keys of state diffs as bytes, without an object in between.
 *
 * @module
 */

const VALUES = new Uint8Array(128);
for (let value = 0; value < 16; value++) {
  const digit = value.toString(16);
  VALUES[digit.charCodeAt(0)] = value;
  VALUES[digit.toUpperCase().charCodeAt(0)] = value;
}

/** Writes the bytes of 0x-prefixed hex to `out` from `at` on. The digits are not checked. */
export function readHex(hex: string, out: Uint8Array, at: number): void {
  const { length } = hex;
  for (let i = 2; i + 1 < length; i += 2) {
    out[at++] = (VALUES[hex.charCodeAt(i) & 127] << 4) | VALUES[hex.charCodeAt(i + 1) & 127];
  }
}

/** The bytes of 0x-prefixed hex. The digits are not checked. */
export function bytesOf(hex: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array((hex.length - 2) >> 1);
  readHex(hex, bytes, 0);
  return bytes;
}

/** 0x-prefixed lower-case hex. */
export function hexOf(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex")}`;
}
