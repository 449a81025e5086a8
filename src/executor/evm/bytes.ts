/** Big-endian integers in bytes. @module */

/** The integer in these bytes; 0 for none. */
export function bytesToBigint(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n;
  return BigInt(`0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex")}`);
}

/** Writes `value` into `length` bytes at `at`; `value` fits. */
export function writeBigint(out: Uint8Array, at: number, length: number, value: bigint): void {
  const hex = value.toString(16).padStart(length * 2, "0");
  out.set(Buffer.from(hex, "hex"), at);
}
