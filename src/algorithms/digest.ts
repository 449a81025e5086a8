/**
 * The shape that every hash row shares: a message in the arena → a digest of 32 bytes.
 *
 * @module
 */
import type { Algorithm, Example } from "../core/index.ts";
import { layout, Verdict } from "../core/index.ts";

/** `offset`, `length`: where the message lies in the arena, in bytes; any length, zero included. */
const record = layout({ offset: ["u32", 4], length: ["u32", 4] });
const result = layout({ digest: ["bytes", 32] });

/** An algorithm from messages to digests. The one invalid verdict is `MessageOutOfBounds`. */
export type DigestAlgorithm = Algorithm & { record: typeof record; result: typeof result };

/** A message on its own. */
function example(length: number): Example {
  const bytes = new Uint8Array(record.byteLength);
  new DataView(bytes.buffer).setUint32(record.fields.length.offset, length, true);
  return { record: bytes, arena: Uint8Array.from({ length }, (_, i) => i * 7 + length) };
}

/**
 * @param hash the oracle, 32 bytes out.
 * @param exampleLengths bytes of the example messages: around the hash's block.
 */
export function digestAlgorithm(
  id: string,
  summary: string,
  hash: (message: Uint8Array) => Uint8Array,
  exampleLengths: readonly number[],
): DigestAlgorithm {
  return {
    id,
    summary,
    record,
    result,
    usesArena: true,
    examples: exampleLengths.map(example),
    reference(bytes, arena, out) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const offset = view.getUint32(record.fields.offset.offset, true);
      const length = view.getUint32(record.fields.length.offset, true);
      if (offset + length > arena.length) return Verdict.MessageOutOfBounds;
      // A copy: the oracle must not read memory that other threads share.
      out.set(hash(arena.slice(offset, offset + length)));
      return Verdict.Valid;
    },
  };
}
