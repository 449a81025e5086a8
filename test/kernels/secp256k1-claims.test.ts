// The kernels of secp256k1-recover-hinted and secp256k1-verify-batch, both designs: answers are those of plain recovery whatever
// keys are claimed, and nobody makes a batch cost twice as much as recovery. Costs are counted, not timed.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { Verdict, verdictName } from "../../src/core/index.ts";
import { secp256k1Recover, secp256k1RecoverHinted, secp256k1VerifyBatch } from "../../src/index.ts";
import { SECP256K1 } from "../../src/params/secp256k1.ts";
import { modulo } from "../../src/params/secp256k1-limbs.ts";
import { createRandom, type Random } from "../../src/workloads/random.ts";
import { claimRecord } from "../../src/workloads/secp256k1-claims.ts";
import {
  createSigner,
  recoverRecord,
  type Signature,
  secp256k1RecoverCases,
  writeBigEndian,
} from "../../src/workloads/secp256k1-recover.ts";
import { builds, compileKernel, n } from "../rungs/wasm/secp256k1-module.ts";

const { Point } = secp256k1;
const { Fn } = Point;
const { lambda, p } = SECP256K1;
type Affine = { readonly x: bigint; readonly y: bigint };

/** Point operations of one recovery without hints: 128 doublings and some 60 additions. Lifting R costs like some 25. */
const RECOVERY = 188;
const LIFT = 25;

/** Fewer candidates than this are recovered without a look at their hints. */
const LEAST = 64;

interface Answers {
  readonly verdicts: readonly number[];
  readonly results: readonly string[];
  /** Counted in this call: additions of checks, records confirmed, records recovered. */
  readonly additions: number;
  readonly confirmed: number;
  readonly recovered: number;
}

type Entropy = "random" | "none" | "equal";

interface Instance {
  run(records: readonly Uint8Array[], entropy?: Entropy): Answers;
}

async function openKernel(
  file: string,
  { record, result }: typeof secp256k1Recover | typeof secp256k1VerifyBatch,
  seed?: bigint,
): Promise<Instance> {
  const { exports } = await WebAssembly.instantiate(await compileKernel(file), {});
  const kernel = exports as unknown as Record<string, (...values: number[]) => number>;
  const memory = exports.memory as WebAssembly.Memory;
  const global = (name: string): number => (exports[name] as WebAssembly.Global).value as number;
  const maxItems = global("MAX_ITEMS");
  if (seed !== undefined) {
    const bytes = new Uint8Array(32);
    writeBigEndian(seed, bytes, 0);
    new Uint8Array(memory.buffer, kernel.seed(), 32).set(bytes.reverse());
  } else crypto.getRandomValues(new Uint8Array(memory.buffer, kernel.seed(), 32));
  kernel.initialize();
  const records = (kernel.heapBase() + 15) & ~15;
  const verdicts = records + maxItems * record.byteLength;
  const results = verdicts + maxItems * 4;
  const missing = results + maxItems * result.byteLength - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / 65_536));
  const counters = (): number[] =>
    "counter" in exports ? [0, 1, 2].map((index) => kernel.counter(index) >>> 0) : [0, 0, 0];
  return {
    run(items, entropy = "random") {
      const bytes = new Uint8Array(memory.buffer);
      for (const [i, item] of items.entries()) bytes.set(item, records + i * record.byteLength);
      bytes.fill(0xa5, verdicts, results + items.length * result.byteLength);
      if ("entropy" in exports) {
        const random = new Uint8Array(
          memory.buffer,
          kernel.entropy(),
          items.length * global("ENTROPY_BYTES"),
        );
        if (entropy === "random") crypto.getRandomValues(random);
        if (entropy === "equal") random.fill(0x5a);
      }
      const before = counters();
      kernel.run(records, records, 0, verdicts, results, items.length);
      const [additions, confirmed, recovered] = counters().map((value, i) => value - before[i]);
      const view = new DataView(memory.buffer);
      const resultOf = (i: number): Uint8Array =>
        bytes.subarray(results + i * result.byteLength, results + (i + 1) * result.byteLength);
      return {
        verdicts: items.map((_, i) => view.getUint32(verdicts + 4 * i, true)),
        results: items.map((_, i) => Buffer.from(resultOf(i)).toString("hex")),
        additions,
        confirmed,
        recovered,
      };
    },
  };
}

/** A recoverable signature, and the key that is claimed for it. */
interface Claim {
  readonly record: Uint8Array;
  readonly key: Uint8Array;
}

const keyBytes = ({ x, y }: Affine): Uint8Array => {
  const key = new Uint8Array(64);
  writeBigEndian(x, key, 0);
  writeBigEndian(y, key, 32);
  return key;
};

const KEYS = 40;
const signer = createSigner(0xc1a1, KEYS, 128);

const signClaim = (random: Random, key: number): Claim => ({
  record: recoverRecord(signer.sign(random.bigint(1n << 256n), key)),
  key: signer.publicKeys[key],
});

/** Signatures with their keys, which take turns. */
function claims(count: number, random: Random): Claim[] {
  return Array.from({ length: count }, (_, i) => signClaim(random, i % KEYS));
}

/** R, s, z, r as the check sees them. */
function pointOf(signature: Signature): InstanceType<typeof Point> {
  const x = signature.recoveryId & 2 ? signature.r + n : signature.r;
  return Point.fromHex((signature.recoveryId & 1 ? "03" : "02") + x.toString(16).padStart(64, "0"));
}

/** Claims whose errors R − (z/s)·G − (r/s)·Q are the given points: a sum without coefficients that differ does not see them. */
function cancelling(random: Random, errors: readonly InstanceType<typeof Point>[]): Claim[] {
  let sum = Point.ZERO;
  const found = errors.map((error, i) => {
    const signature = signer.sign(random.bigint(1n << 256n), i);
    const { r, s, z } = signature;
    const right = Point.BASE.multiply(signer.keys[i]);
    const q = right.subtract(error.multiply(Fn.mul(s, Fn.inv(r))));
    const u1 = Fn.mul(modulo(z, n), Fn.inv(s));
    sum = sum
      .add(pointOf(signature))
      .subtract(Point.BASE.multiplyUnsafe(u1))
      .subtract(q.multiply(Fn.mul(r, Fn.inv(s))));
    return { record: recoverRecord(signature), key: keyBytes(q.toAffine()) };
  });
  assert.ok(sum.is0(), "the errors cancel");
  return found;
}

for (const { name, file, skip } of builds) {
  const build = (id: string): string => file.replace("secp256k1", id);
  describe(`secp256k1 claims, ${name}`, { skip }, async () => {
    if (skip) return;
    const plain = await openKernel(build("secp256k1-recover"), secp256k1Recover);
    const hinted = await openKernel(build("secp256k1-recover-hinted"), secp256k1RecoverHinted);
    const verify = await openKernel(build("secp256k1-verify-batch"), secp256k1VerifyBatch);

    /** Runs the claims through both kernels and compares with plain recovery; what the hinted kernel counted. */
    function check(
      items: readonly Claim[],
      where: string,
      entropy: Entropy = "random",
      kernel = hinted,
    ): Answers {
      const wanted = { verdicts: [] as number[], results: [] as string[] };
      for (let from = 0; from < items.length; from += 1024) {
        const part = plain.run(items.slice(from, from + 1024).map(({ record }) => record));
        wanted.verdicts.push(...part.verdicts);
        wanted.results.push(...part.results);
      }
      const records = items.map(({ record, key }) => claimRecord(record, key));
      const found = kernel.run(records, entropy);
      assert.deepEqual(found.verdicts, wanted.verdicts, `${where}: verdicts`);
      assert.deepEqual(found.results, wanted.results, `${where}: results`);
      const verified = verify.run(records, entropy);
      for (const [i, { key }] of items.entries()) {
        const verdict = wanted.verdicts[i];
        const claimed = Buffer.from(key).toString("hex");
        const recoverable = verdict === Verdict.Valid || verdict === Verdict.PublicKeyInfinity;
        const same = verdict === Verdict.Valid && wanted.results[i].startsWith(claimed);
        const expected = same
          ? [Verdict.Valid]
          : recoverable
            ? [Verdict.SignatureMismatch, Verdict.PublicKeyInvalid]
            : [verdict];
        if (!(expected as number[]).includes(verified.verdicts[i])) {
          assert.fail(`${where}, item ${i}: got ${verdictName(verified.verdicts[i])}`);
        }
      }
      for (const { additions, recovered } of [found, verified]) {
        const cost = additions + RECOVERY * recovered + LIFT * items.length;
        const most = 2 * RECOVERY * items.length;
        assert.ok(cost <= most, `${where}: costs ${cost} of ${most}`);
      }
      return found;
    }

    it("confirms right keys without recovering any", () => {
      const random = createRandom("right keys");
      for (const count of [64, 65, 127, 300, 1024, 1025]) {
        const found = check(claims(count, random), `${count} right keys`);
        assert.deepEqual([found.confirmed, found.recovered], [count, 0]);
      }
    });

    it("recovers a few without a look at their keys", () => {
      const random = createRandom("few keys");
      for (const count of [0, 1, 2, 3, LEAST - 1]) {
        const found = check(claims(count, random), `${count} keys`);
        assert.deepEqual([found.confirmed, found.recovered], [0, count]);
      }
    });

    it("finds one wrong key among right ones wherever it is", () => {
      const random = createRandom("one wrong key");
      const count = 512;
      for (const place of [0, 1, 63, 64, 200, 255, 256, 400, 510, 511]) {
        const items = claims(count, random);
        items[place] = { ...items[place], key: signer.publicKeys[(place + 1) % KEYS] };
        const found = check(items, `wrong key at ${place}`);
        assert.ok(found.confirmed >= count / 2, `${place}: only ${found.confirmed} confirmed`);
        assert.ok(found.recovered >= 1);
      }
    });

    it("takes wrong keys of every kind among right ones", () => {
      const random = createRandom("wrong keys");
      for (const every of [2, 3, 17, 100]) {
        const items = claims(400, random).map((claim, i): Claim => {
          if (i % every !== 0) return claim;
          const key = claim.key.slice();
          const kind = random.below(6);
          if (kind === 0) key.fill(0);
          else if (kind === 1) key[63] ^= 1;
          else if (kind === 2) key.fill(0xff);
          else if (kind === 3) return { ...claim, key: signer.publicKeys[random.below(KEYS)] };
          else if (kind === 4) {
            const y = BigInt(`0x${Buffer.from(key.subarray(32)).toString("hex")}`);
            writeBigEndian(p - y, key, 32);
          } else {
            // The right key under the other parity of R.
            const record = claim.record.slice();
            record[96] ^= 1;
            return { record, key };
          }
          return { ...claim, key };
        });
        check(items, `every ${every}th wrong`);
      }
      const swapped = claims(300, random);
      check(
        swapped.map(({ record }, i) => ({ record, key: swapped[(i + 1) % 300].key })),
        "all wrong",
      );
    });

    it("takes crafted and invalid records with any keys", () => {
      const random = createRandom("crafted claims");
      const crafted = secp256k1RecoverCases.crafted();
      const right = plain.run(crafted.map(({ record }) => record));
      for (const mixed of [false, true]) {
        const items = crafted.flatMap(({ record }, i): Claim[] => {
          const key = new Uint8Array(Buffer.from(right.results[i].slice(0, 128), "hex"));
          return mixed ? [{ record, key }, signClaim(random, i % KEYS)] : [{ record, key }];
        });
        const found = check(items, `crafted, ${mixed ? "mixed" : "alone"}`);
        // Their keys are right where they have one.
        const valid = right.verdicts.filter((verdict) => verdict === Verdict.Valid).length;
        assert.equal(found.confirmed, valid + (mixed ? crafted.length : 0));
      }
    });

    it("takes the same record many times, and points that are each other's opposites and multiples", () => {
      const random = createRandom("same points");
      const one = signClaim(random, 1);
      const many = check(Array<Claim>(600).fill(one), "one record");
      assert.equal(many.confirmed, 600);
      const related = [1n, n - 1n, lambda, n - lambda, Fn.mul(lambda, lambda), 2n, 4n].flatMap(
        (k) =>
          [1n, lambda, n - 1n, 2n].map((d): Claim => {
            const { x, y } = Point.BASE.multiply(k).toAffine();
            const z = random.bigint(n);
            const s = Fn.mul(Fn.inv(k), Fn.create(z + x * d));
            const recoveryId = Number(y & 1n);
            const key = keyBytes(Point.BASE.multiply(d).toAffine());
            return { record: recoverRecord({ z, r: x, s, recoveryId }, 0), key };
          }),
      );
      const items = Array.from({ length: 280 }, (_, i) => related[i % related.length]);
      assert.equal(check(items, "related points").confirmed, 280);
    });

    it("sees errors that cancel, as long as nobody knows the coefficients", () => {
      const random = createRandom("cancelling");
      const d = Point.BASE.multiply(random.bigint(n));
      const sets = {
        pair: [d, d.negate()],
        triple: [d, d.double(), d.multiply(3n).negate()],
        // 1 + λ + λ² = 0.
        endomorphism: [d, d.multiply(lambda), d.multiply(Fn.mul(lambda, lambda))],
      };
      for (const [set, errors] of Object.entries(sets)) {
        const wrong = cancelling(random, errors);
        for (const places of [
          [0, 1, 2],
          [0, 90, 199],
          [70, 130, 131],
        ]) {
          const items = claims(200, random);
          for (const [i, claim] of wrong.entries()) items[places[i]] = claim;
          for (let turn = 0; turn < 3; turn++) check(items, `${set} at ${places}`);
          // The attack is real: it passes a check whose coefficients are all the same.
          const records = items.map(({ record, key }) => claimRecord(record, key));
          assert.equal(hinted.run(records, "equal").confirmed, items.length);
          assert.ok(verify.run(records, "equal").verdicts.every((each) => each === Verdict.Valid));
        }
      }
    });

    it("confirms nothing without fresh randomness", () => {
      const random = createRandom("no entropy");
      const items = claims(200, random);
      assert.equal(check(items, "fresh").confirmed, 200);
      // What the last call drew is wiped: a host that forgets to draw again loses time, not soundness.
      const found = check(items, "stale", "none");
      assert.deepEqual([found.confirmed, found.recovered], [0, 200]);
    });

    it("whoever knows the blinding point cannot spoil a batch", async () => {
      const random = createRandom("known blinding");
      const b = random.bigint(1n << 255n) | 1n;
      const known = await openKernel(build("secp256k1-recover-hinted"), secp256k1RecoverHinted, b);
      const bad = [b, n - (b % n), b << 1n, b << 128n, -(b << 128n), b * lambda].map((k): Claim => {
        const nonce = modulo(k, n);
        const { x, y } = Point.BASE.multiply(nonce).toAffine();
        const z = random.bigint(n);
        const s = Fn.mul(Fn.inv(nonce), Fn.create(z + x * nonce));
        // Key and R are the same point: one that buckets or running sums begin at.
        const record = recoverRecord({ z, r: x % n, s, recoveryId: Number(y & 1n) }, 0);
        return { record, key: keyBytes({ x, y }) };
      });
      for (const count of [bad.length, 70, 400]) {
        const items = claims(count, random);
        for (const [i, claim] of bad.entries()) items[(i * 11) % count] = claim;
        check(items, `known blinding point, ${count}`, "random", known);
        check(
          Array.from({ length: count }, (_, i) => bad[i % bad.length]),
          "only such",
          "random",
          known,
        );
      }
    });
  });
}

describe("secp256k1 claims, campaign", () => {
  const slow = process.env.LANEWISE_SLOW === "1";
  const batches = slow ? 256 : 2;
  const fused = builds.find(({ file }) => file === "secp256k1.relaxed")!;
  it(`both designs agree with plain recovery on ${batches * 4096} claims`, {
    skip: fused.skip,
  }, async () => {
    const plain = await openKernel("secp256k1-recover.relaxed", secp256k1Recover);
    const hinted = await Promise.all(
      ["secp256k1-recover-hinted", "secp256k1-recover-hinted.relaxed"].map((file) =>
        openKernel(file, secp256k1RecoverHinted),
      ),
    );
    const random = createRandom("claims campaign");
    const many = createSigner(0xca5, 512, 512);
    for (let batch = 0; batch < batches; batch++) {
      // How many keys are wrong in 4,096: none, one, or more and more.
      const wrong = batch % 8 === 0 ? 0 : 8 ** ((batch % 8) - 1) / 4096;
      const items = Array.from({ length: 4096 }, (_, i): Claim => {
        const key = random.below(512);
        const signature = many.sign(random.bigint(1n << 256n), key, random.below(512));
        const spoilt = i % 64 === 63 ? { ...signature, r: random.bigint(n) } : signature;
        const claimed = random.below(2 ** 20) < wrong * 2 ** 20 ? random.below(512) : key;
        return { record: recoverRecord(spoilt), key: many.publicKeys[claimed] };
      });
      const records = items.map(({ record, key }) => claimRecord(record, key));
      const [integer, floating] = hinted.map((kernel) => kernel.run(records));
      for (let from = 0; from < 4096; from += 1024) {
        const part = plain.run(items.slice(from, from + 1024).map(({ record }) => record));
        for (const found of [integer, floating]) {
          assert.deepEqual(found.verdicts.slice(from, from + 1024), part.verdicts);
          assert.deepEqual(found.results.slice(from, from + 1024), part.results);
        }
      }
    }
  });
});
