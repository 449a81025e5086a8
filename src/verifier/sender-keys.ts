/**
 * Public keys by Ethereum address, for hints: a bounded cache that forgets by itself.
 *
 * Nothing depends on what is in here but speed: a hint is checked before it is believed.
 *
 * @module
 */
import { secp256k1Recover } from "../algorithms/secp256k1-recover.ts";
import { secp256k1RecoverHinted } from "../algorithms/secp256k1-recover-hinted.ts";
import { type Batch, Verdict } from "../core/index.ts";

/** Places that an address may lie in: neighbours, searched one by one. */
const WAYS = 8;

const ADDRESS_BYTES = secp256k1Recover.result.fields.address.size;
const KEY_BYTES = secp256k1Recover.result.fields.publicKey.size;

// In words. An entry is a result of recovery: x ‖ y ‖ address.
const ADDRESS_WORDS = ADDRESS_BYTES / 4;
const KEY_WORDS = KEY_BYTES / 4;
const ENTRY_WORDS = secp256k1Recover.result.byteLength / 4;
const ADDRESS = secp256k1Recover.result.fields.address.offset / 4;
const HINTED_WORDS = secp256k1RecoverHinted.record.byteLength / 4;
const HINT = secp256k1RecoverHinted.record.fields.hint.offset / 4;

/** Address → public key. */
export interface SenderKeys {
  /** Most keys kept. */
  readonly capacity: number;
  /**
   * Writes the keys of `count` addresses as hints for {@link recoverSenders}.
   *
   * @param addresses `count` × 20 bytes: the senders that somebody claims.
   * @param hints `count` × 64 bytes, all of them written: x ‖ y, or zeros where the key is not known.
   * @returns how many are known.
   * @throws RangeError where either is shorter than that.
   */
  fillHints(addresses: Uint8Array, count: number, hints: Uint8Array): number;
  /**
   * {@link SenderKeys.fillHints} into the records of a batch of `secp256k1-recover-hinted`.
   *
   * @param addresses `batch.count` × 20 bytes.
   * @throws TypeError for a batch of another algorithm, RangeError for fewer addresses.
   */
  hint(batch: Batch, addresses: Uint8Array): number;
  /** Takes in the keys of a batch of `secp256k1-recover` or `secp256k1-recover-hinted` that has run. */
  learn(batch: Batch): void;
}

/** The bytes as words; a copy where they do not lie on a word's boundary. */
function wordsOf(bytes: Uint8Array, length: number): Uint32Array {
  const used = bytes.subarray(0, length);
  const { buffer, byteOffset } = used.byteOffset % 4 === 0 ? used : used.slice();
  return new Uint32Array(buffer, byteOffset, length >>> 2);
}

/**
 * Creates a cache of `capacity` keys (rounded up to a power of two, 88 bytes each); default 65 536, some 6 MiB.
 *
 * @throws RangeError for a capacity outside 8 … 2²⁴.
 */
export function createSenderKeys(capacity = 65_536): SenderKeys {
  if (!Number.isInteger(capacity) || capacity < WAYS || capacity > 2 ** 24) {
    throw new RangeError(`sender keys: expected a capacity of ${WAYS} to 2^24, got ${capacity}`);
  }
  const entries = 2 ** Math.ceil(Math.log2(capacity));
  const table = new Uint32Array(entries * ENTRY_WORDS);
  /** A word of each entry's address, those of a set in one cache line; 0: no entry. */
  const tags = new Uint32Array(entries);
  /** Where the next newcomer of each set goes. */
  const hands = new Uint8Array(entries / WAYS);

  /** First entry of the set that an address belongs to. Addresses are digests: any bits of them will do. */
  const setOf = (words: Uint32Array, at: number): number =>
    (words[at] & (entries / WAYS - 1)) * WAYS;

  const tagOf = (words: Uint32Array, at: number): number => (words[at + 1] | 1) >>> 0;

  /** Place of the address's entry in the table, or -1. */
  const find = (words: Uint32Array, at: number): number => {
    const first = setOf(words, at);
    const tag = tagOf(words, at);
    for (let way = first; way < first + WAYS; way++) {
      if (tags[way] !== tag) continue;
      const entry = way * ENTRY_WORDS;
      let i = 0;
      while (i < ADDRESS_WORDS && table[entry + ADDRESS + i] === words[at + i]) i++;
      if (i === ADDRESS_WORDS) return entry;
    }
    return -1;
  };

  /** Writes a hint for each address, `step` words apart from word `first` on. */
  const fill = (
    addresses: Uint32Array,
    count: number,
    hints: Uint32Array,
    first: number,
    step: number,
  ): number => {
    let known = 0;
    for (let i = 0, to = first; i < count; i++, to += step) {
      const entry = find(addresses, i * ADDRESS_WORDS);
      if (entry < 0) {
        for (let word = 0; word < KEY_WORDS; word++) hints[to + word] = 0;
        continue;
      }
      for (let word = 0; word < KEY_WORDS; word++) hints[to + word] = table[entry + word];
      known++;
    }
    return known;
  };

  return {
    capacity: entries,
    fillHints(addresses, count, hints) {
      if (addresses.length < count * ADDRESS_BYTES || hints.length < count * KEY_BYTES) {
        throw new RangeError(
          `fillHints: expected ${count} addresses of ${ADDRESS_BYTES} bytes and hints of ${KEY_BYTES}, ` +
            `got ${addresses.length} and ${hints.length} bytes`,
        );
      }
      const words = wordsOf(hints, count * KEY_BYTES);
      const claimed = wordsOf(addresses, count * ADDRESS_BYTES);
      const known = fill(claimed, count, words, 0, KEY_WORDS);
      if (words.buffer !== hints.buffer) hints.set(new Uint8Array(words.buffer));
      return known;
    },
    hint(batch, addresses) {
      const { algorithm, count, records } = batch;
      if (algorithm !== secp256k1RecoverHinted) {
        throw new TypeError(`hint: expected ${secp256k1RecoverHinted.id}, got ${algorithm.id}`);
      }
      if (addresses.length < count * ADDRESS_BYTES) {
        throw new RangeError(
          `hint: expected ${count} addresses of ${ADDRESS_BYTES} bytes, got ${addresses.length} bytes`,
        );
      }
      const words = wordsOf(records, records.length);
      const claimed = wordsOf(addresses, count * ADDRESS_BYTES);
      return fill(claimed, count, words, HINT, HINTED_WORDS);
    },
    learn(batch) {
      const { algorithm, count, verdicts } = batch;
      const results = wordsOf(batch.results, batch.results.length);
      const records = wordsOf(batch.records, batch.records.length);
      const isHinted = algorithm === secp256k1RecoverHinted;
      /** Whether the record was hinted its own key, which is known then. */
      const wasKnown = (index: number): boolean => {
        const hint = index * HINTED_WORDS + HINT;
        const result = index * ENTRY_WORDS;
        let i = 0;
        while (i < KEY_WORDS && records[hint + i] === results[result + i]) i++;
        return i === KEY_WORDS;
      };
      for (let i = 0; i < count; i++) {
        if (verdicts[i] !== Verdict.Valid || (isHinted && wasKnown(i))) continue;
        const result = i * ENTRY_WORDS;
        const address = result + ADDRESS;
        if (find(results, address) >= 0) continue;
        const first = setOf(results, address);
        const set = first / WAYS;
        const way = first + hands[set];
        hands[set] = (hands[set] + 1) % WAYS;
        tags[way] = tagOf(results, address);
        const entry = way * ENTRY_WORDS;
        for (let word = 0; word < ENTRY_WORDS; word++) table[entry + word] = results[result + word];
      }
    },
  };
}
