/**
 * What the instance left in memory, as receipts and state changes.
 *
 * Receipts keep one copy of the block's logs and filters and take it apart when they are read: most are only hashed.
 *
 * @module
 */
import type { AccountChange, StateDiff } from "../../state/source.ts";
import type { Log, Receipt } from "../executor.ts";
import type { Machine } from "./machine.ts";

const NO_BLOOM = new Uint8Array(256);
const NO_LOGS: readonly Log[] = [];
const NO_STORAGE = new Map<string, Uint8Array>();

/** A receipt over its logs' bytes (record layout: assembly/evm/logs.ts). */
class EvmReceipt implements Receipt {
  readonly type: number;
  readonly status: boolean;
  readonly gasUsed: bigint;
  readonly cumulativeGasUsed: bigint;
  readonly logsBloom: Uint8Array;
  #bytes: Uint8Array | undefined;
  #logs: readonly Log[] = NO_LOGS;

  constructor(
    type: number,
    status: boolean,
    gasUsed: bigint,
    cumulativeGasUsed: bigint,
    logsBloom: Uint8Array,
    logBytes: Uint8Array | undefined,
  ) {
    this.type = type;
    this.status = status;
    this.gasUsed = gasUsed;
    this.cumulativeGasUsed = cumulativeGasUsed;
    this.logsBloom = logsBloom;
    this.#bytes = logBytes;
  }

  get logs(): readonly Log[] {
    if (this.#bytes !== undefined) {
      this.#logs = readLogs(this.#bytes);
      this.#bytes = undefined;
    }
    return this.#logs;
  }
}

function readLogs(bytes: Uint8Array): Log[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const logs: Log[] = [];
  for (let at = 0; at < bytes.length; ) {
    const topicCount = view.getUint32(at + 24, true);
    const dataBytes = view.getUint32(at + 28, true);
    const data = at + 32 + 32 * topicCount;
    const topics: Uint8Array[] = [];
    for (let t = at + 32; t < data; t += 32) topics.push(bytes.subarray(t, t + 32));
    logs.push({
      address: bytes.subarray(at, at + 20),
      topics,
      data: bytes.subarray(data, data + dataBytes),
    });
    at = (data + dataBytes + 7) & ~7;
  }
  return logs;
}

/** The receipts of `count` results (record layout: assembly/evm/transaction.ts). */
export function readReceipts(machine: Machine, results: number, count: number): Receipt[] {
  const { view } = machine;
  const recordBytes = machine.evm.resultBytes();
  const receipts: Receipt[] = [];
  let cumulative = 0n;
  for (let i = 0, at = results; i < count; i++, at += recordBytes) {
    const gasUsed = view.getBigInt64(at + 8, true);
    cumulative += gasUsed;
    const logs = view.getUint32(at + 16, true);
    const logBytes = view.getUint32(at + 20, true) - logs;
    const bloom = view.getUint32(at + 28, true);
    const own = logBytes > 0 ? copyOf(machine, bloom, 256, logs, logBytes) : undefined;
    receipts.push(
      new EvmReceipt(
        view.getUint32(at + 4, true),
        view.getUint32(at, true) === 1,
        gasUsed,
        cumulative,
        own?.subarray(0, 256) ?? NO_BLOOM,
        own?.subarray(256),
      ),
    );
  }
  return receipts;
}

function copyOf(
  machine: Machine,
  first: number,
  firstBytes: number,
  second: number,
  secondBytes: number,
): Uint8Array {
  const own = new Uint8Array(firstBytes + secondBytes);
  own.set(machine.bytes.subarray(first, first + firstBytes));
  own.set(machine.bytes.subarray(second, second + secondBytes), firstBytes);
  return own;
}

const EXISTS = 1;
const NEW_CODE = 2;
const STORAGE_CLEARED = 4;
/** Bytes of a change before its slots (record layout: assembly/evm/locations.ts). */
const CHANGE_BYTES = 112;

/** Everything the block changed. */
export function readStateDiff(machine: Machine): StateDiff {
  const { view } = machine;
  const count = machine.evm.allocate(16);
  let at = machine.evm.collectChanges(count);
  const diff = new Map<string, AccountChange>();
  for (let left = view.getUint32(count, true); left > 0; left--) {
    const slots = view.getUint32(at, true);
    const flags = view.getUint32(at + 4, true);
    const storage = slots === 0 ? NO_STORAGE : new Map<string, Uint8Array>();
    const end = at + CHANGE_BYTES + 64 * slots;
    for (let s = at + CHANGE_BYTES; s < end; s += 64) {
      storage.set(machine.hex(s, 32), machine.own(s + 32, 32));
    }
    const account =
      flags & EXISTS
        ? {
            nonce: view.getBigUint64(at + 40, true),
            balance: machine.getWord(at + 48),
            codeHash: machine.own(at + 80, 32),
          }
        : undefined;
    const change = { account, storageCleared: (flags & STORAGE_CLEARED) !== 0, storage };
    const code =
      flags & NEW_CODE
        ? machine.own(view.getUint32(at + 12, true), view.getUint32(at + 8, true))
        : undefined;
    diff.set(machine.hex(at + 16, 20), code === undefined ? change : { ...change, code });
    at = end;
  }
  return diff;
}
