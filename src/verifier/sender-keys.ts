/**
 * Public keys by Ethereum address, for hints: a bounded cache that forgets by itself.
 *
 * Nothing depends on what is in here but speed: a hint is checked before it is believed.
 *
 * @module
 */
import { secp256k1Recover } from "../algorithms/secp256k1-recover.ts";
import { type Batch, Verdict } from "../core/index.ts";

const KEY = secp256k1Recover.result.fields.publicKey;
const ADDRESS = secp256k1Recover.result.fields.address;

/** Places that an address may lie in: neighbours, searched one by one. */
const WAYS = 8;

const ENTRY_BYTES = ADDRESS.size + KEY.size;

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
  /** Takes in the keys of a batch of `secp256k1-recover` that has run. */
  learn(batch: Batch): void;
}

/**
 * Creates a cache of `capacity` keys (rounded up to a power of two, 84 bytes each); default 65 536, some 5 MiB.
 *
 * @throws RangeError for a capacity outside 8 … 2²⁴.
 */
export function createSenderKeys(capacity = 65_536): SenderKeys {
  if (!Number.isInteger(capacity) || capacity < WAYS || capacity > 2 ** 24) {
    throw new RangeError(`sender keys: expected a capacity of ${WAYS} to 2^24, got ${capacity}`);
  }
  const entries = 2 ** Math.ceil(Math.log2(capacity));
  const table = new Uint8Array(entries * ENTRY_BYTES);
  const taken = new Uint8Array(entries);
  /** Where the next newcomer of each set goes. */
  const hands = new Uint8Array(entries / WAYS);

  /** First entry of the set that an address belongs to. Addresses are digests: any bits of them will do. */
  const setOf = (bytes: Uint8Array, at: number): number => {
    const word = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    return (word & (entries / WAYS - 1)) * WAYS;
  };

  /** The address's entry, or -1. */
  const find = (bytes: Uint8Array, at: number): number => {
    const first = setOf(bytes, at);
    for (let entry = first; entry < first + WAYS && taken[entry] === 1; entry++) {
      let i = 0;
      while (i < ADDRESS.size && table[entry * ENTRY_BYTES + i] === bytes[at + i]) i++;
      if (i === ADDRESS.size) return entry;
    }
    return -1;
  };

  return {
    capacity: entries,
    fillHints(addresses, count, hints) {
      if (addresses.length < count * ADDRESS.size || hints.length < count * KEY.size) {
        throw new RangeError(
          `fillHints: expected ${count} addresses of ${ADDRESS.size} bytes and hints of ${KEY.size}, ` +
            `got ${addresses.length} and ${hints.length} bytes`,
        );
      }
      let known = 0;
      for (let i = 0; i < count; i++) {
        const entry = find(addresses, i * ADDRESS.size);
        const to = i * KEY.size;
        if (entry < 0) {
          hints.fill(0, to, to + KEY.size);
          continue;
        }
        const key = entry * ENTRY_BYTES + ADDRESS.size;
        hints.set(table.subarray(key, key + KEY.size), to);
        known++;
      }
      return known;
    },
    learn({ count, verdicts, results }) {
      const size = secp256k1Recover.result.byteLength;
      for (let i = 0; i < count; i++) {
        const result = i * size;
        const address = result + ADDRESS.offset;
        if (verdicts[i] !== Verdict.Valid || find(results, address) >= 0) continue;
        const first = setOf(results, address);
        const set = first / WAYS;
        const entry = first + hands[set];
        hands[set] = (hands[set] + 1) % WAYS;
        taken[entry] = 1;
        const to = entry * ENTRY_BYTES;
        table.set(results.subarray(address, address + ADDRESS.size), to);
        const key = result + KEY.offset;
        table.set(results.subarray(key, key + KEY.size), to + ADDRESS.size);
      }
    },
  };
}
