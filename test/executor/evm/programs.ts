/** Seeded random contracts and blocks that call them: inputs of the differential tests. @module */
import { keccak_256 } from "@noble/hashes/sha3.js";
import type { ExecutableBlock, Fork } from "../../../src/executor/index.ts";
import type { MemoryStateData } from "../../../src/state/memory.ts";
import { createAccounts, type TestAccount } from "../../../src/workloads/accounts.ts";
import { createChainState } from "../../../src/workloads/chain-state.ts";
import { createSigner } from "../../../src/workloads/signer.ts";
import {
  type AccessListEntry,
  type Authorization,
  createTransactionSigner,
} from "../../../src/workloads/transactions.ts";
import type { SeededRandom } from "../../support/random.ts";

/** Arity of opcodes that take words and give a word: pops by opcode. */
const WORD_OPS: readonly (readonly [op: number, pops: number])[] = [
  ...[1, 2, 3, 4, 5, 6, 7, 0x0a, 0x0b, 0x10, 0x11, 0x12, 0x13, 0x14, 0x16, 0x17, 0x18, 0x1a].map(
    (op) => [op, 2] as const,
  ),
  [0x08, 3],
  [0x09, 3],
  [0x15, 1],
  [0x19, 1],
  [0x1b, 2],
  [0x1c, 2],
  [0x1d, 2],
  [0x1e, 1],
  [0x31, 1],
  [0x35, 1],
  [0x3b, 1],
  [0x3f, 1],
  [0x40, 1],
  [0x49, 1],
  [0x54, 1],
  [0x5c, 1],
];
const SOURCES = [
  0x30, 0x32, 0x33, 0x34, 0x36, 0x38, 0x3a, 0x3d, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48,
  0x4a, 0x58, 0x59, 0x5a, 0x5f,
];

/** Sequences that are run as one (assembly/evm/fusion.ts), on four words or fewer, without jumps. */
const IDIOMS: readonly (readonly number[])[] = [
  [0x50, 0x50],
  [0x50, 0x50, 0x50],
  [0x90, 0x50],
  [0x91, 0x50],
  [0x92, 0x50],
  [0x92, 0x91, 0x50, 0x50],
  [0x81, 0x83],
  [0x80, 0x82],
  [0x92, 0x90],
  [0x82, 0x01],
  [0x81, 0x16],
  [0x61, 0x12, 0x34, 0x82],
  [0x73, ...new Array(20).fill(0xff), 0x81, 0x16],
  [0x60, 0x40, 0x51],
  [0x60, 0x80, 0x01],
  [0x60, 1, 0x60, 2],
  [0x60, 1, 0x60, 1, 0x60, 0xa0, 0x1b, 0x03],
  [0x60, 0, 0x52, 0x60, 7],
  [0x60, 0x40, 0x81, 0x52],
  [0x60, 0x20, 0x90, 0x81, 0x52],
  [0x5f, 0x90, 0x81, 0x52],
  [0x60, 0x20, 0x81, 0x90, 0x52],
  [0x60, 0, 0x60, 0x40, 0x90, 0x20],
  [0x80, 0x91, 0x03, 0x90],
  [0x82, 0x81, 0x03],
  [0x60, 0x21, 0x82, 0x01],
  [0x73, ...new Array(20).fill(0xff), 0x16],
  [0x5f, 0x5f],
  [0x5f, 0x35, 0x60, 0xe0, 0x1c],
  [0x60, 0x00, 0x35, 0x60, 0xe0, 0x1c],
];
/** Conditions that are fused with the constant jump behind them; each takes two words or one. */
const CONDITIONS: readonly (readonly number[])[] = [
  [],
  [0x15],
  [0x14],
  [0x10],
  [0x11],
  [0x14, 0x15],
  [0x10, 0x15],
  [0x11, 0x15],
  [0x12, 0x15],
  [0x80, 0x63, 0, 0, 0, 3, 0x14],
  [0x80, 0x63, 0, 1, 0, 0, 0x11],
  [0x80, 0x15],
  [0x34, 0x80, 0x15],
  [0x80, 0x82, 0x02, 0x81, 0x15, 0x82, 0x82, 0x04, 0x84, 0x14, 0x17],
  [0x80, 0x82, 0x01, 0x80, 0x82, 0x11, 0x15],
  [0x81, 0x81, 0x03, 0x81, 0x81, 0x11, 0x15],
  [0x60, 0x20, 0x36, 0x10],
];

/** Writes one contract statement by statement. */
class Writer {
  readonly code: number[] = [];
  readonly #random: SeededRandom;
  readonly #addresses: readonly Uint8Array[];

  constructor(random: SeededRandom, addresses: readonly Uint8Array[]) {
    this.#random = random;
    this.#addresses = addresses;
  }

  push(value: Uint8Array | number): void {
    const bytes =
      typeof value === "number"
        ? value < 256
          ? [value]
          : value < 65536
            ? [value >> 8, value & 255]
            : [(value >> 24) & 255, (value >> 16) & 255, (value >> 8) & 255, value & 255]
        : [...value];
    this.code.push(0x5f + bytes.length, ...bytes);
  }

  /** A word that matters: small, huge, an address, random, or something the machine tells. */
  word(): void {
    const random = this.#random;
    const kind = random.below(10);
    if (kind < 4) this.push(random.below(8));
    else if (kind === 4) this.push(new Uint8Array(32).fill(0xff));
    else if (kind === 5) this.push(random.bytes(1 + random.below(32)));
    else if (kind === 6) this.push(random.pick(this.#addresses));
    else if (kind === 7) this.code.push(random.pick(SOURCES));
    else if (kind === 8) this.push(Uint8Array.of(0x80, ...new Uint8Array(31)));
    else this.push(1 << random.below(20));
  }

  /** Offset and length in memory, now and then far too long. */
  range(): void {
    const random = this.#random;
    if (random.below(60) === 0) {
      this.word();
      this.word();
      return;
    }
    this.push(random.below(100));
    this.push(random.below(200));
  }

  statement(depth: number): void {
    const random = this.#random;
    const kind = random.below(24);
    if (kind < 7) {
      const [op, pops] = random.pick(WORD_OPS);
      for (let i = 0; i < pops; i++) this.word();
      this.code.push(op);
      this.keep();
    } else if (kind < 9) {
      this.word();
      this.push(random.below(5));
      this.code.push(random.below(4) === 0 ? 0x5d : 0x55); // TSTORE, SSTORE
    } else if (kind === 9) {
      this.push(random.below(5));
      this.code.push(random.below(4) === 0 ? 0x5c : 0x54);
      this.keep();
    } else if (kind === 10) {
      this.word();
      this.push(random.below(300));
      this.code.push(random.below(2) ? 0x52 : 0x53);
    } else if (kind === 11) {
      this.range();
      this.code.push(0x20);
      this.keep();
    } else if (kind === 12) {
      // Copies: length, source, destination.
      this.push(random.below(80));
      this.word();
      this.push(random.below(200));
      const op = random.pick([0x37, 0x39, 0x3e, 0x5e]);
      if (random.below(3) === 0) {
        this.push(random.pick(this.#addresses));
        this.code.push(0x3c);
      } else this.code.push(op);
    } else if (kind === 13) {
      const topics = random.below(5);
      for (let i = 0; i < topics; i++) this.word();
      this.range();
      this.code.push(0xa0 + topics);
    } else if (kind < 17) this.call();
    else if (kind === 17 && depth < 2) this.create(depth);
    else if (kind === 18) {
      // A conditional jump over a few statements.
      this.word();
      this.word();
      this.code.push(...random.pick(CONDITIONS));
      const at = this.code.length;
      this.code.push(0x61, 0, 0, 0x57);
      for (let i = random.below(3); i >= 0; i--) this.statement(depth);
      const target = this.code.length;
      this.code[at + 1] = target >> 8;
      this.code[at + 2] = target & 255;
      this.code.push(0x5b);
    } else if (kind === 19 && random.below(4) === 0) {
      this.range();
      this.code.push(random.pick([0xf3, 0xfd]));
    } else if (kind === 20 && random.below(6) === 0) {
      this.push(random.pick(this.#addresses));
      this.code.push(0xff);
    } else if (kind === 21 && random.below(3) === 0) this.code.push(random.below(256));
    else if (kind > 21) {
      for (let i = 0; i < 4; i++) this.word();
      this.code.push(...random.pick(IDIOMS));
      this.keep();
    } else {
      this.word();
      this.word();
      this.code.push(0x80 + random.below(2), 0x90, 0x50, 0x50, 0x50);
    }
  }

  /** Stores the top word somewhere, so that a wrong one shows. */
  keep(): void {
    const random = this.#random;
    if (random.below(2)) {
      this.push(random.below(200));
      this.code.push(0x52);
    } else {
      this.push(random.below(5));
      this.code.push(0x55);
    }
  }

  call(): void {
    const random = this.#random;
    const op = random.pick([0xf1, 0xf1, 0xf1, 0xf2, 0xf4, 0xfa]);
    this.range();
    this.range();
    if (op < 0xf4) this.push(random.below(3) === 0 ? random.below(1000) : 0);
    this.push(random.below(6) === 0 ? 1 + random.below(18) : random.pick(this.#addresses));
    if (random.below(3)) this.code.push(0x5a);
    else this.push(random.below(100_000));
    this.code.push(op);
    this.keep();
  }

  /** CREATE or CREATE2 of a contract whose init code is itself random, and returns some code. */
  create(depth: number): void {
    const random = this.#random;
    const inner = new Writer(random, this.#addresses);
    for (let i = random.below(3); i > 0; i--) inner.statement(depth + 1);
    // Return the first bytes of memory: code made of whatever is there.
    inner.push(random.below(40));
    inner.push(random.below(3) * 16);
    inner.code.push(0xf3);
    const code = Uint8Array.from(inner.code);
    for (let i = 0; i < code.length; i += 32) {
      const word = new Uint8Array(32);
      word.set(code.subarray(i, i + 32));
      this.push(word);
      this.push(i);
      this.code.push(0x52);
    }
    const salted = random.below(2) === 1;
    if (salted) this.push(random.below(2));
    this.push(code.length);
    this.push(0);
    this.push(random.below(4) === 0 ? random.below(100) : 0);
    this.code.push(salted ? 0xf5 : 0xf0);
    this.keep();
  }
}

/** A random contract. */
export function randomProgram(random: SeededRandom, addresses: readonly Uint8Array[]): Uint8Array {
  const writer = new Writer(random, addresses);
  for (let i = 2 + random.below(14); i > 0; i--) writer.statement(0);
  return Uint8Array.from(writer.code);
}

const senders: readonly TestAccount[] = createAccounts("differential", 6);
/** Accounts that send nothing and let code run as them (EIP-7702). */
const authorities: readonly TestAccount[] = createAccounts("differential authorities", 3);
const signer = createTransactionSigner(createSigner({ seed: "differential" }));
const ETHER = 10n ** 18n;

/** Forks that the differential tests draw from: one of each that changes execution. */
export const DIFFERENTIAL_FORKS: readonly Fork[] = [
  "frontier",
  "homestead",
  "tangerineWhistle",
  "spuriousDragon",
  "byzantium",
  "constantinople",
  "petersburg",
  "istanbul",
  "berlin",
  "london",
  "paris",
  "shanghai",
  "cancun",
  "prague",
  "osaka",
];

function isSince(fork: Fork, since: Fork): boolean {
  return DIFFERENTIAL_FORKS.indexOf(fork) >= DIFFERENTIAL_FORKS.indexOf(since);
}

/** An access list over the pool, some of its slots named. */
function randomAccessList(random: SeededRandom, pool: readonly Uint8Array[]): AccessListEntry[] {
  return Array.from({ length: random.below(3) }, () => ({
    address: random.pick(pool),
    storageKeys: Array.from({ length: random.below(3) }, () => {
      const key = new Uint8Array(32);
      key[31] = random.below(5);
      return key;
    }),
  }));
}

/** Authorisations by accounts of their own; now and then by a sender, with a nonce that is not its. */
function randomAuthorizations(
  random: SeededRandom,
  pool: readonly Uint8Array[],
  nonces: Map<TestAccount, number>,
): { list: Authorization[]; recovered: Uint8Array[] } {
  const list: Authorization[] = [];
  const recovered: Uint8Array[] = [];
  for (let i = 1 + random.below(3); i > 0; i--) {
    const foreign = random.below(6) === 0;
    const account = random.pick(foreign ? senders : authorities);
    const nonce = foreign ? 1000 : (nonces.get(account) ?? 0);
    if (!foreign && random.below(5)) nonces.set(account, nonce + 1);
    const address = random.below(5) ? random.pick(pool) : new Uint8Array(20);
    list.push(signer.authorize({ chainId: random.below(2), address, nonce }, account));
    recovered.push(account.address);
  }
  return { list, recovered };
}

/** A state of random contracts, and a block of transactions among them that conflict. */
export function randomBlock(
  random: SeededRandom,
  fork: Fork,
  transactions: number,
): { state: MemoryStateData; block: ExecutableBlock } {
  const coinbase = Uint8Array.from({ length: 20 }, () => 0xcb);
  const contracts = Array.from({ length: 5 }, (_, i) => new Uint8Array(20).fill(0xa0 + i));
  const missing = new Uint8Array(20).fill(0xee);
  const pool = [
    ...contracts,
    missing,
    coinbase,
    senders[0].address,
    senders[1].address,
    ...(isSince(fork, "prague") ? authorities.map(({ address }) => address) : []),
  ];
  const state = createChainState();
  for (const address of contracts) {
    state.fund(address, 0n);
    state.setCode(address, randomProgram(random, pool));
    for (let slot = 0; slot < 5; slot++) {
      if (random.below(2)) {
        const key = new Uint8Array(32);
        key[31] = slot;
        const word = new Uint8Array(32);
        word[31] = 1 + random.below(4);
        state.setStorage(address, key, word);
      }
    }
  }
  for (const { address } of senders) state.fund(address, ETHER);
  for (let number = 0n; number < 300n; number++) {
    state.setBlockHash(number, keccak_256(new TextEncoder().encode(`${number}`)));
  }
  const since = (name: Fork): boolean => isSince(fork, name);
  const nonces = new Map<TestAccount, number>();
  const raws: Uint8Array[] = [];
  const from: TestAccount[] = [];
  const recovered: Uint8Array[] = [];
  for (let i = 0; i < transactions; i++) {
    const sender = random.pick(senders);
    const nonce = nonces.get(sender) ?? 0;
    nonces.set(sender, nonce + 1);
    from.push(sender);
    const creates = random.below(8) === 0;
    const body = {
      nonce,
      value: random.below(3) === 0 ? random.below(1000) : 0,
      gasLimit: 80_000 + random.below(400_000),
      data: creates ? randomProgram(random, pool) : random.bytes(random.below(80)),
      ...(creates ? {} : { to: random.pick(pool) }),
    };
    const fees = { chainId: 1, maxFeePerGas: 2000, maxPriorityFeePerGas: 10 };
    const accessList = randomAccessList(random, pool);
    const kind = random.below(4);
    if (kind === 0 && since("prague") && !creates) {
      const { list, recovered: signed } = randomAuthorizations(random, pool, nonces);
      recovered.push(...signed);
      const to = random.pick(pool);
      const gasLimit = body.gasLimit + 80_000;
      const setCode = { ...body, ...fees, type: 4, to, gasLimit, authorizationList: list } as const;
      raws.push(signer.sign(setCode, sender));
    } else if (kind === 1 && since("london")) {
      raws.push(signer.sign({ ...body, ...fees, type: 2, accessList }, sender));
    } else if (kind === 2 && since("berlin")) {
      const listed = { ...body, type: 1, chainId: 1, gasPrice: 1500, accessList } as const;
      raws.push(signer.sign(listed, sender));
    } else {
      const bound = since("spuriousDragon") ? { chainId: 1 } : {};
      raws.push(signer.sign({ ...body, type: 0, gasPrice: 1500, ...bound }, sender));
    }
  }
  const sendersOf = new Uint8Array(20 * transactions);
  for (const [i, { address }] of from.entries()) sendersOf.set(address, 20 * i);
  const block: ExecutableBlock = {
    environment: {
      fork,
      chainId: 1n,
      number: 270n,
      timestamp: 1_000_000n,
      gasLimit: 30_000_000n,
      coinbase,
      difficulty: 131_072n,
      prevRandao: new Uint8Array(32).fill(0x42),
      ...(since("london") ? { baseFeePerGas: 1000n } : {}),
      ...(since("cancun") ? { excessBlobGas: 0n, parentBeaconBlockRoot: new Uint8Array(32) } : {}),
      parentHash: new Uint8Array(32).fill(1),
    },
    transactions: raws,
    senders: sendersOf,
    authorities: Uint8Array.from(Buffer.concat(recovered)),
    withdrawals: [],
    ommers: [],
  };
  return { state: state.snapshot(), block };
}
