/** Blob transactions in network form, both wrapper versions, with real commitments and proofs. @module */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { RLP } from "@ethereumjs/rlp";
import { loadKZG } from "kzg-wasm";
import { blobCells } from "../../../src/chains/ethereum/blob-cells.ts";
import {
  checkSidecar,
  createKzgVerifier,
  decodeTransactions,
  fromHex,
  type KzgVerifier,
  type TransactionList,
  toHex,
  transactionRules,
  transactionVerdictName,
  TransactionVerdict as V,
  versionedHash,
} from "../../../src/chains/ethereum/index.ts";
import { addressOf, hashAndRecover } from "../../support/hash.ts";
import { seededRandom } from "../../support/random.ts";
import { addressOfKey, type Item, integer, KEYS, signFields } from "../../support/sign.ts";

const BLOBS = 2;
const rules = transactionRules("prague", 1n);
let verifier: KzgVerifier;
let fields: Item[];
let blobs: Uint8Array[];
let commitments: Uint8Array[];
let proofs: Uint8Array[];
let cellProofs: Uint8Array[];
const libraryCells: string[][] = [];

before(async () => {
  const random = seededRandom(4844);
  const kzg = await loadKZG();
  const bytes = (hex: string): Uint8Array => fromHex(hex)!;
  blobs = Array.from({ length: BLOBS }, () => {
    const blob = random.bytes(131_072);
    // Each 32-byte field element has to be below the BLS modulus.
    for (let i = 0; i < blob.length; i += 32) blob[i] = 0;
    return blob;
  });
  commitments = blobs.map((blob) => bytes(kzg.blobToKZGCommitment(toHex(blob))));
  proofs = blobs.map((blob, i) =>
    bytes(kzg.computeBlobKZGProof(toHex(blob), toHex(commitments[i]))),
  );
  cellProofs = [];
  for (const blob of blobs) {
    const { cells, proofs: proofsOfCells } = kzg.computeCellsAndKZGProofs(toHex(blob));
    cellProofs.push(...proofsOfCells.map(bytes));
    libraryCells.push(cells.map((cell) => cell.slice(2).toLowerCase()));
  }
  verifier = createKzgVerifier(kzg);
  fields = signFields(
    3,
    [
      ...[integer(1), integer(0), integer(1), integer(9), integer(30_000)],
      ...[new Uint8Array(20).fill(7), integer(0), new Uint8Array(0), [], integer(1)],
      commitments.map(versionedHash),
    ],
    KEYS[0],
  );
});

const wrap = (...items: Item[]): Uint8Array => Uint8Array.from([3, ...RLP.encode(items)]);
const decode = (raw: Uint8Array): TransactionList =>
  decodeTransactions([raw], rules, { networkForm: true });
const verdictOf = (raw: Uint8Array): string => transactionVerdictName(decode(raw).verdicts[0]);

test("both wrappers hold the transaction of the canonical form", () => {
  const canonical = wrap(...fields);
  const list = decodeTransactions(
    [
      wrap(fields, blobs, commitments, proofs),
      canonical,
      wrap(fields, integer(1), blobs, commitments, cellProofs),
    ],
    rules,
    { networkForm: true },
  );
  const { hashes, senders } = hashAndRecover(list);
  for (let i = 0; i < 3; i++) {
    assert.equal(list.verdicts[i], V.Valid);
    assert.deepEqual(list.canonical(i), canonical);
    assert.equal(list.hasSidecar(i), i !== 1);
    assert.deepEqual(hashes.result(i), hashes.result(1));
    assert.deepEqual(Uint8Array.from(addressOf(senders, i)), addressOfKey(KEYS[0]));
  }
  assert.deepEqual(list.sidecar(0), { version: 0, blobs, commitments, proofs });
  assert.equal(list.sidecar(1), undefined);
  assert.deepEqual(list.sidecar(2), { version: 1, blobs, commitments, proofs: cellProofs });
});

test("a block's body takes the canonical form alone", () => {
  const list = decodeTransactions([wrap(fields, blobs, commitments, proofs)], rules);
  assert.equal(list.verdicts[0], V.NetworkFormNotAllowed);
});

test("a sidecar of the wrong shape is malformed", () => {
  const cases: Item[][] = [
    [fields],
    [fields, blobs],
    [fields, blobs, commitments],
    [fields, blobs, commitments, proofs, []],
    [fields, blobs.slice(1), commitments, proofs],
    [fields, blobs, commitments.slice(1), proofs],
    [fields, blobs, commitments, proofs.slice(1)],
    [fields, blobs, commitments, cellProofs],
    [fields, integer(1), blobs, commitments, proofs],
    [fields, integer(2), blobs, commitments, cellProofs],
    [fields, integer(0), blobs, commitments, proofs],
    [fields, integer(1)],
    [fields, [blobs[0], blobs[1].subarray(1)], commitments, proofs],
    [fields, blobs, [commitments[0], commitments[1].subarray(1)], proofs],
    [fields, blobs, commitments, [proofs[0], [proofs[1]]]],
    [fields, blobs[0], commitments, proofs],
  ];
  for (const [i, items] of cases.entries()) {
    assert.equal(verdictOf(wrap(...items)), "SidecarMalformed", `case ${i}`);
  }
  assert.equal(verdictOf(wrap(fields.slice(0, -1), blobs, commitments, proofs)), "FieldCount");
  const cut = wrap(fields, blobs, commitments, proofs).subarray(0, -1);
  assert.equal(verdictOf(cut), "RlpTruncated");
});

test("commitments have to be those of the hashes", () => {
  const check = (...items: Item[]): number => checkSidecar(decode(wrap(...items)), 0);
  assert.equal(check(fields, blobs, commitments, proofs), V.Valid);
  assert.equal(check(...fields), V.Valid);
  const swapped = [...commitments].reverse();
  assert.equal(check(fields, blobs, swapped, proofs), V.BlobHashMismatch);
});

test("proofs hold for their blobs, and for no others", () => {
  const check = (...items: Item[]): string =>
    transactionVerdictName(checkSidecar(decode(wrap(...items)), 0, verifier));
  assert.equal(check(fields, blobs, commitments, proofs), "Valid");
  assert.equal(check(fields, [...blobs].reverse(), commitments, proofs), "BlobProofInvalid");
  const flipped = blobs.map((blob) => Uint8Array.from(blob));
  flipped[1][70] ^= 1;
  assert.equal(check(fields, flipped, commitments, proofs), "BlobProofInvalid");
  assert.equal(check(fields, blobs, commitments, [proofs[0], proofs[0]]), "BlobProofInvalid");
  const noPoint = [proofs[0], new Uint8Array(48).fill(0xff)];
  assert.equal(check(fields, blobs, commitments, noPoint), "BlobProofInvalid");
  const noField = blobs.map((blob) => Uint8Array.from(blob).fill(0xff, 0, 32));
  assert.equal(check(fields, noField, commitments, proofs), "BlobProofInvalid");
});

test("blobs extend to the library's cells", () => {
  for (const [i, blob] of blobs.entries()) {
    assert.deepEqual(blobCells(toHex(blob).slice(2)), libraryCells[i]);
  }
  assert.equal(blobCells("ff".repeat(131_072)), undefined);
  assert.deepEqual(new Set(blobCells("00".repeat(131_072))), new Set(["00".repeat(2_048)]));
});

test("cell proofs hold for their blobs, and for no others", () => {
  const check = (proofsOfCells: Item[], ofBlobs = blobs): string => {
    const raw = wrap(fields, integer(1), ofBlobs, commitments, proofsOfCells);
    return transactionVerdictName(checkSidecar(decode(raw), 0, verifier));
  };
  assert.equal(check(cellProofs), "Valid");
  const swapped = [...cellProofs];
  [swapped[128], swapped[129]] = [swapped[129], swapped[128]];
  assert.equal(check(swapped), "BlobProofInvalid");
  const noField = blobs.map((blob) => Uint8Array.from(blob).fill(0xff, 0, 32));
  assert.equal(check(cellProofs, noField), "BlobProofInvalid");
});
