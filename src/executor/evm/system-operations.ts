/**
 * What a block does to the state besides its transactions: system writes and calls (EIP-2935, 4788, 7002, 7251), deposit requests (EIP-6110),
 * withdrawals (EIP-4895) and, before Paris, rewards (Yellow Paper §11.3).
 *
 * @module
 */
import { forkAtLeast } from "../../chains/ethereum/forks.ts";
import type { ExecutableBlock } from "../executor.ts";
import { bytesToBigint } from "./bytes.ts";
import type { Machine } from "./machine.ts";
import type { EvmReceipt } from "./receipts.ts";
import { blockReward } from "./rewards.ts";

const fromHex = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));

const BEACON_ROOTS = fromHex("000f3df6d732807ef1319fb7b8bb8522d0beac02");
const HISTORY_STORAGE = fromHex("0000f90827f1c53a10cb7a02335b175320002935");
const WITHDRAWAL_REQUESTS = fromHex("00000961ef480eb55e80d19ad83579a64c007002");
const CONSOLIDATION_REQUESTS = fromHex("0000bbddc7ce488642fb579f8b00f3a590007251");
/** Mainnet's deposit contract and the topic of its `DepositEvent`. */
const DEPOSIT_CONTRACT = fromHex("00000000219ab540356cbb839cbe05303d7705fa");
const DEPOSIT_TOPIC = fromHex("649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5");
/** ABI offset, where its length stands, and size of a deposit's fields: key, credentials, amount, signature, index (EIP-6110). */
const DEPOSIT_FIELDS = [
  [160, 48],
  [256, 32],
  [320, 8],
  [384, 96],
  [512, 8],
] as const;
const DEPOSIT_LOG_BYTES = 576;
/** Slots of both ring buffers (EIP-2935 HISTORY_SERVE_WINDOW, EIP-4788 HISTORY_BUFFER_LENGTH). */
const RING_LENGTH = 8191n;
const WEI_PER_GWEI = 1_000_000_000n;

/** Calls a system contract; its output, or "failed" where that makes the block invalid, or `undefined` where there is none. */
function systemCall(machine: Machine, address: Uint8Array): Uint8Array | "failed" | undefined {
  const { evm, bytes } = machine;
  const at = evm.allocate(20);
  bytes.set(address, at);
  const status = evm.systemCall(at, at, 0);
  if (status < 0) return undefined;
  return status === 0 ? "failed" : machine.own(evm.returnData(), evm.returnDataBytes());
}

function credit(machine: Machine, address: Uint8Array, amount: bigint): void {
  const at = machine.evm.allocate(64);
  machine.bytes.set(address, at + 32);
  machine.setWord(at, amount);
  machine.evm.credit(at + 32, at);
}

/** A slot written before the first transaction. */
export interface SystemWrite {
  readonly contract: Uint8Array;
  readonly slot: bigint;
  readonly value: bigint;
}

/** The write that the contract's own code would make for the system caller; nothing where no code is deployed. */
function storeSlot(
  machine: Machine,
  contract: Uint8Array,
  slot: bigint,
  value: bigint,
): SystemWrite[] {
  const at = machine.evm.allocate(96);
  machine.setWord(at, slot);
  machine.setWord(at + 32, value);
  machine.bytes.set(contract, at + 64);
  return machine.evm.storeSystemSlot(at + 64, at, at + 32) ? [{ contract, slot, value }] : [];
}

/** Before the first transaction: the parent's beacon root and block hash. */
export function beginBlock(machine: Machine, block: ExecutableBlock): SystemWrite[] {
  const { fork, parentBeaconBlockRoot, parentHash, number, timestamp } = block.environment;
  const writes: SystemWrite[] = [];
  const store = (contract: Uint8Array, slot: bigint, value: bigint): void => {
    writes.push(...storeSlot(machine, contract, slot, value));
  };
  if (forkAtLeast(fork, "cancun") && parentBeaconBlockRoot !== undefined) {
    const index = timestamp % RING_LENGTH;
    store(BEACON_ROOTS, index, timestamp);
    store(BEACON_ROOTS, index + RING_LENGTH, bytesToBigint(parentBeaconBlockRoot));
  }
  if (forkAtLeast(fork, "prague") && number > 0n) {
    store(HISTORY_STORAGE, (number - 1n) % RING_LENGTH, bytesToBigint(parentHash));
  }
  return writes;
}

/** Outputs of the system calls in order of request type, or the type of the one that failed. */
export type BlockEnd =
  | { readonly ok: true; readonly outputs: readonly (Uint8Array | undefined)[] }
  | { readonly ok: false; readonly failed: number };

const REQUEST_CONTRACTS = [
  [1, WITHDRAWAL_REQUESTS],
  [2, CONSOLIDATION_REQUESTS],
] as const;

/** After the last transaction: withdrawals or rewards, then system calls. */
export function endBlock(machine: Machine, block: ExecutableBlock): BlockEnd {
  const { fork } = block.environment;
  if (forkAtLeast(fork, "shanghai")) {
    for (const { address, amount } of block.withdrawals) {
      credit(machine, address, amount * WEI_PER_GWEI);
    }
  }
  if (!forkAtLeast(fork, "paris")) payRewards(machine, block);
  if (!forkAtLeast(fork, "prague")) return { ok: true, outputs: [] };
  const outputs: (Uint8Array | undefined)[] = [];
  for (const [type, contract] of REQUEST_CONTRACTS) {
    const output = systemCall(machine, contract);
    if (output === "failed") return { ok: false, failed: type };
    outputs.push(output);
  }
  return { ok: true, outputs };
}

/** The non-empty requests in order of type, or the rule that the block breaks. */
export type Requests =
  | { readonly ok: true; readonly requests: readonly Uint8Array[] }
  | { readonly ok: false; readonly reason: string };

/** The block's requests (EIP-7685) out of its receipts, where they may hold deposits, and what `endBlock` has returned. */
export function requestsOf(
  block: ExecutableBlock,
  end: BlockEnd,
  receipts: readonly EvmReceipt[],
  mayHoldDeposits: boolean,
): Requests {
  if (!forkAtLeast(block.environment.fork, "prague")) return { ok: true, requests: [] };
  const deposits = mayHoldDeposits ? depositsOf(receipts) : new Uint8Array(0);
  if (deposits === undefined) {
    const reason = "deposit log (EIP-6110): expected the contract's layout, got another";
    return { ok: false, reason };
  }
  if (!end.ok) {
    const reason = `system call of request type ${end.failed}: expected success, got failure`;
    return { ok: false, reason };
  }
  const requests: Uint8Array[] = [];
  for (const [type, data] of [deposits, ...end.outputs].entries()) {
    if (data === undefined || data.length === 0) continue;
    const request = new Uint8Array(data.length + 1);
    request[0] = type;
    request.set(data, 1);
    requests.push(request);
  }
  return { ok: true, requests };
}

/** Rewards of the miner and of each ommer's miner. */
function payRewards(machine: Machine, block: ExecutableBlock): void {
  const reward = blockReward(block.environment.fork);
  for (const ommer of block.ommers) {
    const distance = block.environment.number - ommer.number;
    credit(machine, ommer.coinbase, ((8n - distance) * reward) / 8n);
  }
  const nephewBonus = (reward / 32n) * BigInt(block.ommers.length);
  credit(machine, block.environment.coinbase, reward + nephewBonus);
}

/** All deposits of the block, one after the other; `undefined` where a log is not laid out as the contract does. */
function depositsOf(receipts: readonly EvmReceipt[]): Uint8Array | undefined {
  const deposits: Uint8Array[] = [];
  for (const receipt of receipts) {
    for (const data of receipt.logDataOf(DEPOSIT_CONTRACT, DEPOSIT_TOPIC)) {
      if (!isDepositLayout(data)) return undefined;
      for (const [offset, size] of DEPOSIT_FIELDS)
        deposits.push(data.subarray(offset + 32, offset + 32 + size));
    }
  }
  return Uint8Array.from(Buffer.concat(deposits));
}

function isDepositLayout(data: Uint8Array): boolean {
  if (data.length !== DEPOSIT_LOG_BYTES) return false;
  return DEPOSIT_FIELDS.every(([offset, size], i) => {
    const pointer = bytesToBigint(data.subarray(32 * i, 32 * i + 32));
    const length = bytesToBigint(data.subarray(offset, offset + 32));
    return pointer === BigInt(offset) && length === BigInt(size);
  });
}
