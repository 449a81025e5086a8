/**
 * One instance of the EVM in WebAssembly on its shared memory, and what it asks of its host (assembly/evm/host.ts).
 *
 * @module
 */
import { LanewiseError } from "../../core/index.ts";
import type { StateSource } from "../../state/source.ts";
import type { RunPrecompile } from "./precompiles.ts";

/** Functions and constants of the module (assembly/evm/evm.ts). */
export interface EvmExports {
  readonly HASH_SECRETS: WebAssembly.Global;
  readonly HEADER_BYTES: WebAssembly.Global;
  readonly ENVIRONMENT: WebAssembly.Global;
  readonly rejection: WebAssembly.Global;
  layOutMemory(codeStart: number, heapStart: number, heapEnd: number): void;
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
    count: number,
  ): void;
  execute(records: number, results: number, count: number): number;
  gasUsed(): bigint;
  rejectionExpected(): number;
  rejectionGot(): number;
  systemCall(address: number, input: number, inputBytes: number): number;
  storeSystemSlot(address: number, key: number, value: number): void;
  returnData(): number;
  returnDataBytes(): number;
  credit(address: number, amount: number): void;
  collectChanges(count: number): number;
}

/** What an instance runs against while a block executes. */
export interface MachineContext {
  readonly state: StateSource;
  readonly runPrecompile: RunPrecompile;
}

const PAGE_BYTES = 65536;
const MIB = 1 << 20;
/**
 * Address space in MiB for code, the block heap and the instance's own region, of which half is EVM memory: as much as can be had.
 * Only touched pages take memory. The EVM memory of all frames of one transaction costs at least 3 gas a word; within 60 million gas
 * it stays below 160 MiB, so that even the smallest of these is never the limit on a real chain.
 */
const SIZES_MIB = [
  { code: 384, heap: 640, region: 3071 },
  { code: 256, heap: 512, region: 1279 },
  { code: 128, heap: 320, region: 575 },
] as const;

/** A memory of the largest size that the system grants. */
function allocateMemory(): { memory: WebAssembly.Memory; size: (typeof SIZES_MIB)[number] } {
  let refusal: unknown;
  for (const size of SIZES_MIB) {
    const pages = ((size.code + size.heap + size.region) * MIB) / PAGE_BYTES;
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

const REGIONS = ["block heap", "EVM memory", "view of the state", "journal", "return data", "logs"];

/** An instance, its memory and views of it. */
export class Machine {
  readonly evm: EvmExports;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Room for new code at a block's start, for which old code is dropped. */
  readonly leastCodeBytes: number;
  #context: MachineContext | undefined;
  #code: Uint8Array = new Uint8Array(0);

  constructor(module: WebAssembly.Module) {
    const { memory, size } = allocateMemory();
    this.bytes = new Uint8Array(memory.buffer);
    this.view = new DataView(memory.buffer);
    const host = this.#imports();
    this.evm = new WebAssembly.Instance(module, { env: { memory }, host })
      .exports as unknown as EvmExports;
    const secrets = crypto.getRandomValues(new Uint8Array(128));
    this.bytes.set(secrets, this.evm.HASH_SECRETS.value);
    const heapStart = size.code * MIB;
    const heapEnd = heapStart + size.heap * MIB;
    this.leastCodeBytes = heapStart / 2;
    this.evm.layOutMemory(this.evm.HEADER_BYTES.value, heapStart, heapEnd);
    this.evm.startInstance(heapEnd, size.region * MIB);
  }

  /** Runs `work` with the instance's questions answered from `context`. */
  within<T>(context: MachineContext, work: () => T): T {
    this.#context = context;
    try {
      return work();
    } finally {
      this.#context = undefined;
    }
  }

  /** A copy of memory that no other thread shares, as libraries expect it. */
  own(at: number, length: number): Uint8Array {
    const start = at >>> 0; // addresses above 2 GiB come out of WebAssembly negative
    const copy = new Uint8Array(length);
    copy.set(this.bytes.subarray(start, start + length));
    return copy;
  }

  /** Writes a word: four little-endian limbs. */
  setWord(at: number, value: bigint): void {
    const start = at >>> 0;
    for (let i = 0; i < 32; i += 8) {
      this.view.setBigUint64(start + i, BigInt.asUintN(64, value >> BigInt(i * 8)), true);
    }
  }

  /** Reads a word. */
  getWord(at: number): bigint {
    const start = at >>> 0;
    let value = 0n;
    for (let i = 24; i >= 0; i -= 8) {
      value = (value << 64n) | this.view.getBigUint64(start + i, true);
    }
    return value;
  }

  get #running(): MachineContext {
    if (this.#context === undefined) throw new Error("machine: asked outside a block");
    return this.#context;
  }

  #imports(): WebAssembly.ModuleImports {
    return {
      readAccount: (address: number, out: number): number => {
        const account = this.#running.state.account(this.own(address, 20));
        if (account === undefined) return 0;
        this.view.setBigUint64(out >>> 0, account.nonce, true);
        this.setWord(out + 8, account.balance);
        this.bytes.set(account.codeHash, (out + 40) >>> 0);
        return 1;
      },
      readStorage: (address: number, slot: number, out: number): void => {
        const value = this.#running.state.storage(this.own(address, 20), this.own(slot, 32));
        this.bytes.set(value, out >>> 0);
      },
      hasStorage: (address: number): number =>
        this.#running.state.hasStorage?.(this.own(address, 20)) ? 1 : 0,
      readCode: (hash: number): number => {
        this.#code = this.#running.state.code(this.own(hash, 32));
        return this.#code.length;
      },
      writeCode: (out: number): void => this.bytes.set(this.#code, out >>> 0),
      readBlockHash: (number: bigint, out: number): void =>
        this.bytes.set(this.#running.state.blockHash(BigInt.asUintN(64, number)), out >>> 0),
      precompile: (
        address: number,
        input: number,
        inputBytes: number,
        gas: bigint,
        gasUsed: number,
        out: number,
      ): number => {
        const outcome = this.#running.runPrecompile(address, this.own(input, inputBytes), gas);
        if (outcome === undefined) return -1;
        this.bytes.set(outcome.output, out >>> 0);
        this.view.setBigInt64(gasUsed >>> 0, outcome.gas, true);
        return outcome.output.length;
      },
      limitReached: (region: number): void => {
        throw new LanewiseError(
          "ERR_UNSUPPORTED",
          `EVM executor: the block needs more ${REGIONS[region]} than the memory has`,
        );
      },
    };
  }
}
