/**
 * Blocks before Cancun, whose contracts may remove themselves with all of their storage (until EIP-6780), side by side: against serial
 * execution and `@ethereumjs/vm`.
 *
 * @module
 */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { createEvmExecutor } from "../../../src/executor/evm/index.ts";
import type { ConflictReport, ExecutionResult, Fork } from "../../../src/executor/index.ts";
import { createOracleExecutor } from "../../../src/executor/oracle/index.ts";
import { createMemoryState } from "../../../src/state/memory.ts";
import type { AccountChange } from "../../../src/state/source.ts";
import { toHex } from "../../../src/workloads/chain-state.ts";
import { seededRandom } from "../../support/random.ts";
import { assertSameOutcome } from "./compare.ts";
import { DIFFERENTIAL_FORKS, randomBlock } from "./programs.ts";
import {
  type Action,
  actions,
  type BlockChoices,
  blockOf,
  COINBASE,
  childAddress,
  HOLLOW,
  MISSING,
  RIPEMD,
  randomRemovals,
  VICTIMS,
} from "./removals.ts";

const slow = process.env.LANEWISE_SLOW === "1";
const OLD_FORKS = DIFFERENTIAL_FORKS.slice(0, DIFFERENTIAL_FORKS.indexOf("cancun"));
const EVERY: readonly Fork[] = ["frontier", "tangerineWhistle", "spuriousDragon", "shanghai"];
const WITH_CREATE2: readonly Fork[] = ["constantinople", "berlin", "shanghai"];
/** Blocks of a fork. */
const BLOCKS = slow ? 200 : 6;
/** Times that a scenario runs: how its transactions fall on threads differs. */
const TURNS = slow ? 50 : 6;
/** Makes a transaction last until others have begun. */
const LONG = 1000;

const serial = createEvmExecutor();
const oracle = createOracleExecutor();
const pairs = createEvmExecutor({ workers: 2, leastParallel: 1 });
after(() => Promise.all([serial.close(), oracle.close(), pairs.close()]));

/** What a scenario came to. */
class Outcome {
  readonly fork: Fork;
  readonly result: ExecutionResult;

  constructor(fork: Fork, result: ExecutionResult) {
    this.fork = fork;
    this.result = result;
  }

  /** The words that transaction `index` has logged last. */
  logged(index: number): bigint[] {
    const { data } = this.result.receipts[index].logs.at(-1)!;
    const words = Buffer.from(data).toString("hex").match(/.{64}/g) ?? [];
    return words.map((hex) => BigInt(`0x${hex}`));
  }

  change(address: Uint8Array): AccountChange | undefined {
    return new Map(this.result.stateDiff).get(toHex(address));
  }

  /** Changed slots by number. */
  storage(address: Uint8Array): Record<string, bigint> {
    const storage = this.change(address)?.storage ?? new Map<string, Uint8Array>();
    return Object.fromEntries(
      [...storage].map(([slot, value]) => [`${BigInt(slot)}`, BigInt(toHex(value))]),
    );
  }
}

const reports: ConflictReport[] = [];

/** Runs a block several times side by side, and checks what it came to. */
async function play(
  forks: readonly Fork[],
  list: readonly Action[],
  expect: (outcome: Outcome) => void,
  choices: BlockChoices = {},
): Promise<void> {
  for (const fork of forks) {
    const { state, block } = blockOf(fork, list, choices);
    const source = {
      ...createMemoryState(state),
      hasStorage: (address: Uint8Array) =>
        (state.accounts.get(toHex(address))?.storage.size ?? 0) > 0,
    };
    await assertSameOutcome(serial, oracle, block, source, fork);
    for (let turn = 0; turn < TURNS; turn++) {
      const execution = await assertSameOutcome(pairs, serial, block, source, `${fork}, ${turn}`);
      assert.ok(execution.ok);
      if (execution.result.conflicts) reports.push(execution.result.conflicts);
      expect(new Outcome(fork, execution.result));
    }
  }
}

const [victim, other] = VICTIMS;
const child = childAddress(0);
const fresh = childAddress(2);
const { destroy, store, read, increment, create, pay, look } = actions;

describe("removals of contracts, side by side", () => {
  it("a slot below a removal reads as zero, and the new contract does not collide with the old one's storage", () =>
    play(
      WITH_CREATE2,
      [increment(child, 0, LONG), destroy(child, MISSING, LONG), create(0), read(child)],
      (outcome) => {
        assert.deepEqual(outcome.logged(2), [BigInt(toHex(child))]);
        assert.deepEqual(outcome.logged(3), [0n, 7n, 0n, 0n]);
        assert.equal(outcome.change(child)?.storageCleared, true);
        assert.deepEqual(outcome.storage(child), { 1: 7n });
      },
    ));

  it("what is written behind a removal stays, what was written before it does not", () =>
    play(
      WITH_CREATE2,
      [
        store(child, 2, 9, LONG),
        destroy(child, MISSING),
        create(0),
        store(child, 3, 8),
        increment(child, 3),
        read(child),
      ],
      (outcome) => {
        assert.deepEqual(outcome.logged(5), [0n, 7n, 0n, 9n]);
        assert.deepEqual(outcome.storage(child), { 1: 7n, 3: 9n });
      },
    ));

  it("removed twice in a block", () =>
    play(
      WITH_CREATE2,
      [
        destroy(child, MISSING, LONG),
        create(0),
        store(child, 0, 5, LONG),
        destroy(child, MISSING),
        actions.createAndStore(0, 2, 6),
        read(child),
      ],
      (outcome) => {
        assert.deepEqual(outcome.logged(5), [0n, 7n, 6n, 0n]);
        assert.deepEqual(outcome.storage(child), { 1: 7n, 2: 6n });
      },
    ));

  it("removed at last, with all that was written", () =>
    play(
      WITH_CREATE2,
      [destroy(child, MISSING, LONG), create(0), store(child, 0, 5, LONG), destroy(child, MISSING)],
      (outcome) => {
        const change = outcome.change(child);
        assert.ok(change !== undefined && change.account === undefined);
      },
    ));

  it("created and removed in one transaction, and created again", () =>
    play(
      WITH_CREATE2,
      [actions.createAndDestroy(2, MISSING, LONG), create(2, 1), increment(fresh, 1), read(fresh)],
      (outcome) => {
        assert.deepEqual(outcome.logged(3), [0n, 8n, 0n, 0n]);
        assert.deepEqual(outcome.storage(fresh), { 1: 8n });
        assert.equal(outcome.change(fresh)?.storageCleared, false);
        assert.equal(outcome.change(fresh)?.account?.balance, 1n);
      },
    ));

  it("removed, then paid by a plain transfer: no code, no storage", () =>
    play(
      EVERY,
      [destroy(victim, other, LONG), pay(victim, 5), look(victim, LONG), pay(victim, 6)],
      (outcome) => {
        assert.deepEqual(outcome.logged(2).slice(0, 2), [5n, 0n]);
        const change = outcome.change(victim);
        assert.equal(change?.account?.balance, 11n);
        assert.equal(change?.account?.nonce, 0n);
        assert.equal(change?.storageCleared, true);
        assert.deepEqual(outcome.storage(victim), {});
      },
    ));

  it("a removal that only the first execution makes", () =>
    play(
      EVERY,
      [
        store(victim, 0, 0, LONG),
        actions.destroyIfSet(victim, other), // removes where it sees the slot as it was before the block
        increment(victim, 2, LONG),
        read(victim),
      ],
      (outcome) => {
        assert.deepEqual(outcome.logged(3), [1n, 4n, 6n, 6n]);
        assert.deepEqual(outcome.storage(victim), { 0: 1n, 2: 6n });
        assert.equal(outcome.change(victim)?.storageCleared, false);
      },
    ));

  it("a removal that only the second execution makes", () =>
    play(
      WITH_CREATE2,
      [
        store(child, 0, 0),
        store(child, 0, 1, LONG),
        actions.destroyIfSet(child, other),
        create(0),
        read(child),
      ],
      (outcome) => assert.deepEqual(outcome.logged(4), [0n, 7n, 0n, 0n]),
    ));

  it("a removal that is taken back within its transaction", () =>
    play(
      EVERY,
      [
        actions.relay(victim, destroy(victim, other).data, true),
        actions.destroyAndGoOn(other, MISSING, LONG),
        read(victim, LONG),
      ],
      (outcome) => {
        assert.deepEqual(outcome.logged(1), [3n, 4n, 5n, 6n]);
        assert.deepEqual(outcome.logged(2), [3n, 4n, 5n, 6n]);
        assert.equal(outcome.change(victim), undefined);
        assert.equal(outcome.change(other)?.account, undefined);
      },
    ));

  it("conflicts were met", () => {
    assert.ok(reports.some(({ aborts }) => aborts > 0));
  });
});

describe("the coinbase and empty accounts, side by side", () => {
  const calls = (list: readonly Uint8Array[]): Action[] =>
    list.map((at) => actions.relay(at, new Uint8Array(0)));

  it("a fee of nothing brings the coinbase into being before EIP-161, and not from it on", () =>
    play(
      EVERY,
      [read(victim), ...calls([COINBASE, MISSING, COINBASE, MISSING]), read(other)],
      (outcome) => {
        const old = outcome.fork === "frontier" || outcome.fork === "tangerineWhistle";
        const rewarded = outcome.fork !== "shanghai";
        assert.equal(outcome.change(COINBASE)?.account !== undefined, rewarded);
        // A call of what does not exist costs 25 000 gas more before EIP-161: the coinbase exists by then.
        const [toCoinbase, toMissing] = [1, 2].map((i) => outcome.logged(i)[1]);
        const warm = outcome.fork === "shanghai" ? 2500n : 0n; // EIP-3651
        assert.equal(toCoinbase - toMissing, old ? 25_000n : warm);
        assert.equal(outcome.change(MISSING) !== undefined, old);
      },
      { free: true },
    ));

  it("a coinbase that removes itself takes its fee along, and is paid again", () =>
    play(
      EVERY,
      [
        increment(other, 0, LONG),
        destroy(victim, other),
        pay(MISSING, 1),
        look(victim),
        destroy(other, victim),
        pay(MISSING, 1),
      ],
      (outcome) => {
        const change = outcome.change(victim);
        assert.equal(change?.storageCleared, true);
        assert.ok(change?.account && change.account.balance > 0n);
      },
      { coinbase: victim },
    ));

  it("an empty coinbase that earns nothing is removed", () =>
    play(
      ["spuriousDragon", "istanbul"],
      [read(victim), look(HOLLOW), pay(HOLLOW, 3), look(HOLLOW)],
      (outcome) => assert.equal(outcome.change(HOLLOW)?.storageCleared, true),
      { coinbase: HOLLOW, free: true },
    ));

  it("an empty account is removed with its storage when it is touched (EIP-161), and may be paid again", () =>
    play(
      ["homestead", "spuriousDragon", "london"],
      [read(victim, LONG), ...calls([HOLLOW, HOLLOW]), pay(HOLLOW, 3), look(HOLLOW)],
      (outcome) => {
        const change = outcome.change(HOLLOW);
        assert.equal(change?.account?.balance, 3n);
        assert.equal(change?.storageCleared, outcome.fork !== "homestead");
      },
    ));

  it("the touch of address 3 outlives the failure of its call", () =>
    play(
      ["spuriousDragon", "byzantium", "london"],
      [read(victim, LONG), actions.touchRipemd(), look(RIPEMD)],
      (outcome) => {
        const change = outcome.change(RIPEMD);
        assert.ok(change !== undefined && change.account === undefined);
      },
    ));

  it("rewards go to the coinbase and to miners of ommers, which may have been removed", () =>
    play(
      ["frontier", "byzantium", "london"],
      [destroy(victim, other, LONG), destroy(other, victim), read(victim)],
      (outcome) => {
        assert.equal(outcome.change(victim)?.storageCleared, true);
        assert.ok((outcome.change(victim)?.account?.balance ?? 0n) > 10n ** 18n);
        assert.ok((outcome.change(COINBASE)?.account?.balance ?? 0n) > 10n ** 18n);
      },
      { ommers: [{ number: 269n, coinbase: victim }] },
    ));

  it("a block built of nothing leaves the coinbase alone", async () => {
    const { state, block } = blockOf("frontier", [read(victim), read(other)], { free: true });
    const environment = { ...block.environment, gasLimit: 21_000n };
    const source = createMemoryState(state);
    const candidates = { ...block, environment };
    const bare = { transactionsOnly: true } as const;
    const executors = [
      createEvmExecutor(bare),
      createEvmExecutor({ ...bare, workers: 2, leastParallel: 1 }),
    ];
    for (const executor of executors) {
      const built = await executor.build(candidates, source);
      assert.equal(built.dropped.length, 2);
      assert.deepEqual([...built.result.stateDiff], []);
      await executor.close();
    }
  });

  it("the block access list begins with Cancun", async () => {
    const { state, block } = blockOf("shanghai", [destroy(victim, other), read(victim)]);
    const source = createMemoryState(state);
    for (const workers of [1, 2]) {
      const listing = createEvmExecutor({ workers, accessList: true, leastParallel: 1 });
      const execution = await assertSameOutcome(listing, serial, block, source, `${workers}`);
      assert.ok(execution.ok);
      assert.equal(execution.result.accessList, undefined);
      assert.equal(execution.result.conflicts !== undefined, workers === 2);
      await listing.close();
    }
  });
});

describe("random blocks of every fork before Cancun, side by side", () => {
  for (const workers of slow ? [2, 3, 4] : [2, 3]) {
    it(`${workers} workers`, async () => {
      const parallel = createEvmExecutor({ workers, leastParallel: 1 });
      const sums = { blocks: 0, parallel: 0, aborts: 0, deferred: 0 };
      for (const [index, fork] of OLD_FORKS.entries()) {
        for (let i = 0; i < 2 * BLOCKS; i++) {
          const random = seededRandom(7_000_000 + index * 10_000 + (i >> 1));
          const make = i % 2 === 0 ? randomRemovals : randomBlock;
          const { state, block } = make(random, fork, 1 + ((i * 7) % 40));
          // The oracle sees every block of the slow run, and of the others some.
          const judge = workers === 2 && (slow || i % 6 === 0) ? oracle : serial;
          const label = `${fork}, block ${i}`;
          const source = createMemoryState(state);
          const execution = await assertSameOutcome(parallel, judge, block, source, label);
          sums.blocks++;
          if (!execution.ok || execution.result.conflicts === undefined) continue;
          sums.parallel++;
          sums.aborts += execution.result.conflicts.aborts;
          sums.deferred += execution.result.conflicts.deferred;
        }
      }
      await parallel.close();
      console.log(`# ${workers} workers: ${JSON.stringify(sums)}`);
      // The others are mostly one chain of hints, or meet an empty coinbase.
      assert.ok(sums.parallel > sums.blocks / 2);
      assert.ok(sums.aborts > 0 && sums.deferred > 0);
    });
  }
});
