// The secp256k1-recover kernel itself, both designs: crafted records among valid ones, records made by somebody who knows the
// blinding point, every count around the vectors, and (LANEWISE_SLOW=1) a million records through both designs.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { Verdict, verdictName } from "../../src/core/index.ts";
import { secp256k1Recover } from "../../src/index.ts";
import { invertModulo, modulo } from "../../src/params/secp256k1-limbs.ts";
import { createRandom } from "../../src/workloads/random.ts";
import {
  createSigner,
  recoverRecord,
  secp256k1RecoverCases,
} from "../../src/workloads/secp256k1-recover.ts";
import { builds, compileKernel, n } from "../rungs/wasm/secp256k1-module.ts";

const { Point } = secp256k1;
const RECORD = secp256k1Recover.record.byteLength;
const RESULT = secp256k1Recover.result.byteLength;

interface Answer {
  readonly verdict: number;
  readonly result: string;
}

interface Instance {
  memoryBytes(): number;
  run(records: readonly Uint8Array[]): Answer[];
}

/** The scalar b of the kernel's blinding point b·G for a seed. */
const blindingScalar = (seed: bigint): bigint => (seed | 1n) & ((1n << 255n) - 1n);

async function openKernel(file: string, seed?: bigint): Promise<Instance> {
  const { exports } = await WebAssembly.instantiate(await compileKernel(file), {});
  const kernel = exports as unknown as Record<string, (...values: number[]) => number>;
  const memory = exports.memory as WebAssembly.Memory;
  const maxItems = (exports.MAX_ITEMS as WebAssembly.Global).value as number;
  if (seed !== undefined) {
    const view = new DataView(memory.buffer, kernel.seed(), 32);
    for (let i = 0; i < 4; i++)
      view.setBigUint64(8 * i, BigInt.asUintN(64, seed >> BigInt(64 * i)), true);
  }
  kernel.initialize();
  const records = (kernel.heapBase() + 15) & ~15;
  const verdicts = records + maxItems * RECORD;
  const results = verdicts + maxItems * 4;
  const missing = results + maxItems * RESULT - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / 65_536));
  return {
    memoryBytes: () => memory.buffer.byteLength,
    run(items) {
      const bytes = new Uint8Array(memory.buffer);
      for (const [i, item] of items.entries()) bytes.set(item, records + i * RECORD);
      bytes.fill(0xa5, verdicts, results + items.length * RESULT);
      kernel.run(records, records, 0, verdicts, results, items.length);
      return items.map((_, i) => ({
        verdict: new DataView(memory.buffer).getUint32(verdicts + 4 * i, true),
        result: Buffer.from(
          bytes.subarray(results + i * RESULT, results + (i + 1) * RESULT),
        ).toString("hex"),
      }));
    },
  };
}

const answers = new Map<string, Answer>();

/** What the reference says of a record. */
function reference(record: Uint8Array): Answer {
  const key = Buffer.from(record).toString("hex");
  let answer = answers.get(key);
  if (!answer) {
    const result = new Uint8Array(RESULT);
    const verdict = secp256k1Recover.reference(record, new Uint8Array(0), result);
    answer = { verdict, result: Buffer.from(result).toString("hex") };
    answers.set(key, answer);
  }
  return answer;
}

interface Named {
  readonly name: string;
  readonly record: Uint8Array;
}

function assertAnswers(found: readonly Answer[], items: readonly Named[], where: string): void {
  for (const [i, { name, record }] of items.entries()) {
    const wanted = reference(record);
    if (found[i].verdict === wanted.verdict && found[i].result === wanted.result) continue;
    assert.fail(
      `${where}, item ${i} of ${items.length} (${name}): expected ${verdictName(wanted.verdict)} ` +
        `${wanted.result}, got ${verdictName(found[i].verdict)} ${found[i].result}`,
    );
  }
}

const signer = createSigner(0x5ec9, 8, 16);
const random = createRandom("secp256k1-recover kernel");
/** Valid signatures, few enough that the reference has them soon. */
const signed: Named[] = Array.from({ length: 40 }, (_, i) => ({
  name: "signed",
  record: recoverRecord(signer.sign(random.bigint(1n << 256n), i % 8)),
}));
const crafted = secp256k1RecoverCases.crafted();

/** R = k·G, and z, s such that u₁ = −z/r, u₂ = s/r. */
function steered(name: string, k: bigint, u1: bigint, u2: bigint): Named {
  const { x, y } = Point.BASE.multiply(modulo(k, n)).toAffine();
  const r = modulo(x, n);
  const recoveryId = Number(y & 1n) | (x >= n ? 2 : 0);
  return {
    name,
    record: recoverRecord({ z: modulo(-u1 * r, n), r, s: modulo(u2 * r, n), recoveryId }, 0),
  };
}

/** What somebody who knows b can do: meet an accumulator on its way, with the same or the opposite point. */
function poisoned(b: bigint): Named[] {
  const cases: Named[] = [];
  // At position p the accumulator is 2^(128 − p)·b·G, and a digit 1 of k₁ = 2^p adds R there: equal or opposite.
  for (const p of [0n, 1n, 5n, 40n, 100n, 120n]) {
    for (const sign of [1n, -1n]) {
      const k = sign * (b << (128n - p));
      cases.push(steered(`R = ${sign}·accumulator at position ${p}`, k, 0n, 1n << p));
      cases.push(steered(`the same with u₁ = 2^${p}/3`, k, invertModulo(3n, n), 1n << p));
    }
  }
  // The last addition takes −2^128·b·G: Q + 2^128·b·G equal to that.
  for (const k of [3n, 77n]) {
    const u2 = 12345n;
    cases.push(steered("the last addition doubles", k, -(b << 129n) - u2 * k, u2));
    cases.push(steered("Q at infinity", k, -u2 * k, u2));
    cases.push(steered("Q is the blinding point", k, b - u2 * k, u2));
    cases.push(steered("Q is minus the unblinding point", k, (b << 128n) - u2 * k, u2));
    cases.push(steered("Q is the unblinding point", k, -(b << 128n) - u2 * k, u2));
  }
  // R is the blinding point: also what replaces invalid records.
  cases.push(steered("R is the blinding point", b, 5n, 7n));
  cases.push(steered("G's digit meets the accumulator", 9n, (b << 64n) + (1n << 64n), 11n));
  return cases;
}

for (const { name, file, skip } of builds) {
  const kernelFile = file.replace("secp256k1", "secp256k1-recover");
  describe(`secp256k1-recover kernel, ${name}`, { skip }, async () => {
    if (skip) return;
    const seed = random.bigint(1n << 256n);
    const kernel = await openKernel(kernelFile, seed);
    const mixed: Named[] = [];
    for (const [i, item] of crafted.entries()) mixed.push(item, signed[i % signed.length]);

    it("the five bugs of the first kernel stay fixed", () => {
      const bugs: Named[] = [
        // 1. The top limb's conversion overflowed for x/2 near 2^255: small odd numbers.
        ...[48n, 47n, 49n, 1n, 3n].flatMap((r) =>
          [0, 1].map((recoveryId) => ({
            name: `r = ${r}`,
            record: recoverRecord({ z: 1n, r, s: 1n, recoveryId }, 0),
          })),
        ),
        // 2. A failed square root leaves a point of another curve; at x = 0 mod p it has order 3, 2P + P has no slope.
        ...crafted.filter(({ name }) => /not on the curve|recovery id [23]/.test(name)),
        // 3. Q at infinity has no slope in the last addition.
        ...crafted.filter(({ name }) => name.includes("infinity")),
        // 4. Inverses that end negative: one scalar in a thousand; more of them in the rungs.
        ...signed,
      ];
      assert.ok(bugs.filter(({ name }) => name.includes("infinity")).length >= 8);
      // 5. Operands near the range's ends: sums that were not carried.
      bugs.push(...crafted.filter(({ name }) => /^[rzs] = \d/.test(name)));
      for (const chunk of [bugs, bugs.slice(0, 60)]) {
        assertAnswers(kernel.run(chunk.map(({ record }) => record)), chunk, "bugs");
      }
    });

    it("answers crafted records at every position among valid ones", () => {
      for (const count of [
        1, 2, 3, 4, 5, 7, 31, 32, 33, 63, 64, 65, 66, 67, 511, 512, 513, 1023, 1024,
      ]) {
        const from = random.below(mixed.length);
        const items = Array.from({ length: count }, (_, i) => mixed[(from + i) % mixed.length]);
        assertAnswers(kernel.run(items.map(({ record }) => record)), items, `count ${count}`);
      }
    });

    it("answers every crafted record alone, and the batch after it", () => {
      for (const item of crafted) assertAnswers(kernel.run([item.record]), [item], "alone");
      const few = signed.slice(0, 5);
      assertAnswers(kernel.run(few.map(({ record }) => record)), few, "after one alone");
    });

    it("answers batches with nothing valid, and none", () => {
      const invalid = crafted.filter(({ record }) => reference(record).verdict !== Verdict.Valid);
      for (const count of [1, 2, 3, 70]) {
        const items = Array.from({ length: count }, (_, i) => invalid[i % invalid.length]);
        assertAnswers(kernel.run(items.map(({ record }) => record)), items, "invalid only");
      }
      assert.deepEqual(kernel.run([]), []);
    });

    it("whoever knows the blinding point cannot spoil a batch", async () => {
      for (const own of [seed, undefined]) {
        const target = own === undefined ? await openKernel(kernelFile) : kernel;
        // The scalar that stands in where the host gave no seed.
        const fixed =
          (0x082efa98ec4e6c89n << 192n) |
          (0xa4093822299f31d0n << 128n) |
          (0x13198a2e03707344n << 64n) |
          0x243f6a8885a308d3n;
        const bad = poisoned(own === undefined ? fixed : blindingScalar(own));
        for (const count of [1, 2, 5, bad.length, 70, 300]) {
          for (let from = 0; from < (count < 6 ? bad.length : 1); from += count) {
            const items = Array.from({ length: count }, (_, i) =>
              i % 2 === 0 || count <= bad.length ? bad[(from + i) % bad.length] : signed[i % 40],
            );
            assertAnswers(
              target.run(items.map(({ record }) => record)),
              items,
              `poison × ${count}`,
            );
          }
        }
      }
    });

    it("gives the same bytes whatever the seed", async () => {
      const other = await openKernel(kernelFile, 1n);
      const items = mixed.slice(0, 150).map(({ record }) => record);
      assert.deepEqual(other.run(items), kernel.run(items));
    });

    it("keeps its memory within 32 MiB", () => {
      assert.ok(kernel.memoryBytes() <= 32 << 20, `${kernel.memoryBytes()} bytes`);
    });
  });
}

describe("secp256k1-recover kernel, campaign", () => {
  const slow = process.env.LANEWISE_SLOW === "1";
  const count = slow ? 1_048_576 : 8192;
  const fused = builds.find(({ file }) => file === "secp256k1.relaxed")!;
  it(`both designs agree on ${count} records`, { skip: fused.skip }, async () => {
    const integer = await openKernel("secp256k1-recover", random.bigint(1n << 256n));
    const floating = await openKernel("secp256k1-recover.relaxed", random.bigint(1n << 256n));
    const many = createSigner(0xca4, 64, 256);
    const expected = many.publicKeys.map((key) => Buffer.from(key).toString("hex"));
    for (let done = 0; done < count; done += 1024) {
      const keys: (number | undefined)[] = [];
      const records = Array.from({ length: 1024 }, (_, i) => {
        const key = random.below(64);
        const signature = many.sign(random.bigint(1n << 256n), key, random.below(256));
        // One in eight is spoilt: half of those have no point, the others another key.
        if (i % 8 !== 0) {
          keys.push(key);
          return recoverRecord(signature);
        }
        keys.push(undefined);
        const r = random.bigint(n);
        return recoverRecord({ ...signature, r, recoveryId: random.below(4) }, 0);
      });
      const [a, b] = [integer.run(records), floating.run(records)];
      for (const [i, answer] of a.entries()) {
        if (answer.verdict !== b[i].verdict || answer.result !== b[i].result) {
          assert.fail(`designs differ on ${Buffer.from(records[i]).toString("hex")}`);
        }
        const key = keys[i];
        if (key !== undefined && !answer.result.startsWith(expected[key])) {
          assert.fail(`wrong key for ${Buffer.from(records[i]).toString("hex")}`);
        }
        // A sample of the rest against the reference: invalid ones are cheap.
        if (i % 256 === 0) {
          assertAnswers([answer], [{ name: "sample", record: records[i] }], "campaign");
        }
      }
    }
  });
});
