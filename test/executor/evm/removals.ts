/** Contracts that destroy, re-create, fund and write one another, and seeded blocks of them: what removals are tested on. @module */
import { keccak_256 } from "@noble/hashes/sha3.js";
import { forkAtLeast } from "../../../src/chains/ethereum/forks.ts";
import type { BlockEnvironment, ExecutableBlock, Fork } from "../../../src/executor/index.ts";
import type { MemoryStateData } from "../../../src/state/memory.ts";
import { createAccounts, type TestAccount } from "../../../src/workloads/accounts.ts";
import { type ChainState, createChainState } from "../../../src/workloads/chain-state.ts";
import { createSigner } from "../../../src/workloads/signer.ts";
import { createTransactionSigner } from "../../../src/workloads/transactions.ts";
import type { SeededRandom } from "../../support/random.ts";

// ---- assembly ----

const argument = (n: number): number[] => [0x60, 32 * n, 0x35];
const push2 = (value: number): number[] => [0x61, value >> 8, value & 255];
const SLOAD = 0x54;
const SSTORE = 0x55;
const SELFDESTRUCT = 0xff;

/** Counts down from the last argument, so that a call takes as long as its caller likes: about 40 gas a turn. */
const DELAY: readonly number[] = [
  ...[...argument(7), 0x5b, 0x80, 0x15, ...push2(18), 0x57, 0x60, 1, 0x90, 0x03],
  ...[...push2(3), 0x56, 0x5b, 0x50],
];

/** Runs the body that the first argument numbers; a body is told where it begins. */
function dispatch(bodies: readonly ((start: number) => number[])[], data: number[] = []): number[] {
  const header = DELAY.length + 10 * bodies.length + 1;
  const table: number[] = [];
  const code: number[] = [];
  for (const [i, body] of bodies.entries()) {
    const start = header + code.length;
    table.push(...argument(0), 0x60, i, 0x14, ...push2(start), 0x57);
    code.push(0x5b, ...body(start), 0x00);
  }
  return [...DELAY, ...table, 0x00, ...code, ...data];
}

const DESTROY = 0;
const STORE = 1;
const READ = 2;
const ACCEPT = 3;
const INCREMENT = 4;
const STORE_AND_DESTROY = 5;
const DESTROY_IF_SET = 6;
const DESTROY_AND_GO_ON = 7;
const DESTROY_FOR_ITSELF = 8;

/** LOG0 of the first `bytes` of memory. */
const logMemory = (bytes: number): number[] => [0x60, bytes, 0x60, 0, 0xa0];

const increment = [...argument(1), SLOAD, 0x60, 1, 0x01, ...argument(1), SSTORE];
const readSlots = [
  ...[0, 1, 2, 3].flatMap((slot) => [0x60, slot, SLOAD, 0x60, 32 * slot, 0x52]),
  ...logMemory(128),
];

/** A contract with four slots that does as it is told. */
const VICTIM = dispatch([
  () => [...argument(1), SELFDESTRUCT],
  () => [...argument(2), ...argument(1), SSTORE],
  () => readSlots,
  () => [],
  () => increment,
  () => [...argument(2), ...argument(1), SSTORE, ...argument(3), SELFDESTRUCT],
  // Which of the two it does depends on who came before.
  (start) => [
    ...[0x60, 0, SLOAD, ...push2(start + 14), 0x57, 0x60, 1, 0x60, 0, SSTORE, 0x00],
    ...[0x5b, ...argument(1), SELFDESTRUCT],
  ],
  // Calls itself to be destroyed, and reads and writes on to the transaction's end.
  () => [
    ...[0x60, 0, 0x60, 0, 0x52, ...argument(1), 0x60, 32, 0x52],
    ...[0x60, 0, 0x60, 0, 0x60, 64, 0x60, 0, 0x60, 0, 0x30, 0x62, 0, 0x80, 0, 0xf1, 0x50],
    ...increment,
    ...readSlots,
  ],
  () => [0x30, SELFDESTRUCT],
]);

/** Logs what it finds in slot 1, which must be nothing, writes it, and returns the victim's code. */
const INIT: readonly number[] = (() => {
  const before = [0x60, 1, SLOAD, 0x60, 0, 0x52, ...logMemory(32), 0x60, 7, 0x60, 1, SSTORE];
  const start = before.length + 15;
  return [
    ...before,
    ...[...push2(VICTIM.length), ...push2(start), 0x60, 0, 0x39],
    ...[...push2(VICTIM.length), 0x60, 0, 0xf3],
    ...VICTIM,
  ];
})();

const CREATE_CHILD = 0;
const CREATE_AND_DESTROY = 1;
const CREATE_AND_STORE = 2;

/** Makes children of `INIT`, by CREATE2 where the fork has it; may call the new child with arguments 2 to 4. */
function factory(fork: Fork): Uint8Array {
  const salted = forkAtLeast(fork, "constantinople");
  const build = (start: number): number[] => {
    const create = [
      ...[...push2(INIT.length), ...push2(start), 0x60, 0, 0x39],
      ...(salted ? argument(1) : []),
      ...[...push2(INIT.length), 0x60, 0, 0x34, salted ? 0xf5 : 0xf0],
    ];
    const report = [0x60, 0, 0x52, ...logMemory(32)];
    const callChild = [
      ...[0x60, 96, 0x60, 64, 0x60, 0, 0x37],
      ...[0x60, 0, 0x60, 0, 0x60, 96, 0x60, 0, 0x60, 0, 0x85, 0x62, 0, 0xff, 0xff, 0xf1],
      ...report,
    ];
    return dispatch(
      [
        () => [...create, ...report],
        () => [...create, ...callChild, ...report],
        () => [...create, ...callChild, ...callChild.slice(0, -report.length), 0x50, ...report],
      ],
      [...INIT],
    );
  };
  return Uint8Array.from(build(build(0).length - INIT.length));
}

const RELAY_CALL = 0;
const RELAY_AND_FAIL = 1;
const RELAY_LOOK = 2;

/** Calls argument 1 with value 2 and gas 3, input 4 to 7; or looks at it; logs all it learns, gas too. */
function relay(fork: Fork): Uint8Array {
  const call = [
    ...[0x60, 128, 0x60, 128, 0x60, 0, 0x37],
    ...[0x60, 0, 0x60, 0, 0x60, 128, 0x60, 0, ...argument(2), ...argument(1), ...argument(3)],
    0xf1,
  ];
  const looks = forkAtLeast(fork, "constantinople") ? [0x31, 0x3b, 0x3f] : [0x31, 0x3b];
  return Uint8Array.from(
    dispatch([
      () => [...call, 0x60, 0, 0x52, 0x5a, 0x60, 32, 0x52, ...logMemory(64)],
      () => [...call, 0xfe],
      () => [
        ...looks.flatMap((op, i) => [...argument(1), op, 0x60, 32 * i, 0x52]),
        ...[0x5a, 0x60, 96, 0x52, ...logMemory(128)],
      ],
    ]),
  );
}

// ---- the scene ----

const filled = (byte: number): Uint8Array => new Uint8Array(20).fill(byte);
export const VICTIMS: readonly Uint8Array[] = [filled(0xa1), filled(0xa2)];
const FACTORY = filled(0xf1);
const RELAY = filled(0xf2);
/** Exists, and is empty but for its storage: from before EIP-161. */
export const HOLLOW = filled(0xb1);
export const MISSING = filled(0xee);
export const COINBASE = filled(0xcb);
export const RIPEMD = Uint8Array.from({ length: 20 }, (_, i) => (i === 19 ? 3 : 0));

const BARE_SENDERS: readonly TestAccount[] = createAccounts("removals", 40);
const signer = createTransactionSigner(createSigner({ seed: "removals" }));
const ETHER = 10n ** 18n;

/** Address of the factory's child of this salt (EIP-1014). */
export function childAddress(salt: number): Uint8Array {
  const word = new Uint8Array(32);
  word[31] = salt;
  const bytes = [0xff, ...FACTORY, ...word, ...keccak_256(Uint8Array.from(INIT))];
  return keccak_256(Uint8Array.from(bytes)).slice(12);
}

const word = (value: number | Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(32);
  if (typeof value === "number") new DataView(bytes.buffer).setUint32(28, value);
  else bytes.set(value, 12);
  return bytes;
};

/** Call data: seven arguments, then how long the call is to take. */
function input(argumentList: readonly (number | Uint8Array)[], turns = 0): Uint8Array {
  const data = new Uint8Array(256);
  for (const [i, value] of argumentList.entries()) data.set(word(value), 32 * i);
  data.set(word(turns), 224);
  return data;
}

/** What a transaction does: whom it calls, with what. */
export interface Action {
  readonly to?: Uint8Array;
  readonly data: Uint8Array;
  readonly value?: number;
}

/** Actions by name; `turns` makes the transaction last, so that later ones run before it is done. */
export const actions = {
  destroy: (at: Uint8Array, heir: Uint8Array, turns = 0): Action => ({
    to: at,
    data: input([DESTROY, heir], turns),
  }),
  destroyForItself: (at: Uint8Array, turns = 0): Action => ({
    to: at,
    data: input([DESTROY_FOR_ITSELF], turns),
  }),
  destroyIfSet: (at: Uint8Array, heir: Uint8Array, turns = 0): Action => ({
    to: at,
    data: input([DESTROY_IF_SET, heir], turns),
  }),
  destroyAndGoOn: (at: Uint8Array, heir: Uint8Array, turns = 0): Action => ({
    to: at,
    data: input([DESTROY_AND_GO_ON, heir], turns),
  }),
  storeAndDestroy: (at: Uint8Array, slot: number, heir: Uint8Array, turns = 0): Action => ({
    to: at,
    data: input([STORE_AND_DESTROY, slot, 9, heir], turns),
  }),
  store: (at: Uint8Array, slot: number, value: number, turns = 0): Action => ({
    to: at,
    data: input([STORE, slot, value], turns),
  }),
  increment: (at: Uint8Array, slot: number, turns = 0): Action => ({
    to: at,
    data: input([INCREMENT, slot], turns),
  }),
  read: (at: Uint8Array, turns = 0): Action => ({ to: at, data: input([READ], turns) }),
  pay: (at: Uint8Array, value: number): Action => ({ to: at, data: new Uint8Array(0), value }),
  payByCall: (at: Uint8Array, value: number): Action => ({ to: at, data: input([ACCEPT]), value }),
  create: (salt: number, value = 0, turns = 0): Action => ({
    to: FACTORY,
    data: input([CREATE_CHILD, salt], turns),
    value,
  }),
  createAndDestroy: (salt: number, heir: Uint8Array, turns = 0): Action => ({
    to: FACTORY,
    data: input([CREATE_AND_DESTROY, salt, DESTROY, heir], turns),
  }),
  createAndStore: (salt: number, slot: number, value: number, turns = 0): Action => ({
    to: FACTORY,
    data: input([CREATE_AND_STORE, salt, STORE, slot, value], turns),
  }),
  /** Has the relay call; `fails` takes it all back. */
  relay: (to: Uint8Array, data: Uint8Array, fails = false, value = 0, gas = 100_000): Action => {
    const relayed = input([fails ? RELAY_AND_FAIL : RELAY_CALL, to, value, gas]);
    relayed.set(data.subarray(0, 128), 128);
    relayed.fill(0, 224); // no delay of the relay's own
    return { to: RELAY, data: relayed };
  },
  look: (at: Uint8Array, turns = 0): Action => ({
    to: RELAY,
    data: input([RELAY_LOOK, at], turns),
  }),
  /** A call of RIPEMD-160 that cannot pay, and whose touch outlives that. */
  touchRipemd: (): Action => actions.relay(RIPEMD, new Uint8Array(0), false, 0, 1),
  deploy: (): Action => ({ data: Uint8Array.from(INIT) }),
} as const;

/** Accounts and contracts before the block: both victims and the children of salts 0 and 1 have four slots set. */
function scene(fork: Fork): ChainState {
  const state = createChainState();
  const withSlots = (address: Uint8Array): void => {
    for (let slot = 0; slot < 4; slot++) state.setStorage(address, word(slot), word(slot + 3));
  };
  const children = forkAtLeast(fork, "constantinople") ? [childAddress(0), childAddress(1)] : [];
  for (const address of [...VICTIMS, ...children]) {
    state.setCode(address, Uint8Array.from(VICTIM));
    withSlots(address);
  }
  state.setCode(FACTORY, factory(fork));
  state.setCode(RELAY, relay(fork));
  // Since Paris no account is empty (EIP-7523).
  if (!forkAtLeast(fork, "paris")) {
    state.fund(HOLLOW, 0n);
    withSlots(HOLLOW);
    state.fund(RIPEMD, 0n);
  }
  for (const { address } of BARE_SENDERS) state.fund(address, ETHER);
  return state;
}

/** How a block is set up. */
export interface BlockChoices {
  readonly coinbase?: Uint8Array;
  /** Whether the coinbase earns nothing. */
  readonly free?: boolean;
  /** Index of each action's sender among 40; each its own otherwise. */
  readonly senders?: readonly number[];
  readonly ommers?: ExecutableBlock["ommers"];
}

/** A block of one transaction an action, on the scene. */
export function blockOf(
  fork: Fork,
  list: readonly Action[],
  { coinbase = COINBASE, free = false, senders: chosen, ommers = [] }: BlockChoices = {},
): { state: MemoryStateData; block: ExecutableBlock } {
  const london = forkAtLeast(fork, "london");
  const least = london ? 1000 : 0;
  const nonces = new Map<number, number>();
  const senders = new Uint8Array(20 * list.length);
  const transactions = list.map(({ to, data, value = 0 }, i) => {
    const from = chosen?.[i] ?? i % BARE_SENDERS.length;
    const nonce = nonces.get(from) ?? 0;
    nonces.set(from, nonce + 1);
    senders.set(BARE_SENDERS[from].address, 20 * i);
    const bound = forkAtLeast(fork, "spuriousDragon") ? { chainId: 1 } : {};
    const gasPrice = least + (free ? 0 : 500);
    const body = { nonce, value, gasLimit: 700_000, data, ...(to ? { to } : {}) };
    return signer.sign({ ...body, type: 0, gasPrice, ...bound }, BARE_SENDERS[from]);
  });
  const environment: BlockEnvironment = {
    fork,
    chainId: 1n,
    number: 270n,
    timestamp: 1_000_000n,
    gasLimit: 60_000_000n,
    coinbase,
    difficulty: 131_072n,
    prevRandao: new Uint8Array(32).fill(0x42),
    ...(london ? { baseFeePerGas: BigInt(least) } : {}),
    ...(forkAtLeast(fork, "cancun")
      ? { excessBlobGas: 0n, parentBeaconBlockRoot: new Uint8Array(32) }
      : {}),
    parentHash: new Uint8Array(32).fill(1),
  };
  const authorities = new Uint8Array(0);
  const block = { environment, transactions, senders, authorities, withdrawals: [], ommers };
  return { state: scene(fork).snapshot(), block };
}

/** A block of random actions, on few contracts. */
export function randomRemovals(
  random: SeededRandom,
  fork: Fork,
  transactions: number,
): { state: MemoryStateData; block: ExecutableBlock } {
  const children = forkAtLeast(fork, "constantinople")
    ? [0, 1, 2].map(childAddress)
    : [1, 2].map(() => VICTIMS[0]);
  const coinbase = random.pick([COINBASE, COINBASE, COINBASE, VICTIMS[0], HOLLOW, children[0]]);
  const few = random.below(3) === 0;
  const contracts = few ? [children[0], VICTIMS[0]] : [...children, ...VICTIMS];
  const pool = [...contracts, HOLLOW, MISSING, BARE_SENDERS[1].address, RIPEMD];
  if (random.below(2)) pool.push(coinbase);
  const turns = (): number => (random.below(4) === 0 ? random.below(500) : 0);
  const slot = (): number => random.below(4);
  const salt = (): number => random.below(few ? 1 : 3);
  const simple = (): Action => {
    const at = random.pick(contracts);
    const heir = random.pick(pool);
    switch (random.below(9)) {
      case 0:
        return actions.destroy(at, heir, turns());
      case 1:
        return actions.destroyIfSet(at, heir, turns());
      case 2:
        return actions.storeAndDestroy(at, slot(), heir, turns());
      case 3:
        return random.below(2)
          ? actions.destroyAndGoOn(at, heir, turns())
          : actions.destroyForItself(at, turns());
      case 4:
        return actions.store(at, slot(), random.below(3), turns());
      case 5:
      case 6:
        return actions.increment(at, slot(), turns());
      default:
        return actions.read(at, turns());
    }
  };
  const action = (): Action => {
    switch (random.below(14)) {
      case 0:
        return actions.pay(random.pick(pool), random.below(3));
      case 1:
        return actions.payByCall(random.pick(contracts), random.below(3));
      case 2:
      case 3:
        return actions.create(salt(), random.below(2), turns());
      case 4:
        return actions.createAndDestroy(salt(), random.pick(pool), turns());
      case 5:
        return actions.createAndStore(salt(), slot(), 1 + random.below(3), turns());
      case 6: {
        const { to = VICTIMS[1], data } = simple();
        return actions.relay(to, data, random.below(2) === 0);
      }
      case 7:
        return actions.relay(random.pick(pool), new Uint8Array(0));
      case 8:
        return actions.look(random.pick(pool), turns());
      case 9:
        return random.below(3) ? actions.touchRipemd() : actions.deploy();
      default:
        return simple();
    }
  };
  const ommers = random.below(2) ? [{ number: 268n, coinbase: random.pick(pool) }] : [];
  return blockOf(fork, Array.from({ length: transactions }, action), {
    coinbase,
    free: random.below(3) === 0,
    senders: Array.from({ length: transactions }, () => random.below(BARE_SENDERS.length)),
    ommers: forkAtLeast(fork, "paris") ? [] : ommers,
  });
}
