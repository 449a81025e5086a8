/**
 * Cases of hash algorithms: records that are nothing but `offset` and `length` of a message.
 *
 * @module
 */
import type { Algorithm } from "../core/index.ts";
import type { Case, CaseGenerator } from "./cases.ts";
import { createRandom } from "./random.ts";

/** Where records point that have no message of their own: to the arena's edges and beyond. */
export const messagePlaces: readonly (readonly [
  name: string,
  point: NonNullable<Case["point"]>,
])[] = [
  ["the arena's last bytes", (used) => ({ offset: used - (used % 300), length: used % 300 })],
  ["nothing, at the end of the arena", (used) => ({ offset: used, length: 0 })],
  ["one byte beyond the arena", (used) => ({ offset: 0, length: used + 1 })],
  ["nothing, beyond the arena", (used) => ({ offset: used + 1, length: 0 })],
  ["offset + length is 0 mod 2^32", () => ({ offset: 0xffff_fff0, length: 0x10 })],
  ["offset + length is 8 mod 2^32", () => ({ offset: 0xffff_ffff, length: 9 })],
  ["offset + length is the arena's length mod 2^32", (used) => ({ offset: used, length: -1 })],
  ["largest offset and length", () => ({ offset: 0xffff_ffff, length: 0xffff_ffff })],
  ["length with the sign bit", () => ({ offset: 0, length: 0x8000_0000 })],
];

/**
 * Lengths of messages at which a sponge or a block hash changes its padding, and some others.
 *
 * @param blockBytes the hash's block, around whose multiples padding changes.
 * @param paddingBytes least bytes of padding.
 */
export function messageLengths(blockBytes: number, paddingBytes: number): number[] {
  const lengths = new Set([0, 1, 3, 4, 5, 7, 8, 9, 31, 32, 33, 63, 64, 65, 1000, 70_001]);
  for (const blocks of [1, 2, 3]) {
    for (const boundary of [blocks * blockBytes, blocks * blockBytes - paddingBytes]) {
      for (const change of [-1, 0, 1]) lengths.add(boundary + change);
    }
  }
  return [...lengths];
}

/**
 * @param blockBytes the hash's block, around whose multiples padding changes.
 * @param paddingBytes least bytes of padding.
 */
export function messageCases(
  algorithm: Algorithm,
  blockBytes: number,
  paddingBytes: number,
): CaseGenerator {
  const record = new Uint8Array(algorithm.record.byteLength);
  return {
    algorithm,
    random(random) {
      // Short messages mostly, a few of many blocks; 64 bytes often enough for runs of Merkle nodes.
      const any = random.below(8) === 0 ? random.below(2000) : random.below(200);
      const length = random.below(3) === 0 ? 64 : any;
      return { name: `${length} bytes`, record, message: random.bytes(length) };
    },
    crafted() {
      const random = createRandom(0x6a5b);
      const inside = messageLengths(blockBytes, paddingBytes).map((length) => ({
        name: `${length} bytes`,
        record,
        message: random.bytes(length),
      }));
      const constant = [0x00, 0xff].map((byte) => ({
        name: `200 bytes of ${byte}`,
        record,
        message: new Uint8Array(200).fill(byte),
      }));
      const places = messagePlaces.map(([name, point]) => ({ name, record, point }));
      return [...inside, ...constant, ...places];
    },
  };
}
