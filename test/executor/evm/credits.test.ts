/**
 * Payments that leave only a credit at their receiver (assembly/evm/credits.ts), on several threads: whatever else a block does with the
 * account, the outcome is the serial one.
 *
 * @module
 */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { createEvmExecutor } from "../../../src/executor/evm/index.ts";
import type { ExecutableBlock, Execution } from "../../../src/executor/index.ts";
import { createOracleExecutor } from "../../../src/executor/oracle/index.ts";
import { createMemoryState } from "../../../src/state/memory.ts";
import { createAccounts, type TestAccount } from "../../../src/workloads/accounts.ts";
import { createChainState } from "../../../src/workloads/chain-state.ts";
import { createSigner } from "../../../src/workloads/signer.ts";
import { createTransactionSigner } from "../../../src/workloads/transactions.ts";
import { type SeededRandom, seededRandom } from "../../support/random.ts";
import { assertSameOutcome, plainExecution } from "./compare.ts";

const slow = process.env.LANEWISE_SLOW === "1";
const ETHER = 10n ** 18n;
const accounts = createAccounts("credits", 24);
const signer = createTransactionSigner(createSigner({ seed: "credits" }));

const fromHex = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const filled = (byte: number): Uint8Array => new Uint8Array(20).fill(byte);
const wordOf = (address: Uint8Array): Uint8Array => {
  const word = new Uint8Array(32);
  word.set(address, 12);
  return word;
};

const COINBASE = filled(0xcb);
/** Stores balance and code hash of the address in its call data. */
const READER = filled(0xa1);
/** Destroys itself in favour of the address in its call data. */
const DESTROYER = filled(0xa2);
/** Passes the value it is called with on to the address in its call data. */
const FORWARDER = filled(0xa3);
/** CREATE2 of a contract that does nothing; of one that destroys itself at once. */
const FACTORY = filled(0xa4);
const BRIEF_FACTORY = filled(0xa5);
const IDLE_INITCODE = "600060005360016000f3";
const BRIEF_INITCODE = "33ff";
const CODES = [
  [READER, "5f3580318155803f90195500"],
  [DESTROYER, "5f35ff"],
  [FORWARDER, "5f5f5f5f345f355af100"],
  [FACTORY, `69${IDLE_INITCODE}5f525f600a60165ff500`],
  [BRIEF_FACTORY, `61${BRIEF_INITCODE}5f525f6002601e5ff500`],
] as const;

function created(factory: Uint8Array, initcode: string): Uint8Array {
  const digest = keccak_256(
    Buffer.concat([
      Uint8Array.of(0xff),
      factory,
      new Uint8Array(32),
      keccak_256(fromHex(initcode)),
    ]),
  );
  return digest.slice(12);
}
const TO_BE_CREATED = created(FACTORY, IDLE_INITCODE);
const TO_BE_BRIEF = created(BRIEF_FACTORY, BRIEF_INITCODE);
const EMPTY = filled(0xe0);
const FRESH = filled(0xee);
const PRECOMPILE = fromHex(`${"00".repeat(19)}04`);

interface Plan {
  readonly from: TestAccount;
  readonly to: Uint8Array;
  readonly value?: number;
  readonly data?: Uint8Array;
  /** Has this account run the reader's code from now on (EIP-7702). */
  readonly delegates?: TestAccount;
}

/** One of each kind of rules that payments and removals have known since EIP-161. */
const FORKS = ["spuriousDragon", "istanbul", "london", "shanghai", "cancun", "prague"] as const;
type TestFork = (typeof FORKS)[number];
const isSince = (fork: TestFork, since: TestFork): boolean =>
  FORKS.indexOf(fork) >= FORKS.indexOf(since);

function blockOf(plans: readonly Plan[], fork: TestFork = "prague") {
  const state = createChainState();
  for (const { address } of accounts) state.fund(address, ETHER);
  state.fund(EMPTY, 0n);
  for (const [address, code] of CODES) {
    // PUSH0 is younger than some of the forks; no code here jumps.
    const known = isSince(fork, "shanghai") ? code : code.replaceAll("5f", "6000");
    state.setCode(address, fromHex(known));
  }
  const nonces = new Map<TestAccount, number>();
  const authorities: Uint8Array[] = [];
  const take = (account: TestAccount): number => {
    const nonce = nonces.get(account) ?? 0;
    nonces.set(account, nonce + 1);
    return nonce;
  };
  const transactions = plans.map(({ from, to, value = 0, data = new Uint8Array(0), delegates }) => {
    const body = { nonce: take(from), to, value, data, gasLimit: 200_000, chainId: 1 };
    const fees = { maxFeePerGas: 2000, maxPriorityFeePerGas: 10 };
    if (!isSince(fork, "london")) return signer.sign({ ...body, type: 0, gasPrice: 2000 }, from);
    if (delegates === undefined) return signer.sign({ ...body, ...fees, type: 2 }, from);
    authorities.push(delegates.address);
    const consent = { chainId: 1, address: READER, nonce: take(delegates) };
    const authorizationList = [signer.authorize(consent, delegates)];
    return signer.sign({ ...body, ...fees, type: 4, authorizationList }, from);
  });
  const senders = new Uint8Array(20 * plans.length);
  for (const [i, { from }] of plans.entries()) senders.set(from.address, 20 * i);
  const block: ExecutableBlock = {
    environment: {
      fork,
      chainId: 1n,
      number: 270n,
      timestamp: 1_000_000n,
      gasLimit: 100_000_000n,
      coinbase: COINBASE,
      difficulty: isSince(fork, "shanghai") ? 0n : 131_072n,
      prevRandao: new Uint8Array(32),
      ...(isSince(fork, "london") ? { baseFeePerGas: 1000n } : {}),
      excessBlobGas: 0n,
      parentBeaconBlockRoot: new Uint8Array(32),
      parentHash: keccak_256(new Uint8Array(0)),
    },
    transactions,
    senders,
    authorities: Uint8Array.from(Buffer.concat(authorities)),
    withdrawals: isSince(fork, "shanghai")
      ? [{ index: 0n, validatorIndex: 0n, address: FRESH, amount: 7n }]
      : [],
    ommers: [],
  };
  return { block, state: createMemoryState(state.snapshot()) };
}

const pay = (from: TestAccount, to: Uint8Array, value = 1000): Plan => ({ from, to, value });
const ask = (from: TestAccount, about: Uint8Array, of = READER): Plan => ({
  from,
  to: of,
  data: wordOf(about),
});
/** `count` payments of different senders. */
const payments = (to: Uint8Array, count: number, first = 0): Plan[] =>
  Array.from({ length: count }, (_, i) => pay(accounts[first + i], to, 1000 + i));

function randomPlan(random: SeededRandom, fork: TestFork): Plan {
  const from = accounts[random.below(8)];
  const places = [FRESH, FRESH, accounts[0].address, accounts[1].address, accounts[9].address];
  // No empty account: since Paris there is none (EIP-7523), and executors differ in what they say of the storage of one that goes.
  const to = random.pick([...places, COINBASE, TO_BE_CREATED, TO_BE_BRIEF, PRECOMPILE]);
  const kind = random.below(20);
  if (kind < 12) return pay(from, to, random.below(8) === 0 ? 0 : 1 + random.below(1000));
  if (kind < 15) return ask(from, to);
  if (kind === 15) return { ...ask(from, to, DESTROYER), value: random.below(100) };
  if (kind === 16) return { ...ask(from, to, FORWARDER), value: random.below(100) };
  if (kind === 17) return ask(from, to, random.below(2) ? FACTORY : BRIEF_FACTORY);
  if (kind === 18 && fork === "prague") return { ...pay(from, to), delegates: accounts[9] };
  return { ...pay(from, to), data: random.bytes(1 + random.below(40)) };
}

describe("credits", () => {
  const serial = createEvmExecutor();
  const oracle = createOracleExecutor();
  const teams = [2, 3, 4].map((workers) => ({
    workers,
    executor: createEvmExecutor({ workers, leastParallel: 1 }),
    withList: createEvmExecutor({ workers, leastParallel: 1, accessList: true }),
  }));
  after(() =>
    Promise.all(
      [serial, oracle, ...teams.flatMap((team) => [team.executor, team.withList])].map((executor) =>
        executor.close(),
      ),
    ),
  );

  /** Runs the block everywhere, thrice where threads could meet in another order. */
  async function agree(plans: readonly Plan[], label: string): Promise<Execution[]> {
    const executions: Execution[] = [];
    const delegating = plans.some(({ delegates }) => delegates !== undefined);
    for (const fork of delegating ? (["prague"] as const) : (["prague", "istanbul"] as const)) {
      const { block, state } = blockOf(plans, fork);
      await assertSameOutcome(serial, oracle, block, state, `${label}: ${fork}, serial`);
      for (const { workers, executor } of teams) {
        for (let run = 0; run < 3; run++) {
          const name = `${label}: ${fork}, ${workers} workers`;
          executions.push(await assertSameOutcome(executor, serial, block, state, name));
        }
      }
    }
    return executions;
  }

  const [a, b, c, d] = accounts;
  const cases: Readonly<Record<string, readonly Plan[]>> = {
    "to an account that does not exist": payments(FRESH, 20),
    "to an account that is there and empty": payments(EMPTY, 5),
    "of nothing, which removes an empty account": [pay(a, EMPTY, 0), pay(b, FRESH, 0)],
    "of nothing between others": [pay(a, EMPTY), pay(b, EMPTY, 0), pay(c, EMPTY)],
    "read by a later transaction, and given again": [
      ...payments(FRESH, 6),
      ask(accounts[6], FRESH),
      ...payments(FRESH, 6, 7),
      ask(accounts[13], FRESH),
    ],
    "more than a run holds": [0, 1, 2, 3].flatMap(() => payments(FRESH, 20)),
    "spent by the receiver at once": [
      pay(a, b.address, 500),
      { ...pay(b, FRESH), value: 5 },
      pay(c, b.address, 600),
      pay(b, a.address, 700),
      ask(d, b.address),
    ],
    "the sender is the receiver": [pay(a, a.address), pay(b, a.address), pay(a, a.address)],
    "to the coinbase": [pay(a, COINBASE), ask(b, COINBASE), pay(c, COINBASE)],
    "to a precompiled contract": payments(PRECOMPILE, 4),
    "to an address where a contract is created": [
      pay(a, TO_BE_CREATED),
      ask(b, FRESH, FACTORY),
      pay(c, TO_BE_CREATED),
      ask(d, TO_BE_CREATED),
    ],
    "to a contract that lives for one transaction": [
      pay(a, TO_BE_BRIEF),
      ask(b, FRESH, BRIEF_FACTORY),
      pay(c, TO_BE_BRIEF),
      ask(d, TO_BE_BRIEF),
      ask(b, FRESH, BRIEF_FACTORY),
      pay(c, TO_BE_BRIEF),
    ],
    "to what another contract destroys itself for": [
      pay(a, DESTROYER),
      pay(b, FRESH),
      ask(c, FRESH, DESTROYER),
      pay(d, FRESH),
    ],
    "to what a contract pays as well": [
      pay(a, FRESH),
      { ...ask(b, FRESH, FORWARDER), value: 9 },
      pay(c, FRESH),
      ask(d, FRESH),
    ],
    "to an account that runs code from the middle on": [
      pay(a, d.address),
      { ...pay(b, FRESH), delegates: d },
      pay(c, d.address),
      pay(a, d.address),
    ],
    "with data that nobody runs": [{ ...pay(a, FRESH), data: wordOf(FRESH) }, pay(b, FRESH)],
  };
  for (const [name, plans] of Object.entries(cases)) {
    it(name, async () => {
      await agree(plans, name);
    });
  }

  it("payments to one account do not wait for one another, nor run twice", async () => {
    for (const execution of await agree(payments(FRESH, 24), "independent")) {
      assert.ok(execution.ok);
      const { conflicts } = execution.result;
      assert.deepEqual([conflicts?.criticalPath, conflicts?.aborts, conflicts?.parked], [1, 0, 0]);
    }
  });

  it("the access list has every balance between", async () => {
    const plans = [...payments(FRESH, 3), ask(d, FRESH), pay(a, FRESH, 5)];
    const { block, state } = blockOf(plans);
    for (const { withList } of teams) {
      const execution = await assertSameOutcome(withList, serial, block, state, "list");
      assert.ok(execution.ok);
      const fresh = execution.result.accessList?.find(({ address }) => address[0] === 0xee);
      const withdrawn = 7n * 10n ** 9n;
      assert.deepEqual(fresh?.balanceChanges, [
        { index: 1, value: 1000n },
        { index: 2, value: 2001n },
        { index: 3, value: 3003n },
        { index: 5, value: 3008n },
        { index: 6, value: 3008n + withdrawn },
      ]);
      assert.deepEqual([fresh.nonceChanges, fresh.codeChanges, fresh.storageReads], [[], [], []]);
    }
  });

  it("hints that are wrong or name what comes later", async () => {
    const plans = [...payments(FRESH, 10), pay(a, b.address), ...payments(b.address, 10, 2)];
    const { block, state } = blockOf(plans);
    const changes = [20, 3, 3, 900, -1].map((index) => ({ index, value: 1n }));
    const entry = { storageChanges: [], storageReads: [], nonceChanges: changes, codeChanges: [] };
    const accessList = [{ ...entry, address: FRESH, balanceChanges: changes }];
    const expected = await serial.execute(block, state);
    for (const { executor } of teams) {
      const got = await executor.execute(block, state, { accessList });
      assert.deepEqual(plainExecution(got), plainExecution(expected));
    }
  });

  it("random blocks of payments among accounts that are read, spend, come into being and go", async () => {
    const blocks = slow ? 2000 : 60;
    for (let i = 0; i < blocks; i++) {
      const random = seededRandom(9_000_000 + i);
      const fork = FORKS[i % FORKS.length];
      const plans = Array.from({ length: 2 + random.below(80) }, () => randomPlan(random, fork));
      const { block, state } = blockOf(plans, fork);
      const { executor, withList } = teams[i % teams.length];
      const reference = i % 7 === 0 ? oracle : serial;
      const label = `block ${i}`;
      await assertSameOutcome(i % 4 ? executor : withList, reference, block, state, label);
    }
  });
});
