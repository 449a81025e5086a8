/**
 * Ethereum state tests (EEST fixtures and GeneralStateTests): one transaction on a pre-state, for each fork that is listed.
 */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { RLP } from "@ethereumjs/rlp";
import { eoaCode7702RecoverAuthority, hexToBytes } from "@ethereumjs/util";
import { keccak_256 } from "@noble/hashes/sha3.js";
import type { BlockEnvironment, Execution, Executor, Fork } from "../../src/executor/index.ts";
import { StateCommitment } from "../../src/state/commitment.ts";
import { EMPTY_CODE_HASH } from "../../src/state/memory.ts";
import type { AccountChange, StateDiff, StateSource } from "../../src/state/source.ts";

type Hex = `0x${string}`;

/** An account as the files write it. */
interface FileAccount {
  readonly nonce: Hex;
  readonly balance: Hex;
  readonly code: Hex;
  readonly storage: Readonly<Record<Hex, Hex>>;
}
type FileState = Readonly<Record<Hex, FileAccount>>;

interface FilePost {
  readonly hash: Hex;
  readonly logs: Hex;
  readonly txbytes: Hex;
  readonly state?: FileState;
  readonly expectException?: string;
  readonly indexes: { readonly data: number; readonly gas: number; readonly value: number };
}

interface FileAuthorisation {
  readonly chainId: Hex;
  readonly address: Hex;
  readonly nonce: Hex;
  readonly v?: Hex;
  readonly yParity?: Hex;
  readonly r: Hex;
  readonly s: Hex;
}

interface FileTest {
  readonly env: Readonly<Record<string, Hex | undefined>>;
  readonly pre: FileState;
  readonly transaction: {
    readonly sender: Hex;
    readonly authorizationList?: readonly FileAuthorisation[];
  };
  readonly post: Readonly<Record<string, readonly FilePost[]>>;
}

/** One case: a transaction under a fork's rules. */
export interface StateCase {
  readonly name: string;
  /** The fork as the file names it. */
  readonly forkName: string;
  readonly test: FileTest;
  readonly post: FilePost;
}

const FORK_NAMES: Readonly<Record<string, Fork>> = {
  Frontier: "frontier",
  Homestead: "homestead",
  EIP150: "tangerineWhistle",
  EIP158: "spuriousDragon",
  Byzantium: "byzantium",
  Constantinople: "constantinople",
  ConstantinopleFix: "petersburg",
  Istanbul: "istanbul",
  Berlin: "berlin",
  London: "london",
  Paris: "paris",
  Shanghai: "shanghai",
  Cancun: "cancun",
  Prague: "prague",
  Osaka: "osaka",
};

/** Every case under a folder, in order of file names. */
export function* readStateCases(folder: string): Generator<StateCase> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".json"))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  for (const file of files) {
    const tests: Record<string, FileTest> = JSON.parse(readFileSync(file, "utf8"));
    for (const [title, test] of Object.entries(tests)) {
      for (const [forkName, posts] of Object.entries(test.post)) {
        for (const [i, post] of posts.entries()) {
          const name = `${relative(folder, file)} ${title} ${forkName} ${i}`;
          yield { name, forkName, test, post };
        }
      }
    }
  }
}

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.slice(2), "hex"));
const hexOf = (bytes: Uint8Array): Hex => `0x${Buffer.from(bytes).toString("hex")}`;
const word = (hex: Hex): Uint8Array => bytesOf(`0x${hex.slice(2).padStart(64, "0")}`);
const evenHex = (hex: Hex): Hex => (hex.length % 2 === 0 ? hex : `0x0${hex.slice(2)}`);

/** A state of a file as the source that executors read. */
function sourceOf(state: FileState): StateSource {
  const codes = new Map<string, Uint8Array>([[hexOf(EMPTY_CODE_HASH), new Uint8Array(0)]]);
  const accounts = new Map<string, FileAccount & { readonly codeHash: Uint8Array }>();
  for (const [address, account] of Object.entries(state)) {
    const code = bytesOf(account.code);
    const codeHash = keccak_256(code);
    codes.set(hexOf(codeHash), code);
    accounts.set(address.toLowerCase(), { ...account, codeHash });
  }
  return {
    account(address) {
      const found = accounts.get(hexOf(address));
      if (found === undefined) return undefined;
      return {
        nonce: BigInt(found.nonce),
        balance: BigInt(found.balance),
        codeHash: found.codeHash,
      };
    },
    storage(address, slot) {
      const storage = accounts.get(hexOf(address))?.storage ?? {};
      const short: Hex = `0x${BigInt(hexOf(slot)).toString(16)}`;
      return word(storage[evenHex(short)] ?? storage[short] ?? storage[hexOf(slot)] ?? "0x00");
    },
    code: (codeHash) => codes.get(hexOf(codeHash))!,
    hasStorage: (address) =>
      Object.values(accounts.get(hexOf(address))?.storage ?? {}).some((v) => BigInt(v) !== 0n),
    // State tests have no chain: retesteth and EEST hash the number's decimal digits.
    blockHash: (number) => keccak_256(new TextEncoder().encode(number.toString())),
  };
}

function environmentOf({ test, forkName }: StateCase): BlockEnvironment {
  const { env } = test;
  const number = (hex: Hex | undefined): bigint => (hex === undefined ? 0n : BigInt(hex));
  const fork = FORK_NAMES[forkName];
  if (fork === undefined) throw new Error(`fork ${forkName}: not known`);
  return {
    fork,
    chainId: 1n,
    number: number(env.currentNumber),
    timestamp: number(env.currentTimestamp),
    gasLimit: number(env.currentGasLimit),
    coinbase: bytesOf(env.currentCoinbase!),
    difficulty: number(env.currentDifficulty),
    prevRandao: word(env.currentRandom ?? "0x00"),
    ...(env.currentBaseFee === undefined ? {} : { baseFeePerGas: number(env.currentBaseFee) }),
    excessBlobGas: number(env.currentExcessBlobGas),
    parentHash: new Uint8Array(32),
  };
}

/** Authority of each authorisation, zeros where its signature is not one EIP-7702 accepts. */
function authoritiesOf({ transaction }: FileTest): Uint8Array {
  const list = transaction.authorizationList ?? [];
  const out = new Uint8Array(20 * list.length);
  const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;
  for (const [i, item] of list.entries()) {
    const parity = BigInt(item.yParity ?? item.v ?? "0x0");
    if (parity > 1n || BigInt(item.s) > HALF_ORDER) continue;
    const minimal = (hex: Hex): Uint8Array => {
      const digits = BigInt(hex).toString(16);
      return BigInt(hex) === 0n ? new Uint8Array(0) : bytesOf(evenHex(`0x${digits}`));
    };
    try {
      const authority = eoaCode7702RecoverAuthority([
        minimal(item.chainId),
        hexToBytes(item.address),
        minimal(item.nonce),
        minimal(evenHex(`0x${parity.toString(16)}`)),
        minimal(item.r),
        minimal(item.s),
      ]);
      out.set(authority.bytes, 20 * i);
    } catch {
      // Not a signature.
    }
  }
  return out;
}

/** Runs a case. */
export function runStateCase(executor: Executor, subject: StateCase): Promise<Execution> {
  const { test, post } = subject;
  return executor.execute(
    {
      environment: environmentOf(subject),
      transactions: [bytesOf(post.txbytes)],
      senders: bytesOf(test.transaction.sender),
      authorities: authoritiesOf(test),
      withdrawals: [],
      ommers: [],
    },
    sourceOf(test.pre),
  );
}

/** Equal for cases that may run in one block: their pre-state, environment and fork are the same. */
export function sharedStateKey({ test, forkName }: StateCase): string {
  const text = JSON.stringify([forkName, test.env, test.pre]);
  return createHash("sha256").update(text).digest("hex");
}

/**
 * Runs the transactions of cases with one `sharedStateKey` in one block. Each has a sender of its own, made like the file's: they
 * would have one nonce otherwise. What they come to is not in the files; executors can be compared by it. An empty access list says
 * that no transaction meets another, so that none waits.
 */
export function runStateCasesTogether(
  executor: Executor,
  cases: readonly StateCase[],
): Promise<Execution> {
  const environment = environmentOf(cases[0]);
  const pre: Record<Hex, FileAccount> = { ...cases[0].test.pre };
  const accounts = Object.entries(pre);
  const senders = new Uint8Array(20 * cases.length);
  const authorities: Uint8Array[] = [];
  for (const [i, { test }] of cases.entries()) {
    const sender = test.transaction.sender.toLowerCase();
    const own = accounts.find(([address]) => address.toLowerCase() === sender)?.[1];
    const address = keccak_256(new TextEncoder().encode(`sender ${i}`)).subarray(12);
    senders.set(address, 20 * i);
    if (own !== undefined) pre[hexOf(address)] = own;
    authorities.push(authoritiesOf(test));
  }
  return executor.execute(
    {
      environment: { ...environment, gasLimit: environment.gasLimit * BigInt(cases.length) },
      transactions: cases.map(({ post }) => bytesOf(post.txbytes)),
      senders,
      authorities: Uint8Array.from(Buffer.concat(authorities)),
      withdrawals: [],
      ommers: [],
    },
    sourceOf(pre),
    { accessList: [] },
  );
}

interface PlainAccount {
  nonce: bigint;
  balance: bigint;
  code: string;
  storage: Map<string, bigint>;
}

function plainState(state: FileState): Map<string, PlainAccount> {
  const plain = new Map<string, PlainAccount>();
  for (const [address, account] of Object.entries(state)) {
    const storage = new Map<string, bigint>();
    for (const [slot, value] of Object.entries(account.storage)) {
      if (BigInt(value) !== 0n) storage.set(hexOf(word(slot as Hex)), BigInt(value));
    }
    plain.set(address.toLowerCase(), {
      nonce: BigInt(account.nonce),
      balance: BigInt(account.balance),
      code: account.code,
      storage,
    });
  }
  return plain;
}

/** The state after a block's changes. */
function applyDiff(pre: FileState, diff: StateDiff): Map<string, PlainAccount> {
  const state = plainState(pre);
  for (const [address, change] of diff) {
    if (change.account === undefined) {
      state.delete(address);
      continue;
    }
    const before = state.get(address);
    const storage = change.storageCleared
      ? new Map<string, bigint>()
      : (before?.storage ?? new Map());
    for (const [slot, value] of change.storage) {
      if (BigInt(hexOf(value)) === 0n) storage.delete(slot);
      else storage.set(slot, BigInt(hexOf(value)));
    }
    const kept = before?.code ?? "0x";
    const code = change.code === undefined ? kept : hexOf(change.code);
    if (hexOf(keccak_256(bytesOf(code))) !== hexOf(change.account.codeHash)) {
      throw new Error(`${address}: code and its hash differ`);
    }
    const { nonce, balance } = change.account;
    state.set(address, { nonce, balance, code, storage });
  }
  return state;
}

function describeDifference(
  got: ReadonlyMap<string, PlainAccount>,
  expected: ReadonlyMap<string, PlainAccount>,
): string | undefined {
  for (const address of new Set([...got.keys(), ...expected.keys()])) {
    const a = got.get(address);
    const b = expected.get(address);
    if (a === undefined) return `${address}: missing`;
    if (b === undefined) return `${address}: should not exist`;
    if (a.nonce !== b.nonce) return `${address}: nonce ${a.nonce}, not ${b.nonce}`;
    if (a.balance !== b.balance) return `${address}: balance ${a.balance}, not ${b.balance}`;
    if (a.code !== b.code) return `${address}: code differs`;
    for (const slot of new Set([...a.storage.keys(), ...b.storage.keys()])) {
      const [x, y] = [a.storage.get(slot) ?? 0n, b.storage.get(slot) ?? 0n];
      if (x !== y) return `${address}: slot ${slot} is ${x}, not ${y}`;
    }
  }
  return undefined;
}

const tries = new StateCommitment();

/** State root of the accounts. The one commitment is emptied again after each use. */
function rootOf(state: ReadonlyMap<string, PlainAccount>): Hex {
  const diff = new Map<string, AccountChange>();
  for (const [address, { nonce, balance, code, storage }] of state) {
    const words = new Map<string, Uint8Array>();
    for (const [slot, value] of storage) words.set(slot, word(`0x${value.toString(16)}`));
    const account = { nonce, balance, codeHash: keccak_256(bytesOf(code)) };
    diff.set(address, { account, storageCleared: false, storage: words });
  }
  const root = hexOf(tries.apply(diff));
  const nothing = { account: undefined, storageCleared: true, storage: new Map() };
  tries.apply(new Map([...diff.keys()].map((address) => [address, nothing])));
  return root;
}

/** What is wrong with the outcome of a case; `undefined` where nothing is. */
export function gradeStateCase(
  { test, post }: StateCase,
  execution: Execution,
): string | undefined {
  if (!execution.ok) {
    if (post.expectException !== undefined) return undefined;
    return `rejected: ${execution.invalid.reason}`;
  }
  if (post.expectException !== undefined) return `included, expected ${post.expectException}`;
  const { receipts, stateDiff } = execution.result;
  const state = applyDiff(test.pre, stateDiff);
  if (post.state !== undefined) {
    const difference = describeDifference(state, plainState(post.state));
    if (difference !== undefined) return difference;
  } else if (rootOf(state) !== post.hash) return "state root differs";
  const logs = receipts.flatMap(({ logs }) =>
    logs.map(({ address, topics, data }) => [address, [...topics], data]),
  );
  if (hexOf(keccak_256(RLP.encode(logs))) !== post.logs) return "logs differ";
  return undefined;
}
