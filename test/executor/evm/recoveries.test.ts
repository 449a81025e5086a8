/**
 * ECRECOVER, broken off and worked out for many transactions at a time (assembly/evm/recoveries.ts, src/executor/evm/signers.ts): the
 * outcome is that of working each out on the spot.
 *
 * @module
 */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { createEvmExecutor } from "../../../src/executor/evm/index.ts";
import { Signers } from "../../../src/executor/evm/signers.ts";
import { createOracleExecutor } from "../../../src/executor/oracle/index.ts";
import { SECP256K1 } from "../../../src/params/secp256k1.ts";
import { createAccounts } from "../../../src/workloads/accounts.ts";
import { createSigner } from "../../../src/workloads/signer.ts";
import { createTransactionSigner } from "../../../src/workloads/transactions.ts";
import { seededRandom } from "../../support/random.ts";
import { blockOfCalls, type Call } from "./calls.ts";
import { assertSameOutcome } from "./compare.ts";

const COUNT = 96;
const accounts = createAccounts("recoveries", COUNT);
const transactionSigner = createTransactionSigner(createSigner({ seed: "recoveries" }));
const signer = createSigner({ seed: "recovered" });

const filled = (byte: number): Uint8Array => new Uint8Array(20).fill(byte);
const wordOf = (value: bigint | number): Uint8Array =>
  Uint8Array.from(Buffer.from(BigInt(value).toString(16).padStart(64, "0"), "hex"));

/** Stores under the input's first word what ECRECOVER answers for its call data, whether it succeeded, and how much it returned. */
const ONCE = filled(0xb1);
/** As often as the word behind the input says, each time with the digest increased by one; stores the last answer. */
const OFTEN = filled(0xb2);
/** Takes the digest from slot 0 and puts there what it was answered: each transaction depends on the one before. */
const CHAINED = filled(0xb3);
/** Spends 60 000 gas first. */
const LATE = filled(0xb4);
const ECRECOVER = Uint8Array.from([...new Uint8Array(19), 1]);
const CALL = "602061020060805f60015afa";
const CODES = [
  [ONCE, "365f5f376020610200365f60015afa61020051013d015f515500"],
  [OFTEN, `365f5f375b${CALL}505f516001015f526080516001900380608052600457610200515f515500`],
  [CHAINED, `365f5f375f545f52${CALL}50610200516001015f5500`],
  [LATE, `365f5f3761ea605a035b805a11600957${CALL}50610200515f515500`],
] as const;

/** Input of the contract for a fresh signature over a digest. */
function signed(label: string): Uint8Array {
  const digest = keccak_256(new TextEncoder().encode(label));
  const { r, s, yParity } = signer.sign(digest, accounts[3]);
  return Uint8Array.from([...digest, ...wordOf(27 + yParity), ...r, ...s]);
}

/** The input with a word replaced. */
function withWord(input: Uint8Array, index: number, value: bigint | number): Uint8Array {
  const changed = Uint8Array.from(input);
  changed.set(wordOf(value), 32 * index);
  return changed;
}

const VALID = signed("valid");
const highS = SECP256K1.n - BigInt(`0x${Buffer.from(VALID.subarray(96)).toString("hex")}`);
/** Inputs without a signer, or whose signer is easily missed. */
const ODD: Readonly<Record<string, Uint8Array>> = {
  "v 0": withWord(VALID, 1, 0),
  "v 29": withWord(VALID, 1, 29),
  "v above a byte": withWord(VALID, 1, 27n + (1n << 8n)),
  "r 0": withWord(VALID, 2, 0),
  "r n": withWord(VALID, 2, SECP256K1.n),
  "r no point": withWord(VALID, 2, 5),
  "s 0": withWord(VALID, 3, 0),
  "s n": withWord(VALID, 3, SECP256K1.n),
  "high s": withWord(VALID, 3, highS),
  "digest 0": withWord(VALID, 0, 0),
  nothing: new Uint8Array(0),
  "cut off": VALID.subarray(0, 100),
  longer: Uint8Array.from([...VALID, 1, 2, 3]),
};

const blockOf = (calls: readonly Call[]) =>
  blockOfCalls(calls, {
    fork: "cancun",
    blockGasLimit: 200_000_000n,
    gasLimit: 300_000,
    accounts,
    signer: transactionSigner,
    codes: CODES.map(([address, code]) => [address, Buffer.from(code, "hex")] as const),
  });

describe("ECRECOVER", () => {
  const oracle = createOracleExecutor();
  const executors = [1, 2, 3, 4].map((workers) => createEvmExecutor({ workers, leastParallel: 1 }));
  const plain = createEvmExecutor();
  after(() => Promise.all([oracle, plain, ...executors].map((executor) => executor.close())));

  /** Runs the block on any number of threads; once more, since one thread waits for signers only after a block that asked for many. */
  async function agree(calls: readonly Call[], label: string): Promise<void> {
    const { block, state } = blockOf(calls);
    await assertSameOutcome(plain, oracle, block, state, label);
    for (const [i, executor] of executors.entries()) {
      for (let run = 0; run < 3; run++) {
        await assertSameOutcome(executor, plain, block, state, `${label}: ${i + 1} workers`);
      }
    }
  }

  const repeat = (count: number, plan: (index: number) => Call): Call[] =>
    Array.from({ length: count }, (_, i) => plan(i));

  it("one signer a transaction, all different: worked out together", async () => {
    let together = 0;
    const recoverNoted = Signers.prototype.recoverNoted;
    Signers.prototype.recoverNoted = function (this: Signers) {
      together++;
      recoverNoted.call(this);
    };
    try {
      const calls = repeat(COUNT, (i) => ({ to: ONCE, data: signed(`different ${i}`) }));
      const { block, state } = blockOf(calls);
      await agree(calls, "different");
      together = 0;
      await executors[0].execute(block, state);
      assert.ok(together > 0 && together < COUNT / 2, `${together} times`);
      together = 0;
      await plain.execute(block, state);
      assert.ok(together > 0);
    } finally {
      Signers.prototype.recoverNoted = recoverNoted;
    }
  });

  it("inputs without a signer, cut off and too long", async () => {
    const odd = Object.values(ODD);
    await agree(
      repeat(COUNT, (i) => ({
        to: ONCE,
        data: i % 2 ? odd[(i >> 1) % odd.length] : signed(`${i}`),
      })),
      "odd",
    );
  });

  it("the same input again and again", async () => {
    await agree(
      repeat(COUNT, () => ({ to: ONCE, data: VALID })),
      "same",
    );
  });

  it("several signers a transaction, more than it is broken off for", async () => {
    await agree(
      repeat(40, (i) => ({
        to: OFTEN,
        data: Uint8Array.from([...signed(`several ${i}`), ...wordOf(1 + (i % 7))]),
      })),
      "several",
    );
  });

  it("hundreds of signers in one transaction among others", async () => {
    const many = Uint8Array.from([...VALID, ...wordOf(300)]);
    await agree(
      repeat(24, (i) =>
        i === 5
          ? { to: OFTEN, data: many, gasLimit: 5_000_000 }
          : { to: ONCE, data: signed(`among ${i}`) },
      ),
      "many",
    );
  });

  it("each input made of the answer before", async () => {
    await agree(
      repeat(COUNT, () => ({ to: CHAINED, data: VALID })),
      "chained",
    );
  });

  it("by a transaction to the contract itself, late, without the gas, and all of it mixed", async () => {
    const random = seededRandom(77);
    await agree(
      repeat(COUNT, (i) => {
        const data = random.below(3) ? signed(`mixed ${i}`) : VALID;
        const counted = Uint8Array.from([...data, ...wordOf(1 + random.below(3))]);
        return [
          { to: ONCE, data },
          { to: ECRECOVER, data },
          { to: LATE, data },
          { to: OFTEN, data: counted },
          { to: CHAINED, data },
          { to: ONCE, data, gasLimit: 23_500 + random.below(3000) },
        ][random.below(6)];
      }),
      "mixed",
    );
  });
});

describe("signers", () => {
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

  it("noted and worked out together, as one by one", async () => {
    const signers = await Signers.create();
    const single = await Signers.create();
    const inputs = [
      ...Object.values(ODD),
      ...Array.from({ length: 80 }, (_, i) => signed(`unit ${i}`)),
    ];
    const waiting = inputs.filter((input) => signers.recover(input, true) === undefined);
    assert.equal(waiting.length, 64, "as many as there is room for");
    assert.equal(signers.recover(waiting[0], true), undefined, "noted once");
    signers.recoverNoted();
    for (const input of inputs) {
      const got = signers.recover(input, true);
      assert.ok(got?.known);
      assert.equal(hex(got.output), hex(single.recover(input, false)?.output ?? Uint8Array.of(1)));
    }
    const publicKey = secp256k1.getPublicKey(wordOf(accounts[3].privateKey), false);
    const address = keccak_256(publicKey.subarray(1)).subarray(12);
    const answer = signers.recover(VALID.subarray(), false);
    assert.equal(hex(answer?.output ?? VALID), "00".repeat(12) + hex(address));
  });

  it("forgotten at a block's start, and kept within bounds", async () => {
    const signers = await Signers.create();
    assert.equal(signers.recover(VALID, false)?.known, false);
    assert.equal(signers.recover(VALID, false)?.known, true);
    assert.equal(signers.recover(signed("noted"), true), undefined);
    signers.clear();
    assert.equal(signers.asked, 0);
    assert.equal(signers.recover(VALID, false)?.known, false);
    for (let i = 0; i < 4096; i++)
      signers.recover(withWord(VALID, 0, i), true) ?? signers.recoverNoted();
    assert.equal(signers.recover(VALID, false)?.known, false, "gave way");
  });
});
