/**
 * The results that the instances left in memory, as receipts: copied in one piece and taken apart when they are asked for, since most
 * receipts are only hashed.
 *
 * @module
 */
import type { InvalidTransaction, Log, PackedLogs, Receipt } from "../executor.ts";
import { BLOOM_BYTES, nextPackedLog, setBloomBits } from "../receipt.ts";
import type { Machine, MachineMemory } from "./machine.ts";
import { rejectionReason } from "./rejections.ts";

const NO_LOGS: readonly Log[] = [];

// A result (assembly/evm/transaction.ts).
const STATUS = 0;
const TYPE = 4;
const GAS_USED = 8;
const CUMULATIVE_GAS = 16;
const LOGS = 24;
const LOG_BYTES = 28;
const BLOOM_VALUES = 32;
const DROPPED = 36;

/** Bytes of the memory of one block, copied. */
class Output {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Where they began. */
  readonly start: number;

  constructor(memory: MachineMemory, start: number, end: number) {
    this.start = start >>> 0;
    this.bytes = memory.copy(start, end);
    this.view = new DataView(this.bytes.buffer);
  }
}

/** A receipt over its block's bytes. */
export class EvmReceipt implements Receipt {
  readonly #results: DataView;
  readonly #at: number;
  readonly #output: Output;

  constructor(results: DataView, at: number, output: Output) {
    this.#results = results;
    this.#at = at;
    this.#output = output;
  }

  get type(): number {
    return this.#results.getUint32(this.#at + TYPE, true);
  }

  get status(): boolean {
    return this.#results.getUint32(this.#at + STATUS, true) === 1;
  }

  get gasUsed(): bigint {
    return this.#results.getBigInt64(this.#at + GAS_USED, true);
  }

  get cumulativeGasUsed(): bigint {
    return this.#results.getBigInt64(this.#at + CUMULATIVE_GAS, true);
  }

  get packedLogs(): PackedLogs {
    const { bytes, view, start: outputStart } = this.#output;
    const logs = this.#results.getUint32(this.#at + LOGS, true);
    const start = logs === 0 ? 0 : logs - outputStart;
    const end = start + this.#results.getUint32(this.#at + LOG_BYTES, true);
    const bitsEnd = end + 6 * this.#results.getUint32(this.#at + BLOOM_VALUES, true);
    return { bytes, view, start, end, bitsEnd };
  }

  get logsBloom(): Uint8Array {
    const bloom = new Uint8Array(BLOOM_BYTES);
    setBloomBits(bloom, 0, this.packedLogs);
    return bloom;
  }

  get logs(): readonly Log[] {
    const { start, end } = this.packedLogs;
    return start === end ? NO_LOGS : readLogs(this.#output, start, end);
  }

  /** The data of the logs that this contract wrote with this first topic, or with none. */
  logDataOf(address: Uint8Array, topic: Uint8Array): Uint8Array[] {
    const { bytes, view, start, end } = this.packedLogs;
    const found: Uint8Array[] = [];
    for (let at = start; at < end; at = nextPackedLog(view, at)) {
      if (bytes[at + 19] !== address[19] || !isAt(bytes, at, address)) continue;
      const topicCount = view.getUint32(at + 24, true);
      if (topicCount === 0 || !isAt(bytes, at + 32, topic)) continue;
      const data = at + 32 + 32 * topicCount;
      found.push(bytes.subarray(data, data + view.getUint32(at + 28, true)));
    }
    return found;
  }
}

function isAt(bytes: Uint8Array, at: number, expected: Uint8Array): boolean {
  for (let i = 0; i < expected.length; i++) if (bytes[at + i] !== expected[i]) return false;
  return true;
}

function readLogs({ bytes, view }: Output, start: number, end: number): Log[] {
  const logs: Log[] = [];
  for (let at = start; at < end; at = nextPackedLog(view, at)) {
    const data = at + 32 + 32 * view.getUint32(at + 24, true);
    const topics: Uint8Array[] = [];
    for (let t = at + 32; t < data; t += 32) topics.push(bytes.subarray(t, t + 32));
    logs.push({
      address: bytes.subarray(at, at + 20),
      topics,
      data: bytes.subarray(data, data + view.getUint32(at + 28, true)),
    });
  }
  return logs;
}

/** The receipts of `count` results, whose logs lie in the output before `end`. */
export function readReceipts(
  machine: Machine,
  results: number,
  count: number,
  end: number,
): EvmReceipt[] {
  const { evm } = machine;
  const recordBytes = evm.resultBytes();
  const output = new Output(machine, evm.outputStart(), end);
  const view = new DataView(machine.own(results, count * recordBytes).buffer);
  const receipts: EvmReceipt[] = [];
  for (let i = 0; i < count; i++) receipts.push(new EvmReceipt(view, i * recordBytes, output));
  return receipts;
}

/** The candidates among `count` that were dropped. */
export function readDropped(
  machine: Machine,
  results: number,
  count: number,
): InvalidTransaction[] {
  const { view, evm } = machine;
  const recordBytes = evm.resultBytes();
  const dropped: InvalidTransaction[] = [];
  for (let index = 0; index < count; index++) {
    const at = results + index * recordBytes;
    const code = view.getUint32(at + DROPPED, true);
    if (code === 0) continue;
    const words = view.getUint32(at + LOGS, true);
    const reason = rejectionReason(code, machine.getWord(words), machine.getWord(words + 32));
    dropped.push({ index, reason });
  }
  return dropped;
}
