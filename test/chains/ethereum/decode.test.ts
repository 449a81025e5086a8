/** One crafted transaction per verdict, alone and among neighbours; the getters; packed input; batches that overflow. @module */
import assert from "node:assert/strict";
import { test } from "node:test";
import { keccak256, secp256k1Recover } from "../../../src/algorithms/index.ts";
import {
  checkInBlock,
  decodeTransactions,
  type Fork,
  fillRecovery,
  fillSigningHashes,
  fillTransactionHashes,
  floorGas,
  intrinsicGas,
  signingBytes,
  TransactionField,
  toHex,
  transactionBytes,
  transactionRules,
  transactionVerdictName,
  TransactionVerdict as V,
} from "../../../src/chains/ethereum/index.ts";
import { Batch, Verdict } from "../../../src/core/index.ts";
import { addressOf, hashAndRecover, runReference } from "../../support/hash.ts";
import { seededRandom } from "../../support/random.ts";
import {
  addressOfKey,
  envelope,
  type Item,
  integer,
  KEYS,
  randomFields,
  signAuthorization,
  signFields,
} from "../../support/sign.ts";

const EMPTY = new Uint8Array(0);
const ADDRESS = new Uint8Array(20).fill(0x11);
const KEY32 = new Uint8Array(32).fill(0x22);
const BLOB_HASH = Uint8Array.of(1, ...new Uint8Array(31).fill(0x33));
const R = integer(2n ** 255n + 7n);
const S = integer(2n ** 254n + 7n);

/** Fields by name; `list` puts them in the order of a type. */
const DEFAULTS: Record<string, Item> = {
  chainId: integer(1),
  nonce: integer(7),
  tip: integer(1),
  fee: integer(1000),
  gas: integer(1_000_000),
  to: ADDRESS,
  value: integer(5),
  data: EMPTY,
  accessList: [],
  blobFee: integer(3),
  hashes: [BLOB_HASH],
  authorizations: [[integer(1), ADDRESS, integer(3), integer(1), R, S]],
  v: integer(1),
  r: R,
  s: S,
};
const ORDER: readonly string[][] = [
  ["nonce", "fee", "gas", "to", "value", "data", "v", "r", "s"],
  ["chainId", "nonce", "fee", "gas", "to", "value", "data", "accessList", "v", "r", "s"],
  ["chainId", "nonce", "tip", "fee", "gas", "to", "value", "data", "accessList", "v", "r", "s"],
  [
    ...["chainId", "nonce", "tip", "fee", "gas", "to", "value", "data", "accessList"],
    ...["blobFee", "hashes", "v", "r", "s"],
  ],
  [
    ...["chainId", "nonce", "tip", "fee", "gas", "to", "value", "data", "accessList"],
    ...["authorizations", "v", "r", "s"],
  ],
];

function build(type: number, change: Record<string, Item> = {}): Uint8Array {
  const fields: Record<string, Item> = {
    ...DEFAULTS,
    ...(type === 0 && { v: integer(37) }),
    ...change,
  };
  return envelope(
    type,
    ORDER[type].map((name) => fields[name]),
  );
}

const bytes = (length: number, fill = 1): Uint8Array => new Uint8Array(length).fill(fill);

interface Case {
  readonly name: string;
  readonly raw: Uint8Array;
  readonly verdict: number;
  readonly fork?: Fork;
}

const of = (name: string, raw: Uint8Array, verdict: number, fork?: Fork): Case =>
  fork ? { name, raw, verdict, fork } : { name, raw, verdict };

const authorization = (change: Partial<Record<number, Item>>): Record<string, Item> => {
  const items = [...(DEFAULTS.authorizations as Item[][])[0]];
  for (const [index, item] of Object.entries(change)) items[Number(index)] = item!;
  return { authorizations: [items] };
};

const CASES: readonly Case[] = [
  ...[0, 1, 2, 3, 4].map((type) => of(`type ${type}`, build(type), V.Valid)),
  of("nothing", EMPTY, V.RlpTruncated),
  of("a type byte alone", Uint8Array.of(2), V.RlpTruncated),
  of("type 0 written out", Uint8Array.of(0, 0xc0), V.TypeUnknown),
  of("type 5", Uint8Array.of(5, 0xc0), V.TypeUnknown),
  of("a byte string", Uint8Array.of(0x80), V.TypeUnknown),
  of("a string behind the type", Uint8Array.of(2, 0x80), V.FieldKind),
  of("an empty list", Uint8Array.of(0xc0), V.FieldCount),
  of("an empty typed list", Uint8Array.of(2, 0xc0), V.FieldCount),
  of("one byte short", build(2).subarray(0, -1), V.RlpTruncated),
  of("one byte more", Uint8Array.of(...build(2), 0), V.RlpTrailingBytes),
  of(
    "one field less",
    envelope(
      2,
      ORDER[2].slice(0, -1).map((name) => DEFAULTS[name]),
    ),
    V.FieldCount,
  ),
  of(
    "one field more",
    envelope(1, [...ORDER[1].map((name) => DEFAULTS[name]), EMPTY]),
    V.FieldCount,
  ),
  of("a list for a nonce", build(0, { nonce: [] }), V.FieldKind),
  of("a list for an address", build(0, { to: [] }), V.FieldKind),
  of("a list for data", build(2, { data: [EMPTY] }), V.FieldKind),
  of("a string for an access list", build(1, { accessList: EMPTY }), V.FieldKind),
  of("a string for blob hashes", build(3, { hashes: BLOB_HASH }), V.FieldKind),
  of("a string for authorisations", build(4, { authorizations: EMPTY }), V.FieldKind),
  ...["chainId", "nonce", "tip", "fee", "gas", "value", "v", "r", "s"].map((name) =>
    of(`zero byte in ${name}`, build(2, { [name]: Uint8Array.of(0) }), V.IntegerLeadingZero),
  ),
  of("64-bit nonce", build(2, { nonce: bytes(8) }), V.Valid),
  of("72-bit nonce", build(2, { nonce: bytes(9) }), V.IntegerTooLarge),
  of("72-bit gas", build(2, { gas: bytes(9) }), V.IntegerTooLarge),
  of("256-bit value", build(2, { value: bytes(32, 0xff) }), V.Valid),
  ...["chainId", "tip", "fee", "value", "v", "r", "s"].map((name) =>
    of(`264-bit ${name}`, build(2, { [name]: bytes(33) }), V.IntegerTooLarge),
  ),
  of("19-byte address", build(0, { to: bytes(19) }), V.AddressLength),
  of("21-byte address", build(2, { to: bytes(21) }), V.AddressLength),
  of(
    "access list",
    build(2, {
      accessList: [
        [ADDRESS, [KEY32]],
        [ADDRESS, []],
      ],
    }),
    V.Valid,
  ),
  ...[
    [ADDRESS],
    [[ADDRESS]],
    [[ADDRESS, [KEY32], EMPTY]],
    [[bytes(19), []]],
    [[bytes(21), []]],
    [[[ADDRESS], []]],
    [[ADDRESS, KEY32]],
    [[ADDRESS, [bytes(31)]]],
    [[ADDRESS, [bytes(33)]]],
    [[ADDRESS, [[KEY32]]]],
  ].map((accessList, i) =>
    of(
      `malformed access list ${i}`,
      build(2, { accessList: accessList as Item[] }),
      i === 1 ? V.RlpTruncated : V.AccessListMalformed,
    ),
  ),
  of("31-byte blob hash", build(3, { hashes: [bytes(31)] }), V.BlobHashLength),
  of("nested blob hash", build(3, { hashes: [[BLOB_HASH]] }), V.BlobHashLength),
  of(
    "authorisation of 5 items",
    build(4, { authorizations: [bytes(5, 2) as never] }),
    V.AuthorizationMalformed,
  ),
  of(
    "authorisation with a short address",
    build(4, authorization({ 1: bytes(19) })),
    V.AuthorizationMalformed,
  ),
  of(
    "authorisation with a 72-bit nonce",
    build(4, authorization({ 2: bytes(9) })),
    V.AuthorizationMalformed,
  ),
  of(
    "authorisation with a 16-bit parity",
    build(4, authorization({ 3: bytes(2) })),
    V.AuthorizationMalformed,
  ),
  of(
    "authorisation with a 264-bit r",
    build(4, authorization({ 4: bytes(33) })),
    V.AuthorizationMalformed,
  ),
  of(
    "authorisation with a zero byte",
    build(4, authorization({ 0: bytes(1, 0) })),
    V.AuthorizationMalformed,
  ),
  of("authorisation with 7 items", build(4, authorization({ 6: EMPTY })), V.AuthorizationMalformed),
  of("authorisation for another chain", build(4, authorization({ 0: integer(2) })), V.Valid),

  of("type 1 in Istanbul", build(1), V.TypeNotActive, "istanbul"),
  of("type 2 in Berlin", build(2), V.TypeNotActive, "berlin"),
  of("type 3 in Shanghai", build(3), V.TypeNotActive, "shanghai"),
  of("type 4 in Cancun", build(4), V.TypeNotActive, "cancun"),
  of("chain 2", build(2, { chainId: integer(2) }), V.ChainIdMismatch),
  of("chain 0", build(2, { chainId: EMPTY }), V.ChainIdMismatch),
  of("chain 257", build(2, { chainId: integer(257) }), V.ChainIdMismatch),
  of("v 27", build(0, { v: integer(27) }), V.Valid),
  of("v 28", build(0, { v: integer(28) }), V.Valid),
  of("v 38", build(0, { v: integer(38) }), V.Valid),
  of("v 39", build(0, { v: integer(39) }), V.ChainIdMismatch),
  of("v 35", build(0, { v: integer(35) }), V.ChainIdMismatch),
  of("v of 32 bytes", build(0, { v: bytes(32) }), V.ChainIdMismatch),
  of("v 37 in Homestead", build(0), V.ParityInvalid, "homestead"),
  ...[0, 1, 26, 29, 34].map((v) => of(`v ${v}`, build(0, { v: integer(v) }), V.ParityInvalid)),
  of("y parity 0", build(2, { v: EMPTY }), V.Valid),
  of("y parity 2", build(2, { v: integer(2) }), V.ParityInvalid),
  of("y parity 27", build(1, { v: integer(27) }), V.ParityInvalid),
  of("y parity 256", build(1, { v: integer(256) }), V.ParityInvalid),
  of("nonce 2^64 - 1", build(2, { nonce: bytes(8, 0xff) }), V.NonceLimit),
  of("nonce 2^64 - 2", build(2, { nonce: integer(2n ** 64n - 2n) }), V.Valid),
  of(
    "cost 2^256",
    build(0, { gas: integer(2n ** 32n), fee: integer(2n ** 224n) }),
    V.GasCostOverflow,
  ),
  of(
    "cost below 2^256",
    build(0, { gas: integer(2n ** 32n), fee: integer(2n ** 224n - 1n) }),
    V.Valid,
  ),
  of("tip above fee", build(2, { tip: integer(1001) }), V.PriorityFeeAboveMaxFee),
  of("longer tip", build(2, { tip: integer(70_000) }), V.PriorityFeeAboveMaxFee),
  of("tip equal to fee", build(2, { tip: integer(1000) }), V.Valid),
  of("type 3 creates", build(3, { to: EMPTY }), V.CreationNotAllowed),
  of("type 4 creates", build(4, { to: EMPTY }), V.CreationNotAllowed),
  of("no blobs", build(3, { hashes: [] }), V.BlobListEmpty),
  of("9 blobs", build(3, { hashes: Array(9).fill(BLOB_HASH) }), V.Valid),
  of("10 blobs", build(3, { hashes: Array(10).fill(BLOB_HASH) }), V.BlobCount),
  of("7 blobs in Cancun", build(3, { hashes: Array(7).fill(BLOB_HASH) }), V.BlobCount, "cancun"),
  of("6 blobs in BPO 2", build(3, { hashes: Array(6).fill(BLOB_HASH) }), V.Valid, "bpo2"),
  of("7 blobs in BPO 2", build(3, { hashes: Array(7).fill(BLOB_HASH) }), V.BlobCount, "bpo2"),
  of("blob hash version 2", build(3, { hashes: [BLOB_HASH, bytes(32, 2)] }), V.BlobHashVersion),
  of("no authorisations", build(4, { authorizations: [] }), V.AuthorizationListEmpty),
  of(
    "init code of 49 152 bytes",
    build(2, { to: EMPTY, data: bytes(49_152, 0), gas: integer(2_000_000) }),
    V.Valid,
  ),
  of(
    "init code of 49 153 bytes",
    build(2, { to: EMPTY, data: bytes(49_153, 0) }),
    V.InitcodeTooLarge,
  ),
  of("long init code in Paris", build(2, { to: EMPTY, data: bytes(49_153, 0) }), V.Valid, "paris"),
  of("gas 2^24 in Osaka", build(2, { gas: integer(2 ** 24) }), V.Valid, "osaka"),
  of("gas 2^24 + 1 in Osaka", build(2, { gas: integer(2 ** 24 + 1) }), V.GasLimitAboveCap, "osaka"),
  of("gas 2^24 + 1 in Prague", build(2, { gas: integer(2 ** 24 + 1) }), V.Valid),
  of("gas 20 999", build(2, { gas: integer(20_999) }), V.IntrinsicGas),
  of("gas 21 000", build(2, { gas: integer(21_000) }), V.Valid),
  of("gas 2^64 - 1", build(2, { gas: bytes(8, 0xff) }), V.Valid),
  of(
    "floor: 100 bytes at 24 999",
    build(2, { data: bytes(100), gas: integer(24_999) }),
    V.FloorGas,
  ),
  of("floor: 100 bytes at 25 000", build(2, { data: bytes(100), gas: integer(25_000) }), V.Valid),
  of("no floor in Cancun", build(2, { data: bytes(100), gas: integer(22_600) }), V.Valid, "cancun"),
];

test("every crafted transaction gets its verdict", () => {
  for (const { name, raw, verdict, fork = "prague" } of CASES) {
    const list = decodeTransactions([raw], transactionRules(fork, 1n));
    assert.equal(
      transactionVerdictName(list.verdicts[0]),
      transactionVerdictName(verdict),
      `${name}: ${toHex(raw).slice(0, 200)}`,
    );
  }
});

test("neighbours do not notice one another, in an array or packed", () => {
  const cases = CASES.filter(({ fork }) => fork === undefined);
  const rules = transactionRules("prague", 1n);
  const raws = cases.flatMap(({ raw }) => [raw, build(4)]);
  const list = decodeTransactions(raws, rules);
  const packed = decodeTransactions({ bytes: list.bytes, offsets: list.offsets }, rules);
  assert.deepEqual(packed, list);
  let authorizations = 0;
  for (let i = 0; i < list.count; i++) {
    const expected = i % 2 ? V.Valid : cases[i >> 1].verdict;
    assert.equal(list.verdicts[i], expected, cases[i >> 1].name);
    assert.deepEqual(list.raw(i), raws[i]);
    if (expected !== V.Valid || list.type(i) !== 4) continue;
    assert.equal(list.firstAuthorization(i), authorizations);
    for (let k = 0; k < list.authorizationsOf(i); k++) {
      assert.equal(list.transactionOfAuthorization(authorizations + k), i);
    }
    authorizations += list.authorizationsOf(i);
  }
  assert.equal(list.authorizationCount, authorizations);
});

test("packed offsets that decrease or leave the bytes are a wrong call", () => {
  const rules = transactionRules("prague", 1n);
  const raw = build(2);
  const decode = (offsets: number[]) => () =>
    decodeTransactions({ bytes: raw, offsets: Uint32Array.from(offsets) }, rules);
  assert.throws(decode([]), RangeError);
  assert.throws(decode([0, 5, 4]), RangeError);
  assert.throws(decode([0, raw.length + 1]), RangeError);
  assert.equal(decode([0])().count, 0);
  assert.equal(decode([0, 0, raw.length])().verdicts[1], V.Valid);
  assert.equal(decodeTransactions([], rules).count, 0);
});

test("getters give back what was encoded", () => {
  const random = seededRandom(4);
  const accessList: Item[] = [
    [ADDRESS, [KEY32, bytes(32, 9)]],
    [bytes(20, 5), []],
  ];
  const big = random.bytes(32);
  big[0] = 0x7f;
  const change = { value: big, accessList, data: bytes(70), fee: integer(2n ** 70n) };
  const list = decodeTransactions(
    [0, 1, 2, 3, 4].map((type) => build(type, change)),
    transactionRules("prague", 1n),
  );
  for (let i = 0; i < 5; i++) {
    assert.equal(list.verdicts[i], V.Valid);
    assert.equal(list.type(i), i);
    assert.equal(list.chainId(i), 1n);
    assert.equal(list.nonce(i), 7n);
    assert.equal(list.gasLimit(i), 1_000_000n);
    assert.equal(list.maxFeePerGas(i), 2n ** 70n);
    assert.equal(list.maxPriorityFeePerGas(i), i < 2 ? 2n ** 70n : 1n);
    assert.equal(list.effectiveGasPrice(i, 10n), i < 2 ? 2n ** 70n : 11n);
    assert.equal(list.effectiveGasPrice(i, 2n ** 70n), 2n ** 70n);
    assert.deepEqual(list.to(i), ADDRESS);
    assert.equal(toHex(integer(list.value(i))), toHex(big));
    assert.deepEqual(list.data(i), bytes(70));
    assert.equal(list.v(i), i === 0 ? 37n : 1n);
    assert.equal(list.yParity(i), i === 0 ? 0 : 1);
    assert.equal(list.r(i), 2n ** 255n + 7n);
    assert.equal(list.s(i), 2n ** 254n + 7n);
    assert.equal(list.accessListAddressCount(i), i === 0 ? 0 : 2);
    assert.equal(list.accessListKeyCount(i), i === 0 ? 0 : 2);
    assert.deepEqual(
      list.accessList(i).map(({ address, storageKeys }) => [address, storageKeys]),
      i === 0 ? [] : accessList,
    );
    assert.equal(list.blobCount(i), i === 3 ? 1 : 0);
    assert.equal(list.fieldNumber(i, TransactionField.GasLimit), 1_000_000);
    assert.equal(list.hasSidecar(i), false);
    assert.deepEqual(list.canonical(i), list.raw(i));
  }
  assert.equal(list.maxFeePerBlobGas(3), 3n);
  assert.deepEqual(list.blobVersionedHash(3, 0), BLOB_HASH);
  assert.deepEqual(list.authorization(0), {
    chainId: 1n,
    address: ADDRESS,
    nonce: 3n,
    yParity: 1,
    r: 2n ** 255n + 7n,
    s: 2n ** 254n + 7n,
  });
  const unprotected = decodeTransactions(
    [build(0, { v: integer(28), to: EMPTY })],
    transactionRules("prague", 1n),
  );
  assert.equal(unprotected.chainId(0), undefined);
  assert.equal(unprotected.to(0), undefined);
  assert.equal(unprotected.yParity(0), 1);
});

test("intrinsic gas and floor, by hand", () => {
  const accessList: Item[] = [
    [ADDRESS, [KEY32, KEY32]],
    [ADDRESS, []],
  ];
  const data = Uint8Array.of(0, 0, 0, 1, 2);
  const gas = (type: number, fork: Fork, change: Record<string, Item>): [number, number] => {
    const list = decodeTransactions([build(type, change)], transactionRules(fork, 1n));
    assert.equal(list.verdicts[0], V.Valid);
    return [intrinsicGas(list, 0), floorGas(list, 0)];
  };
  const v = integer(27);
  assert.deepEqual(gas(0, "frontier", { data, to: EMPTY, v }), [21_000 + 12 + 136, 0]);
  assert.deepEqual(gas(0, "homestead", { data, to: EMPTY, v }), [53_000 + 12 + 136, 0]);
  assert.deepEqual(gas(0, "istanbul", { data }), [21_000 + 12 + 32, 0]);
  assert.deepEqual(gas(1, "berlin", { data, accessList }), [21_044 + 4_800 + 3_800, 0]);
  assert.deepEqual(gas(2, "shanghai", { data, to: EMPTY }), [53_044 + 2, 0]);
  assert.deepEqual(gas(4, "prague", { data, accessList }), [29_644 + 25_000, 21_110]);
});

test("fees and gas that do not fit the block", () => {
  const list = decodeTransactions([build(2), build(3)], transactionRules("prague", 1n));
  const check = (index: number, change: object): number =>
    checkInBlock(list, index, {
      gasLimit: 1_000_000n,
      baseFeePerGas: 1000n,
      blobBaseFee: 3n,
      ...change,
    });
  assert.equal(check(0, {}), V.Valid);
  assert.equal(check(0, { gasLimit: 999_999n }), V.GasLimitAboveBlock);
  assert.equal(check(0, { baseFeePerGas: 1001n }), V.MaxFeeBelowBaseFee);
  assert.equal(check(0, { baseFeePerGas: undefined }), V.Valid);
  assert.equal(check(0, { blobBaseFee: 4n }), V.Valid);
  assert.equal(check(1, {}), V.Valid);
  assert.equal(check(1, { blobBaseFee: 4n }), V.MaxBlobFeeBelowBaseFee);
});

test("signatures of every type lead to their signers, in batches of any size", () => {
  const random = seededRandom(155);
  const signed = Array.from({ length: 40 }, (_, i) => {
    const type = i % 5;
    const fields = signFields(type, randomFields(random, type), KEYS[i % 4], i % 2 === 0);
    return { raw: envelope(type, fields), sender: addressOfKey(KEYS[i % 4]) };
  });
  const raws = signed.flatMap(({ raw }, i) => (i % 7 === 3 ? [raw, Uint8Array.of(9)] : [raw]));
  const senders = signed.flatMap(({ sender }, i) => (i % 7 === 3 ? [sender, undefined] : [sender]));
  const list = decodeTransactions(raws, transactionRules("prague", 1n));
  assert.ok(list.verdicts.filter((verdict) => verdict === V.Valid).length > 25);
  const whole = hashAndRecover(list);
  for (const capacity of [1, 3, list.count, 100]) {
    const largest = Math.max(...raws.map((raw) => raw.length)) + 8;
    const signing = new Batch(keccak256, capacity, largest * Math.min(capacity, 8));
    const recovery = new Batch(secp256k1Recover, capacity);
    for (let start = 0; start < list.count; ) {
      signing.reset();
      recovery.reset();
      const end = fillSigningHashes(list, signing, start);
      assert.ok(end > start && end - start === signing.count);
      runReference(signing);
      const recovered = fillRecovery(list, recovery, signing.results, start);
      assert.ok(recovered >= end || recovered - start === capacity);
      recovery.count = end - start;
      runReference(recovery);
      for (let i = start; i < end; i++) {
        const sender = senders[i];
        if (sender === undefined || list.verdicts[i] !== V.Valid) {
          assert.equal(recovery.verdicts[i - start], Verdict.RZero);
        } else {
          assert.equal(recovery.verdicts[i - start], Verdict.Valid);
          assert.deepEqual(Uint8Array.from(addressOf(recovery, i - start)), sender);
        }
        assert.deepEqual(addressOf(recovery, i - start), addressOf(whole.senders, i));
      }
      start = end;
    }
  }
});

test("batches are filled to the byte, and not beyond", () => {
  const list = decodeTransactions([build(0), build(1), build(2)], transactionRules("prague", 1n));
  const exact = new Batch(keccak256, 3, signingBytes(list));
  assert.equal(fillSigningHashes(list, exact), 3);
  assert.equal(exact.arenaLength, signingBytes(list));
  const short = new Batch(keccak256, 3, signingBytes(list) - 1);
  assert.equal(fillSigningHashes(list, short), 2);
  assert.equal(short.count, 2);
  assert.equal(short.arenaLength, signingBytes(list, 0, 2));
  const hashes = new Batch(keccak256, 3, transactionBytes(list) - 1);
  assert.equal(fillTransactionHashes(list, hashes, 1), 3);
  assert.throws(() => fillRecovery(list, exact, exact.results), TypeError);
  assert.throws(() => fillSigningHashes(list, new Batch(secp256k1Recover, 3)), TypeError);
  assert.throws(
    () => fillRecovery(list, new Batch(secp256k1Recover, 3), new Uint8Array(95)),
    RangeError,
  );
});

test("a high s is refused from Homestead on, and by every authorisation", () => {
  const n = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  const fields = signFields(0, randomFields(seededRandom(2), 0), KEYS[0], false);
  const s = BigInt(toHex(fields[8] as Uint8Array));
  fields[8] = integer(n - s);
  fields[6] = integer(55n - BigInt(toHex(fields[6] as Uint8Array)));
  for (const [fork, verdict] of [
    ["frontier", Verdict.Valid],
    ["homestead", Verdict.SHigh],
    ["prague", Verdict.SHigh],
  ] as const) {
    const list = decodeTransactions([envelope(0, fields)], transactionRules(fork, 1n));
    assert.equal(hashAndRecover(list).senders.verdicts[0], verdict, fork);
  }
});

test("authorisations: authorities, and what makes one invalid without its transaction", () => {
  const n = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  const good = signAuthorization(1n, ADDRESS, 3n, KEYS[1]);
  const anyChain = signAuthorization(0n, ADDRESS, 2n ** 64n - 2n, KEYS[2]);
  const highS = [...good];
  highS[5] = integer(n - BigInt(toHex(good[5] as Uint8Array)));
  highS[3] = (good[3] as Uint8Array).length ? EMPTY : integer(1);
  const parity = [...good];
  parity[3] = integer(2);
  const zeroR = [...good];
  zeroR[4] = EMPTY;
  const authorizations = [
    good,
    signAuthorization(2n, ADDRESS, 3n, KEYS[1]),
    anyChain,
    signAuthorization(1n, ADDRESS, 2n ** 64n - 1n, KEYS[1]),
    highS,
    parity,
    zeroR,
    good,
  ];
  const list = decodeTransactions([build(4, { authorizations })], transactionRules("prague", 1n));
  assert.equal(list.verdicts[0], V.Valid);
  const { authorities } = hashAndRecover(list);
  const outcome = Array.from(
    { length: list.authorizationCount },
    (_, i) => list.authorizationVerdicts[i] || authorities.verdicts[i],
  );
  assert.deepEqual(outcome.map(transactionVerdictName), [
    "Valid",
    "AuthorizationChainId",
    "Valid",
    "AuthorizationNonce",
    "SHigh",
    "AuthorizationParity",
    "RZero",
    "Valid",
  ]);
  for (const [index, key] of [
    [0, KEYS[1]],
    [2, KEYS[2]],
    [7, KEYS[1]],
  ] as const) {
    assert.deepEqual(Uint8Array.from(addressOf(authorities, index)), addressOfKey(key));
  }
});

test("a chain id of 256 bits works; one of 257 is a wrong call", () => {
  const chainId = 2n ** 256n - 1n;
  const rules = transactionRules("prague", chainId);
  const list = decodeTransactions([build(2, { chainId: integer(chainId) }), build(2)], rules);
  assert.deepEqual([...list.verdicts], [V.Valid, V.ChainIdMismatch]);
  assert.throws(() => transactionRules("prague", chainId + 1n), RangeError);
  assert.throws(() => transactionRules("prague", -1n), RangeError);
});
