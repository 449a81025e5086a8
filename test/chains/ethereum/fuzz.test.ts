/**
 * Mutated transactions of every type, at every fork that changed their rules, judged here and by @ethereumjs/tx: accepted or
 * refused alike, with the same hash, sender and intrinsic gas. Where the two differ on purpose, the difference has a name below.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Common, Mainnet } from "@ethereumjs/common";
import { RLP } from "@ethereumjs/rlp";
import { createTxFromRLP } from "@ethereumjs/tx";
import type { KZG } from "@ethereumjs/util";
import {
  decodeTransactions,
  type Fork,
  intrinsicGas,
  TransactionVerdict,
  toHex,
  transactionRules,
  transactionVerdictName,
} from "../../../src/chains/ethereum/index.ts";
import { addressOf, hashAndRecover } from "../../support/hash.ts";
import { type SeededRandom, seededRandom } from "../../support/random.ts";
import { envelope, type Item, KEYS, randomFields, signFields } from "../../support/sign.ts";

const CASES = process.env.LANEWISE_SLOW ? 100_000 : 3_000;

const FORKS: readonly (readonly [Fork, string])[] = [
  ["frontier", "chainstart"],
  ["homestead", "homestead"],
  ["spuriousDragon", "spuriousDragon"],
  ["istanbul", "istanbul"],
  ["berlin", "berlin"],
  ["london", "london"],
  ["shanghai", "shanghai"],
  ["cancun", "cancun"],
  ["prague", "prague"],
  ["osaka", "osaka"],
];

interface Answer {
  readonly hash: string;
  readonly sender: string;
  readonly intrinsicGas: number;
}

/** The library wants a KZG implementation for any blob transaction; the canonical form never calls it. */
const customCrypto = { kzg: {} as KZG };

function oracle(raw: Uint8Array, hardfork: string): Answer | string {
  try {
    const common = new Common({ chain: Mainnet, hardfork, customCrypto });
    const tx = createTxFromRLP(raw, { common });
    const errors = tx.getValidationErrors();
    if (errors.length > 0) return errors.join("; ");
    return {
      hash: toHex(tx.hash()),
      sender: tx.getSenderAddress().toString(),
      intrinsicGas: Number(tx.getIntrinsicGas()),
    };
  } catch (error) {
    return String(error);
  }
}

function lanewise(raw: Uint8Array, fork: Fork): Answer | number {
  const list = decodeTransactions([raw], transactionRules(fork, 1n));
  if (list.verdicts[0] !== 0) return list.verdicts[0];
  const { hashes, senders } = hashAndRecover(list);
  if (senders.verdicts[0] !== 0) return senders.verdicts[0];
  return {
    hash: toHex(hashes.result(0)),
    sender: toHex(addressOf(senders, 0)),
    intrinsicGas: intrinsicGas(list, 0),
  };
}

/** Position of the access list in typed transactions. */
const ACCESS_LIST_INDEX = [-1, 7, 8, 8, 8];

/**
 * What @ethereumjs/tx 10 takes and the specification refuses. The first two would give one transaction two encodings; the third
 * reads the hash's version byte as decimal digits up to the first that is none, so that 0x1a to 0x1f pass for 1.
 */
function intendedDifference(raw: Uint8Array, verdict: number): string | undefined {
  const fields = RLP.decode(raw.subarray(1));
  if (raw[0] >= 0xc0 || !Array.isArray(fields)) return undefined;
  const [chainId] = fields;
  if (verdict === TransactionVerdict.IntegerLeadingZero && !Array.isArray(chainId)) {
    return chainId[0] === 0 ? "chain id with leading zeros" : undefined;
  }
  const accessList = fields[ACCESS_LIST_INDEX[raw[0]]];
  if (verdict === TransactionVerdict.FieldKind && !Array.isArray(accessList)) {
    return accessList.length === 0 ? "empty string for an access list" : undefined;
  }
  const hashes = fields[10];
  if (verdict === TransactionVerdict.BlobHashVersion && Array.isArray(hashes)) {
    const versions = (hashes as Uint8Array[]).map((hash) => hash[0]);
    const isRead = versions.every(
      (version) => version === 1 || (version >= 0x1a && version <= 0x1f),
    );
    return isRead ? "blob hash version read as decimal" : undefined;
  }
  return undefined;
}

const isList = (item: Item): item is Item[] => Array.isArray(item);

/** Replaces one item, at any depth, by one that is likely to break a rule. */
function mutateItems(random: SeededRandom, items: Item[]): void {
  const index = random.below(items.length);
  const item = items[index];
  if (isList(item) && item.length > 0 && random.below(4) > 0) {
    mutateItems(random, item);
    return;
  }
  const boundary = (): Uint8Array =>
    random.pick([
      new Uint8Array(0),
      Uint8Array.of(0),
      Uint8Array.of(1),
      Uint8Array.of(2),
      Uint8Array.of(27),
      Uint8Array.of(28),
      Uint8Array.of(37),
      Uint8Array.of(38),
      Uint8Array.of(0xff),
      new Uint8Array(8).fill(0xff),
      new Uint8Array(9).fill(0xff),
      new Uint8Array(32).fill(0xff),
      new Uint8Array(33).fill(0xff),
      random.bytes(19),
      random.bytes(20),
      random.bytes(21),
      random.bytes(31),
      random.bytes(32),
    ]);
  switch (random.below(7)) {
    case 0:
      items.splice(index, 1);
      break;
    case 1:
      items.splice(index, 0, boundary());
      break;
    case 2:
      items[index] = isList(item) ? boundary() : [item];
      break;
    case 3:
      items[index] = isList(item) ? [] : Uint8Array.from([0, ...item]);
      break;
    case 4:
      items.push(items[index]);
      break;
    default:
      if (isList(item)) item.push(boundary());
      else items[index] = boundary();
  }
}

function mutateBytes(random: SeededRandom, raw: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(raw);
  switch (random.below(6)) {
    case 0:
      return bytes.subarray(0, random.below(bytes.length + 1));
    case 1:
      return Uint8Array.from([...bytes, random.below(256)]);
    case 2:
      bytes[0] = random.below(256);
      return bytes;
    case 3:
      bytes[random.below(Math.min(bytes.length, 16))] = random.below(256);
      return bytes;
    default:
      bytes[random.below(bytes.length)] ^= 1 << random.below(8);
      return bytes;
  }
}

const copy = (item: Item): Item => (isList(item) ? item.map(copy) : item);

test(`${CASES} mutated transactions are judged as @ethereumjs/tx judges them`, () => {
  const random = seededRandom(2718);
  const bases = Array.from({ length: 120 }, (_, i) => {
    const type = i % 5;
    const key = KEYS[i % KEYS.length];
    const replayProtected = i % 3 > 0;
    return { type, fields: signFields(type, randomFields(random, type), key, replayProtected) };
  });
  const counts = { accepted: 0, refused: 0 };
  for (let round = 0; round < CASES; round++) {
    const { type, fields } = random.pick(bases);
    const mutated = copy(fields) as Item[];
    const kind = random.below(8);
    if (kind > 3) mutateItems(random, mutated);
    let raw = envelope(type, mutated);
    if (kind === 1 || kind === 2) raw = mutateBytes(random, raw);
    // Later forks more often: they have more rules.
    const [fork, hardfork] = random.pick(FORKS.slice(random.below(FORKS.length)));
    const got = lanewise(raw, fork);
    const expected = oracle(raw, hardfork);
    const refused = typeof got === "number";
    counts[refused ? "refused" : "accepted"]++;
    if (refused && typeof expected === "string") continue;
    if (refused && intendedDifference(raw, got) !== undefined) continue;
    const answer = refused ? transactionVerdictName(got) : got;
    assert.deepEqual(answer, expected, `${fork} ${toHex(raw)}`);
  }
  assert.ok(counts.accepted > CASES / 6 && counts.refused > CASES / 3, JSON.stringify(counts));
});
