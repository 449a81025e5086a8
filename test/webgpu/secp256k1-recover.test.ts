import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import {
  algorithms,
  Batch,
  createReferenceBackend,
  createWebgpuBackend,
  REQUIRE_LOW_S,
  secp256k1Recover,
  verdictName,
} from "../../src/index.ts";
import { SECP256K1 } from "../../src/params/secp256k1.ts";
import { createRandom, type Random } from "../../src/workloads/random.ts";
import { needsAdapter } from "./adapter.ts";

const { n, p } = SECP256K1;
const { Point } = secp256k1;

interface Signature {
  readonly z: bigint;
  readonly r: bigint;
  readonly s: bigint;
  readonly recoveryId: number;
  readonly flags: number;
}

const mod = (value: bigint, modulus: bigint): bigint => ((value % modulus) + modulus) % modulus;

/** A signature of random z by a random key, made with the textbook formulas. */
function sign(random: Random): Signature {
  const [key, nonce] = [random.bigint(n - 1n) + 1n, random.bigint(n - 1n) + 1n];
  const z = random.bigint(2n ** 256n);
  const { x, y } = Point.BASE.multiply(nonce).toAffine();
  const r = mod(x, n);
  const s = mod(Point.Fn.inv(nonce) * (z + r * key), n);
  return { z, r, s, recoveryId: Number(y & 1n) | (x >= n ? 2 : 0), flags: 0 };
}

/** z that makes Q = u₁G + u₂R a chosen multiple: with R = kG, Q = (s·k - z)/r · G. */
function crafted(nonce: bigint, s: bigint, wanted: bigint): Signature {
  const { x, y } = Point.BASE.multiply(nonce).toAffine();
  const r = mod(x, n);
  return { z: mod(s * nonce - wanted * r, n), r, s, recoveryId: Number(y & 1n), flags: 0 };
}

function writeRecords(signatures: readonly Signature[]): Batch {
  const batch = new Batch(secp256k1Recover, signatures.length);
  const view = new DataView(batch.buffer);
  signatures.forEach(({ z, r, s, recoveryId, flags }, i) => {
    [z, r, s].forEach((value, field) => {
      for (let word = 0; word < 8; word++) {
        const bits = Number((value >> BigInt(32 * (7 - word))) & 0xffffffffn);
        view.setUint32(i * 104 + field * 32 + word * 4, bits);
      }
    });
    view.setUint32(i * 104 + 96, recoveryId, true);
    view.setUint32(i * 104 + 100, flags, true);
  });
  batch.count = signatures.length;
  return batch;
}

/** Signatures that break each rule alone and together, and points that meet every special case of addition. */
function edges(): Signature[] {
  const good = sign(createRandom(7));
  const list: Signature[] = [];
  const values = [
    0n,
    1n,
    2n,
    n / 2n,
    n / 2n + 1n,
    n - 1n,
    n,
    n + 1n,
    p - n - 1n,
    p - n,
    p,
    2n ** 256n - 1n,
  ];
  for (const r of values) for (const s of values) list.push({ ...good, r, s });
  for (const z of [...values, p - 1n]) list.push({ ...good, z });
  for (const recoveryId of [0, 1, 2, 3, 4, 27, 0x80000000, 0xffffffff]) {
    for (const r of [good.r, 1n, p - n - 1n, p - n, 0n]) list.push({ ...good, r, recoveryId });
  }
  for (const s of [n / 2n, n / 2n + 1n, n - good.s]) {
    for (const flags of [0, REQUIRE_LOW_S, 0xfffffffe, 0xffffffff])
      list.push({ ...good, s, flags });
  }
  // Small x, on the curve or not, at both parities: recovery ids 2 and 3 need r < p - n.
  for (let r = 1n; r <= 12n; r++) {
    for (const recoveryId of [0, 1, 2, 3]) list.push({ ...good, r, recoveryId });
  }
  // Q = infinity, G, -G, 2G, and R = ±G, ±2G, λG: sums that meet themselves, their negatives and each other.
  for (const nonce of [1n, 2n, 3n, n - 1n, n - 2n, SECP256K1.lambda, n - SECP256K1.lambda]) {
    for (const s of [1n, 2n, 8n, 16n, SECP256K1.lambda, n - 1n, good.s]) {
      for (const wanted of [0n, 1n, 2n, n - 1n]) list.push(crafted(nonce, s, wanted));
    }
  }
  return list;
}

describe("secp256k1-recover × webgpu", needsAdapter, () => {
  // Chunks of one workgroup: batches below take several, and batched inversions end in the middle. Shaders compile one by one, for their times.
  const backend = createWebgpuBackend({
    allowSoftwareAdapter: true,
    maxItems: 64,
    compileOneByOne: true,
  });
  const reference = createReferenceBackend();
  after(() => backend.close());

  it("compiles no shader of any row for more than 20 s", async (t) => {
    const rows = algorithms.filter((algorithm) => backend.supports(algorithm));
    const seen = new Set<string>();
    for (const algorithm of rows) {
      const [start, before] = [performance.now(), process.cpuUsage()];
      await backend.prepare([algorithm]);
      const { user, system } = process.cpuUsage(before);
      // A software driver compiles on the processor: what it waited for other programs does not count.
      const share = Math.min(1, (user + system) / 1000 / (performance.now() - start));
      for (const [shader, wallMs] of Object.entries(backend.statistics().compileMs)) {
        if (seen.has(shader)) continue;
        seen.add(shader);
        const ms = wallMs * share;
        t.diagnostic(`${shader}: ${ms.toFixed(0)} ms`);
        assert.ok(ms < 20_000, `${shader}: ${ms} ms`);
      }
    }
    assert.ok(seen.size >= 14);
  });

  it("gives every verdict, each beside good neighbours, over several chunks", async () => {
    const random = createRandom(2);
    const signatures = edges().flatMap((bad, i) => (i % 4 === 0 ? [bad, sign(random)] : [bad]));
    const batch = writeRecords(signatures);
    batch.results.fill(0xa5);
    await backend.run(batch);
    const verdicts = batch.verdicts.slice();
    const results = batch.results.slice();
    await reference.run(batch);
    for (let i = 0; i < batch.count; i++) {
      const at = `item ${i}: ${Buffer.from(batch.record(i)).toString("hex")}`;
      assert.equal(verdictName(verdicts[i]), verdictName(batch.verdicts[i]), at);
      assert.deepEqual(results.subarray(i * 84, i * 84 + 84), batch.result(i), at);
    }
    const seen = [...new Set([...verdicts].map(verdictName))].sort();
    assert.deepEqual(seen, [
      "PublicKeyInfinity",
      "ROutOfRange",
      "RZero",
      "RecoveryIdInvalid",
      "SHigh",
      "SOutOfRange",
      "SZero",
      "Valid",
      "XNotOnCurve",
      "XOutOfRange",
    ]);
  });
});
