/**
 * Known answers that a back end has to give before anybody trusts it.
 *
 * @module
 */
import { keccak256, REQUIRE_LOW_S, secp256k1Recover } from "../algorithms/index.ts";
import { toHex } from "../chains/ethereum/index.ts";
import { type Algorithm, type Backend, Batch, LanewiseError, Verdict } from "../core/index.ts";

/** keccak256 of "" and of "abc". */
const DIGESTS: readonly (readonly [string, string])[] = [
  ["", "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"],
  ["abc", "0x4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"],
];

/** Signing hash, r, s and sender of the transaction that EIP-155 gives as its example. */
const EXAMPLE = {
  z: "daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53",
  r: "28ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276",
  s: "67cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83",
  sender: "0x9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f",
};

/** `passed`, or what went wrong. Algorithms without a known answer here, or not supported, are left out. */
export async function selfTest(
  backend: Backend,
  algorithms: readonly Algorithm[],
): Promise<string> {
  try {
    for (const algorithm of algorithms.filter((row) => backend.supports(row))) {
      const fault = await testOne(backend, algorithm);
      if (fault !== undefined) return `${algorithm.id}: ${fault}`;
    }
    return "passed";
  } catch (error) {
    if (error instanceof LanewiseError) return error.message;
    throw error;
  }
}

async function testOne(backend: Backend, algorithm: Algorithm): Promise<string | undefined> {
  if (algorithm.id === keccak256.id) return testKeccak(backend);
  if (algorithm.id === secp256k1Recover.id) return testRecover(backend);
  return undefined;
}

async function testKeccak(backend: Backend): Promise<string | undefined> {
  const batch = new Batch(keccak256, DIGESTS.length, 64);
  const view = new DataView(batch.buffer);
  for (const [message] of DIGESTS) {
    const bytes = Buffer.from(message);
    const record = keccak256.record.byteLength * batch.count++;
    view.setUint32(record + keccak256.record.fields.offset.offset, batch.arenaLength, true);
    view.setUint32(record + keccak256.record.fields.length.offset, bytes.length, true);
    batch.arena.set(bytes, batch.arenaLength);
    batch.arenaLength += bytes.length;
  }
  await backend.run(batch);
  for (const [index, [message, digest]] of DIGESTS.entries()) {
    const got = toHex(batch.result(index));
    if (got !== digest) return `digest of "${message}": expected ${digest}, got ${got}`;
  }
  return undefined;
}

/** One valid signature, and the same with s = 0 beside it: a bad record must not touch its neighbour. */
async function testRecover(backend: Backend): Promise<string | undefined> {
  const { record, result } = secp256k1Recover;
  const batch = new Batch(secp256k1Recover, 3);
  batch.count = 3;
  for (let i = 0; i < batch.count; i++) {
    const bytes = batch.record(i);
    bytes.set(Buffer.from(EXAMPLE.z, "hex"), record.fields.z.offset);
    bytes.set(Buffer.from(EXAMPLE.r, "hex"), record.fields.r.offset);
    if (i !== 1) bytes.set(Buffer.from(EXAMPLE.s, "hex"), record.fields.s.offset);
    bytes[record.fields.flags.offset] = REQUIRE_LOW_S;
  }
  await backend.run(batch);
  if (batch.verdicts[1] !== Verdict.SZero) return `s = 0: expected SZero, got ${batch.verdicts[1]}`;
  const { offset, size } = result.fields.address;
  for (const i of [0, 2]) {
    const got = toHex(batch.result(i).subarray(offset, offset + size));
    if (batch.verdicts[i] !== Verdict.Valid || got !== EXAMPLE.sender) {
      return `sender: expected ${EXAMPLE.sender}, got ${got} with verdict ${batch.verdicts[i]}`;
    }
  }
  return undefined;
}
