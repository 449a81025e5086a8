/**
 * How fast do raw transactions become records? ERC-20 transfers of type 0 (EIP-155) and type 2 on one thread: decoding with the
 * static rules, signing messages, transaction-hash messages, recovery records.
 *
 * Usage: `node dist/bench/ethereum-decode.js [transactions]`
 *
 * @module
 */
import { keccak256, secp256k1Recover } from "../src/algorithms/index.ts";
import {
  decodeTransactions,
  encodeRlp,
  fillRecovery,
  fillSigningHashes,
  fillTransactionHashes,
  signingBytes,
  transactionBytes,
  transactionRules,
} from "../src/chains/ethereum/index.ts";
import { Batch } from "../src/core/index.ts";

const count = Number(process.argv[2] ?? 4096);
const ROUNDS = 200;

/** xorshift32: the same bytes in every run. */
let seed = 0x9e3779b9;
function randomBytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, () => {
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    return seed & 0xff;
  });
}

/** transfer(address, uint256) */
function transferCalldata(): Uint8Array {
  const data = new Uint8Array(68);
  data.set([0xa9, 0x05, 0x9c, 0xbb]);
  data.set(randomBytes(20), 16);
  data.set(randomBytes(9), 59);
  return data;
}

function transaction(index: number): Uint8Array {
  const scalar = (): Uint8Array => {
    const bytes = randomBytes(32);
    bytes[0] = 0x7f;
    return bytes;
  };
  const tail = [60_000, randomBytes(20), 0, transferCalldata()];
  if (index % 2 === 0) {
    return encodeRlp([index, 30_000_000_000n, ...tail, 37 + (index & 1), scalar(), scalar()]);
  }
  const fees = [1_000_000_000n, 30_000_000_000n];
  const list = encodeRlp([1, index, ...fees, ...tail, [], index & 1, scalar(), scalar()]);
  return Uint8Array.from([2, ...list]);
}

const raws = Array.from({ length: count }, (_, index) => transaction(index));
const rules = transactionRules("prague", 1n);
const joined = decodeTransactions(raws, rules);
const packed = { bytes: joined.bytes, offsets: joined.offsets };
if (joined.verdicts.some((verdict) => verdict !== 0)) throw new Error("a transaction is invalid");
const signing = new Batch(keccak256, count, signingBytes(joined));
const hashing = new Batch(keccak256, count, transactionBytes(joined));
const recovery = new Batch(secp256k1Recover, count);

const stages: Record<string, () => void> = {
  "decode, packed": () => decodeTransactions(packed, rules),
  "decode, array": () => decodeTransactions(raws, rules),
  "signing messages": () => {
    signing.reset();
    fillSigningHashes(joined, signing);
  },
  "hash messages": () => {
    hashing.reset();
    fillTransactionHashes(joined, hashing);
  },
  "recovery records": () => {
    recovery.reset();
    fillRecovery(joined, recovery, signing.results);
  },
  "decode + signing messages": () => {
    signing.reset();
    fillSigningHashes(decodeTransactions(packed, rules), signing);
  },
  "all of it": () => {
    const list = decodeTransactions(packed, rules);
    for (const batch of [signing, hashing, recovery]) batch.reset();
    fillSigningHashes(list, signing);
    fillTransactionHashes(list, hashing);
    fillRecovery(list, recovery, signing.results);
  },
};

for (const [name, run] of Object.entries(stages)) {
  const timesMs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    run();
    timesMs.push(performance.now() - start);
  }
  timesMs.sort((a, b) => a - b);
  const perSecond = (ms: number): string =>
    Math.round(count / (ms / 1000))
      .toLocaleString("en")
      .padStart(12);
  console.log(
    `${name.padEnd(28)} best ${perSecond(timesMs[0])}/s   median ${perSecond(timesMs[ROUNDS >> 1])}/s`,
  );
}
