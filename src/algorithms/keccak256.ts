/**
 * `keccak256`: the Keccak-f[1600] sponge, rate 1088, domain byte 0x01, as Ethereum uses it (Yellow Paper §3; not FIPS 202).
 *
 * @module
 */
import { keccak_256 } from "@noble/hashes/sha3.js";
import type { Algorithm, Example } from "../core/index.ts";
import { layout, Verdict } from "../core/index.ts";

/** `offset`, `length`: where the message lies in the arena, in bytes; any length, zero included. */
const record = layout({ offset: ["u32", 4], length: ["u32", 4] });
const result = layout({ digest: ["bytes", 32] });

/** A message on its own: empty, one block, exactly one block, two blocks. */
function example(length: number): Example {
  const bytes = new Uint8Array(record.byteLength);
  new DataView(bytes.buffer).setUint32(record.fields.length.offset, length, true);
  return { record: bytes, arena: Uint8Array.from({ length }, (_, i) => i * 7 + length) };
}

/** Digest of each message. The one invalid verdict is `MessageOutOfBounds`. */
export const keccak256: Algorithm & { record: typeof record; result: typeof result } = {
  id: "keccak256",
  summary: "Keccak-256 digest of each message",
  record,
  result,
  usesArena: true,
  examples: [0, 32, 136, 137].map(example),
  reference(bytes, arena, out) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const offset = view.getUint32(record.fields.offset.offset, true);
    const length = view.getUint32(record.fields.length.offset, true);
    if (offset + length > arena.length) return Verdict.MessageOutOfBounds;
    out.set(keccak_256(arena.slice(offset, offset + length)));
    return Verdict.Valid;
  },
};
