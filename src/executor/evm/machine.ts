/**
 * One instance of the EVM in WebAssembly on its shared memory, and what it asks of its host (assembly/evm/host.ts).
 *
 * @module
 */

import type { Fork } from "../../chains/ethereum/forks.ts";
import { LanewiseError } from "../../core/index.ts";
import type { StateSource } from "../../state/source.ts";
import { createPrecompiles, type RunPrecompile } from "./precompiles.ts";
import type { Signers } from "./signers.ts";

/** Functions and constants of the module (assembly/evm/evm.ts). */
export interface EvmExports {
  readonly HASH_SECRETS: WebAssembly.Global;
  readonly HEADER_BYTES: WebAssembly.Global;
  readonly ENVIRONMENT: WebAssembly.Global;
  readonly rejection: WebAssembly.Global;
  layOutMemory(codeStart: number, heapStart: number, outputStart: number, end: number): void;
  startInstance(region: number, bytes: number): void;
  beginBlock(fork: number, buckets: number, leastCodeBytes: number): void;
  allocate(bytes: number): number;
  recordBytes(): number;
  resultBytes(): number;
  prepare(
    records: number,
    raw: number,
    offsets: number,
    senders: number,
    authorities: number,
    from: number,
    to: number,
  ): number;
  execute(records: number, results: number, count: number): number;
  build(records: number, results: number, count: number): void;
  authorisationCountOf(record: number): number;
  gasUsed(): bigint;
  rejectionExpected(): number;
  rejectionGot(): number;
  systemCall(address: number, input: number, inputBytes: number): number;
  storeSystemSlot(address: number, key: number, value: number): number;
  returnData(): number;
  returnDataBytes(): number;
  credit(address: number, amount: number): void;
  outputStart(): number;
  outputEnd(): number;
  collectChanges(): number;
  depositLogged(): number;
  readonly QUESTIONS: WebAssembly.Global;
  readonly EXECUTIONS: WebAssembly.Global;
  /** Begins a block in an instance beside the first; the fork's number. */
  enterBlock(): number;
  beginParallel(records: number, results: number, count: number): void;
  joinParallel(): void;
  dropRejected(): void;
  suggest(pairs: number): void;
  offer(end: number): void;
  backlog(): number;
  readonly longestHint: WebAssembly.Global;
  work(most: number): number;
  abandon(): number;
  postpone(): void;
  stopParallel(): void;
  completed(): number;
  beginEpilogue(): number;
  beginSettling(): number;
  parallelGasUsed(): bigint;
  longestChain(): number;
  taskList(): number;
  readonly operations: WebAssembly.Global;
}

/** What an instance asks about the state (assembly/evm/host.ts): addresses in memory in, answers to memory out. */
export interface StateQuestions {
  readAccount(address: number, out: number): number;
  readStorage(address: number, slot: number, out: number): void;
  hasStorage(address: number): number;
  readCode(hash: number): number;
  writeCode(out: number): void;
  readBlockHash(number: bigint, out: number): void;
}

/** An instance's part of the memory. */
export interface Region {
  readonly start: number;
  readonly bytes: number;
}

const PAGE_BYTES = 65536;
const MIB = 1 << 20;
/**
 * Address space in MiB for code, the block heap, output and the instance's own region, of which half is EVM memory: as much as can be had.
 * Only touched pages take memory. The EVM memory of all frames of one transaction costs at least 3 gas a word; within 60 million gas
 * it stays below 160 MiB, so that even the smallest of these is never the limit on a real chain.
 */
const SIZES_MIB = [
  { code: 384, heap: 512, output: 128, region: 3071 },
  { code: 256, heap: 400, output: 112, region: 1279 },
  { code: 128, heap: 240, output: 80, region: 575 },
] as const;

/** Most address space of an instance beside the first, in MiB. */
const THREAD_MIB = 256;

/** A memory of the largest size that the system grants. */
function allocateMemory(): { memory: WebAssembly.Memory; size: (typeof SIZES_MIB)[number] } {
  let refusal: unknown;
  for (const size of SIZES_MIB) {
    const pages = ((size.code + size.heap + size.output + size.region) * MIB) / PAGE_BYTES;
    try {
      const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
      return { memory, size };
    } catch (error) {
      refusal = error;
    }
  }
  throw new LanewiseError("ERR_UNSUPPORTED", "EVM executor: no address space for its memory", {
    cause: refusal,
  });
}

/** Names of what `limitReached` numbers; the first is shared by all instances. */
const SHARED_REGION = 0;
const REGIONS = [
  "block heap or output",
  "EVM memory",
  "view of the state",
  "journal",
  "return data",
  "logs",
];

/** Views of an instance's memory. */
export class MachineMemory {
  readonly memory: WebAssembly.Memory;
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
  readonly view: DataView;

  constructor(memory: WebAssembly.Memory) {
    this.memory = memory;
    this.bytes = new Uint8Array(memory.buffer);
    this.words = new Uint32Array(memory.buffer);
    this.view = new DataView(memory.buffer);
  }

  /** A copy of memory that no other thread shares, as libraries expect it. */
  own(at: number, length: number): Uint8Array {
    const start = at >>> 0; // addresses above 2 GiB come out of WebAssembly negative
    return this.bytes.slice(start, start + length);
  }

  /** A copy of the memory from `start` to `end`, into fresh memory that is not filled with zeros first. */
  copy(start: number, end: number): Uint8Array {
    const own = Buffer.allocUnsafeSlow(end - start);
    own.set(this.bytes.subarray(start >>> 0, end >>> 0));
    return new Uint8Array(own.buffer, own.byteOffset, own.length);
  }

  /** Writes a word: four little-endian limbs. */
  setWord(at: number, value: bigint): void {
    const start = at >>> 0;
    let rest = value;
    for (let i = 0; i < 32; i += 8) {
      this.view.setBigUint64(start + i, rest, true); // takes the low 64 bits
      rest = rest === 0n ? 0n : rest >> 64n;
    }
  }

  /** Reads a word. */
  getWord(at: number): bigint {
    const start = at >>> 0;
    let value = 0n;
    for (let i = 24; i >= 0; i -= 8) {
      const limb = this.view.getBigUint64(start + i, true);
      value = value === 0n ? limb : (value << 64n) | limb;
    }
    return value;
  }
}

/** Answers from a state in this thread. One for each instance: code is read in two steps. */
export function answersFrom(memory: MachineMemory, state: () => StateSource): StateQuestions {
  const { bytes, view, words } = memory;
  let code: Uint8Array = new Uint8Array(0);
  return {
    readAccount(address, out) {
      const { direct } = state();
      if (direct !== undefined) return direct.readAccount(words, address >>> 2, out >>> 2) ? 1 : 0;
      const account = state().account(memory.own(address, 20));
      if (account === undefined) return 0;
      view.setBigUint64(out >>> 0, account.nonce, true);
      memory.setWord(out + 8, account.balance);
      bytes.set(account.codeHash, (out + 40) >>> 0);
      return 1;
    },
    readStorage(address, slot, out) {
      const { direct } = state();
      if (direct !== undefined) {
        direct.readStorage(words, address >>> 2, slot >>> 2, out >>> 2);
        return;
      }
      bytes.set(state().storage(memory.own(address, 20), memory.own(slot, 32)), out >>> 0);
    },
    hasStorage: (address) => (state().hasStorage?.(memory.own(address, 20)) ? 1 : 0),
    readCode(hash) {
      code = state().code(memory.own(hash, 32));
      return code.length;
    },
    writeCode: (out) => bytes.set(code, out >>> 0),
    readBlockHash(number, out) {
      bytes.set(state().blockHash(BigInt.asUintN(64, number)), out >>> 0);
    },
  };
}

/** Thrown through an instance whose transaction has to wait for the frontier (assembly/evm/parallel.ts). */
export class Deferred extends Error {}

/** Thrown through an instance whose transaction goes on once a signer is known. It is no failure, and has no stack to be traced. */
const NOTED = Symbol("noted");
/** What a transaction has cost that is still broken off: less than is saved where its signer is worked out with others. */
const MOST_REPEATED_MS = 0.03;
/** Added to what `recoverSigner` answers where that had been worked out before. */
const KNOWN = 256;
/** What `work` answers where there is more. */
export const MORE = 0;

/** Thrown where the memory that all instances share is full, so that none can go on. */
export class MemoryFull extends LanewiseError {}

/** What an instance is made of besides its memory. */
export interface MachineParts {
  readonly module: WebAssembly.Module;
  readonly signers: Signers;
}

/** An instance in this thread. */
export class Machine extends MachineMemory {
  readonly evm: EvmExports;
  readonly signers: Signers;
  #runPrecompile: RunPrecompile | undefined;
  /** When the running transaction began. */
  #startedAtMs = 0;

  constructor(
    { module, signers }: MachineParts,
    memory: WebAssembly.Memory,
    questions: (memory: MachineMemory) => StateQuestions,
  ) {
    super(memory);
    this.signers = signers;
    const host = { ...questions(this), ...this.#imports() } as unknown as WebAssembly.ModuleImports;
    const instance = new WebAssembly.Instance(module, { env: { memory }, host });
    this.evm = instance.exports as unknown as EvmExports;
  }

  /** Takes the contracts of the fork that the next block belongs to. */
  setFork(fork: Fork): void {
    this.#runPrecompile = createPrecompiles(fork);
    this.signers.clear();
  }

  /** Does work of a parallel block; answers how that stands (assembly/evm/parallel.ts). */
  work(pieces: number): number {
    const { evm } = this;
    try {
      return evm.work(pieces);
    } catch (error) {
      if (error === NOTED) evm.postpone();
      else if (error instanceof MemoryFull) evm.stopParallel();
      else evm.abandon();
      return MORE;
    }
  }

  #imports(): WebAssembly.ModuleImports {
    return {
      precompile: (
        address: number,
        input: number,
        inputBytes: number,
        gas: bigint,
        gasUsed: number,
        out: number,
      ): number => {
        const outcome = this.#runPrecompile!(address, this.own(input, inputBytes), gas);
        if (outcome === undefined) return -1;
        this.bytes.set(outcome.output, out >>> 0);
        this.view.setBigInt64(gasUsed >>> 0, outcome.gas, true);
        return outcome.output.length;
      },
      recoverSigner: (input: number, inputBytes: number, out: number, mayWait: number): number => {
        const answer = this.signers.recover(
          this.own(input, Math.min(inputBytes >>> 0, 128)),
          mayWait !== 0 && performance.now() - this.#startedAtMs < MOST_REPEATED_MS,
        );
        if (answer === undefined) throw NOTED;
        this.bytes.set(answer.output, out >>> 0);
        return answer.output.length + (answer.known ? KNOWN : 0);
      },
      startClock: (): void => {
        this.#startedAtMs = performance.now();
      },
      recoverNoted: (): void => this.signers.recoverNoted(),
      defer: (): void => {
        throw new Deferred();
      },
      limitReached: (region: number): void => {
        const message = `EVM executor: the block needs more ${REGIONS[region]} than the memory has`;
        if (region === SHARED_REGION) throw new MemoryFull("ERR_UNSUPPORTED", message);
        throw new LanewiseError("ERR_UNSUPPORTED", message);
      },
    };
  }
}

/** The first instance of a memory: the one that has the state. */
export class HostMachine extends Machine {
  /** Room for new code at a block's start, for which old code is dropped. */
  readonly leastCodeBytes: number;
  /** Regions for instances in other threads. */
  readonly threadRegions: readonly Region[];
  readonly #state: { source: StateSource | undefined };

  constructor(parts: MachineParts, threads = 0) {
    const { memory, size } = allocateMemory();
    const state: { source: StateSource | undefined } = { source: undefined };
    super(parts, memory, (views) => answersFrom(views, () => present(state.source)));
    this.#state = state;
    const secrets = crypto.getRandomValues(new Uint8Array(128));
    this.bytes.set(secrets, this.evm.HASH_SECRETS.value);
    const heapStart = size.code * MIB;
    const outputStart = heapStart + size.heap * MIB;
    const end = outputStart + size.output * MIB;
    this.leastCodeBytes = heapStart / 2;
    this.evm.layOutMemory(this.evm.HEADER_BYTES.value, heapStart, outputStart, end);
    const threadMib = Math.min(THREAD_MIB, Math.floor(size.region / (2 * Math.max(1, threads))));
    const own = size.region - threads * threadMib;
    this.evm.startInstance(end, own * MIB);
    this.threadRegions = Array.from({ length: threads }, (_, i) => ({
      start: end + (own + i * threadMib) * MIB,
      bytes: threadMib * MIB,
    }));
  }

  /** Answers for an instance in another thread. */
  answers(): StateQuestions {
    return answersFrom(this, () => present(this.#state.source));
  }

  /** Runs `work` with questions answered from `state`. */
  within<T>(state: StateSource, work: () => T): T {
    this.#state.source = state;
    try {
      return work();
    } finally {
      this.#state.source = undefined;
    }
  }
}

function present(source: StateSource | undefined): StateSource {
  if (source === undefined) throw new Error("machine: asked outside a block");
  return source;
}
