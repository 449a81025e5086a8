/**
 * How the records of one algorithm are told apart: every byte that decides an answer, and a hash of them that nobody can aim at.
 *
 * The bytes are the record's words, without the arena offset (where a message lies says nothing about it), and the message. The hash is
 * multilinear over GF(2³¹ − 1): a secret start plus the sum of 16-bit halves times secret keys, so that any two different records
 * collide with probability 2⁻³¹ over the keys (Carter, Wegman 1979), and then mixed. It only says where to look; bytes decide.
 *
 * @module
 */
import type { Algorithm } from "../core/index.ts";

/** 2³¹ − 1. */
const PRIME = 0x7fff_ffff;

/** A message longer than this is not looked for among the duplicates: the key would cost as much as the hash. */
export const KEYED_MESSAGE_BYTES = 1024;

/** Hash of a record that is not looked for. */
export const UNKEYED = 0;

/**
 * Words summed up before a reduction: 64 products below 2⁴⁷ and a rest below 2³¹ are below 2⁵³, where doubles are exact.
 */
const BLOCK_WORDS = 32;

/** Numbers below {@link PRIME} from the CSPRNG. */
function drawResidues(count: number): Float64Array {
  const drawn = crypto.getRandomValues(new Uint32Array(count));
  // 2³² values over 2³¹ − 1 residues: three of them are likelier than the rest, by 2⁻³².
  return Float64Array.from(drawn, (value) => value % PRIME);
}

/** The residue of a sum below 2⁵³; the quotient may be rounded up by one. */
function reduce(sum: number): number {
  const rest = sum - Math.floor(sum / PRIME) * PRIME;
  return rest < 0 ? rest + PRIME : rest;
}

/**
 * Mixes a sum so that tables may take any bits of it: records that count up give sums in equal steps, whose low bits alone may gather
 * in few places. Different sums stay different but for two (the finalizer of MurmurHash3, a bijection, without zero).
 */
function scatter(sum: number): number {
  let mixed = sum ^ (sum >>> 16);
  mixed = Math.imul(mixed, 0x85eb_ca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2_ae35);
  mixed ^= mixed >>> 16;
  return mixed === UNKEYED ? 1 : mixed;
}

/** Hash and equality of one algorithm's records. A record is `words[at]` … and the arena that it points into. */
export class RecordKey {
  readonly algorithm: Algorithm;
  /** This algorithm's number among the verifier's. */
  readonly ordinal: number;
  readonly recordWords: number;
  readonly resultWords: number;
  /** Words of a record where offset and length lie; -1 without an arena. */
  readonly offsetWord: number;
  readonly lengthWord: number;
  readonly #keys: Float64Array;
  readonly #start: number;

  constructor(algorithm: Algorithm, ordinal: number) {
    this.algorithm = algorithm;
    this.ordinal = ordinal;
    const { record, result, usesArena } = algorithm;
    this.recordWords = record.byteLength / 4;
    this.resultWords = result.byteLength / 4;
    this.offsetWord = usesArena ? record.fields.offset.offset / 4 : -1;
    this.lengthWord = usesArena ? record.fields.length.offset / 4 : -1;
    const messageHalves = usesArena ? KEYED_MESSAGE_BYTES / 2 : 0;
    [this.#start] = drawResidues(1);
    this.#keys = drawResidues(2 * this.recordWords + messageHalves);
  }

  /** Bytes of a record's message. */
  messageBytes(words: Uint32Array, at: number): number {
    return this.lengthWord < 0 ? 0 : words[at + this.lengthWord];
  }

  /** Whether a record's message lies inside the arena. */
  inBounds(words: Uint32Array, at: number, arenaBytes: number): boolean {
    if (this.lengthWord < 0) return true;
    return words[at + this.offsetWord] + words[at + this.lengthWord] <= arenaBytes;
  }

  /** A 32-bit integer, {@link UNKEYED} for a long message alone. The message must lie inside the arena. */
  hash(words: Uint32Array, at: number, arena: Uint8Array): number {
    const keys = this.#keys;
    const { recordWords, offsetWord } = this;
    let sum = this.#start;
    for (let from = 0; from < recordWords; from += BLOCK_WORDS) {
      const end = Math.min(from + BLOCK_WORDS, recordWords);
      // Four sums: an addition need not wait for the one before it.
      let high = 0;
      let nextLow = 0;
      let nextHigh = 0;
      let i = from;
      for (; i + 1 < end; i += 2) {
        const word = words[at + i];
        const next = words[at + i + 1];
        sum += keys[2 * i] * (word & 0xffff);
        high += keys[2 * i + 1] * (word >>> 16);
        nextLow += keys[2 * i + 2] * (next & 0xffff);
        nextHigh += keys[2 * i + 3] * (next >>> 16);
      }
      if (i < end) {
        sum += keys[2 * i] * (words[at + i] & 0xffff);
        high += keys[2 * i + 1] * (words[at + i] >>> 16);
      }
      if (offsetWord >= from && offsetWord < end) {
        const word = words[at + offsetWord];
        sum -= keys[2 * offsetWord] * (word & 0xffff);
        high -= keys[2 * offsetWord + 1] * (word >>> 16);
      }
      sum = reduce(sum + high + (nextLow + nextHigh));
    }
    if (offsetWord < 0) return scatter(sum);
    const length = words[at + this.lengthWord];
    if (length > KEYED_MESSAGE_BYTES) return UNKEYED;
    return scatter(this.#absorbMessage(sum, arena, words[at + offsetWord], length));
  }

  #absorbMessage(start: number, arena: Uint8Array, offset: number, length: number): number {
    const keys = this.#keys;
    const whole = length & ~1;
    let sum = start;
    let key = 2 * this.recordWords;
    for (let from = 0; from < whole; from += 4 * BLOCK_WORDS) {
      const end = offset + Math.min(from + 4 * BLOCK_WORDS, whole);
      for (let i = offset + from; i < end; i += 2) {
        sum += keys[key++] * (arena[i] | (arena[i + 1] << 8));
      }
      sum = reduce(sum);
    }
    // The length is in the record: an odd last byte is not taken for a half.
    return whole === length ? sum : reduce(sum + keys[key] * arena[offset + whole]);
  }

  /** Whether two records, their messages in bounds, are the same but for where the message lies. */
  same(
    words: Uint32Array,
    at: number,
    arena: Uint8Array,
    otherWords: Uint32Array,
    otherAt: number,
    otherArena: Uint8Array,
  ): boolean {
    const { recordWords, offsetWord, lengthWord } = this;
    for (let i = 0; i < recordWords; i++) {
      if (words[at + i] !== otherWords[otherAt + i] && i !== offsetWord) return false;
    }
    if (offsetWord < 0) return true;
    const from = words[at + offsetWord];
    const otherFrom = otherWords[otherAt + offsetWord];
    const length = words[at + lengthWord];
    for (let i = 0; i < length; i++) {
      if (arena[from + i] !== otherArena[otherFrom + i]) return false;
    }
    return true;
  }
}
