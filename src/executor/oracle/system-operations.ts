/**
 * What a block does to the state besides its transactions: system writes and calls (EIP-2935, 4788, 6110, 7002, 7251),
 * withdrawals (EIP-4895) and, before Paris, rewards (Yellow Paper §11.3).
 *
 * @module
 */
import { Account, Address, bytesToUnprefixedHex, concatBytes, hexToBytes } from "@ethereumjs/util";
import type { VM } from "@ethereumjs/vm";
import type { BlockEnvironment, ExecutableBlock, Receipt } from "../executor.ts";

const WEI_PER_GWEI = 1_000_000_000n;
const SYSTEM_GAS = 30_000_000n;
/** Slots of both ring buffers (EIP-2935 HISTORY_SERVE_WINDOW, EIP-4788 HISTORY_BUFFER_LENGTH). */
const RING_LENGTH = 8191n;

const addressOf = (hex: `0x${string}`): Address => new Address(hexToBytes(hex));
const SYSTEM = addressOf("0xfffffffffffffffffffffffffffffffffffffffe");
const BEACON_ROOTS = addressOf("0x000f3df6d732807ef1319fb7b8bb8522d0beac02");
const HISTORY_STORAGE = addressOf("0x0000f90827f1c53a10cb7a02335b175320002935");
const WITHDRAWAL_REQUESTS = addressOf("0x00000961ef480eb55e80d19ad83579a64c007002");
const CONSOLIDATION_REQUESTS = addressOf("0x0000bbddc7ce488642fb579f8b00f3a590007251");
/** Mainnet's deposit contract and the topic of its `DepositEvent` (EIP-6110). */
const DEPOSIT_CONTRACT = "00000000219ab540356cbb839cbe05303d7705fa";
const DEPOSIT_TOPIC = "649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5";
/** ABI offsets and sizes of the five fields of a deposit: key, credentials, amount, signature, index. */
const DEPOSIT_FIELDS = [
  [160n, 48n],
  [256n, 32n],
  [320n, 8n],
  [384n, 96n],
  [512n, 8n],
] as const;
const DEPOSIT_LOG_BYTES = 576;

function word(value: bigint): Uint8Array {
  return Uint8Array.from(Buffer.from(value.toString(16).padStart(64, "0"), "hex"));
}

/** A write that the contract's own code would make for the system caller; skipped where no code is deployed. */
async function systemStore(
  vm: VM,
  contract: Address,
  slots: readonly (readonly [bigint, Uint8Array])[],
): Promise<void> {
  if ((await vm.stateManager.getCode(contract)).length === 0) return;
  for (const [slot, value] of slots) await vm.stateManager.putStorage(contract, word(slot), value);
}

/** Before the first transaction: the parent's beacon root and block hash. */
export async function beginBlock(vm: VM, environment: BlockEnvironment): Promise<void> {
  if (vm.common.isActivatedEIP(4788) && environment.parentBeaconBlockRoot !== undefined) {
    const index = environment.timestamp % RING_LENGTH;
    await systemStore(vm, BEACON_ROOTS, [
      [index, word(environment.timestamp)],
      [index + RING_LENGTH, environment.parentBeaconBlockRoot],
    ]);
  }
  if (vm.common.isActivatedEIP(2935) && environment.number > 0n) {
    await systemStore(vm, HISTORY_STORAGE, [
      [(environment.number - 1n) % RING_LENGTH, environment.parentHash],
    ]);
  }
  await vm.evm.journal.cleanup();
}

/** Adds to a balance, creating the account; a zero amount touches it (EIP-161). */
async function credit(vm: VM, address: Address, amount: bigint): Promise<void> {
  const account = (await vm.stateManager.getAccount(address)) ?? new Account();
  account.balance += amount;
  await vm.evm.journal.putAccount(address, account);
}

/** A call by the system account, which pays nothing and leaves no trace of itself. */
async function systemCall(vm: VM, contract: Address): Promise<Uint8Array | undefined> {
  if ((await vm.stateManager.getCode(contract)).length === 0) return undefined;
  const caller = await vm.stateManager.getAccount(SYSTEM);
  const { execResult } = await vm.evm.runCall({
    caller: SYSTEM,
    to: contract,
    gasLimit: SYSTEM_GAS,
  });
  await vm.stateManager.putAccount(SYSTEM, caller);
  vm.evm.journal.cleanJournal();
  vm.stateManager.originalStorageCache.clear();
  return execResult.exceptionError === undefined ? execResult.returnValue : undefined;
}

function bigEndian(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${bytesToUnprefixedHex(bytes)}`);
}

/** The packed deposit behind a log's ABI data; `undefined` where the layout is not the contract's. */
function depositOf(data: Uint8Array): Uint8Array | undefined {
  if (data.length !== DEPOSIT_LOG_BYTES) return undefined;
  const parts: Uint8Array[] = [];
  for (const [index, [offset, size]] of DEPOSIT_FIELDS.entries()) {
    const start = Number(offset);
    if (bigEndian(data.subarray(index * 32, index * 32 + 32)) !== offset) return undefined;
    if (bigEndian(data.subarray(start, start + 32)) !== size) return undefined;
    parts.push(data.subarray(start + 32, start + 32 + Number(size)));
  }
  return concatBytes(...parts);
}

/** Deposits of the receipts in order, or `undefined` where the contract logged something malformed. */
function depositsOf(receipts: readonly Receipt[]): Uint8Array | undefined {
  const deposits: Uint8Array[] = [];
  for (const { address, topics, data } of receipts.flatMap((receipt) => receipt.logs)) {
    if (bytesToUnprefixedHex(address) !== DEPOSIT_CONTRACT) continue;
    if (topics.length === 0 || bytesToUnprefixedHex(topics[0]) !== DEPOSIT_TOPIC) continue;
    const deposit = depositOf(data);
    if (deposit === undefined) return undefined;
    deposits.push(deposit);
  }
  return concatBytes(...deposits);
}

/** What {@link endBlock} found: the non-empty requests, or the rule that the block breaks. */
export type BlockEnd =
  | { readonly ok: true; readonly requests: readonly Uint8Array[] }
  | { readonly ok: false; readonly reason: string };

/** After the last transaction: withdrawals, rewards and requests, in that order. */
export async function endBlock(
  vm: VM,
  block: ExecutableBlock,
  receipts: readonly Receipt[],
): Promise<BlockEnd> {
  if (vm.common.isActivatedEIP(4895)) {
    for (const { address, amount } of block.withdrawals) {
      await credit(vm, new Address(address), amount * WEI_PER_GWEI);
    }
    await vm.evm.journal.cleanup();
  }
  if (vm.common.consensusType() === "pow") await payRewards(vm, block);
  const requests: Uint8Array[] = [];
  const add = (type: number, data: Uint8Array | undefined): void => {
    if (data !== undefined && data.length > 0)
      requests.push(concatBytes(Uint8Array.of(type), data));
  };
  if (vm.common.isActivatedEIP(6110)) {
    const deposits = depositsOf(receipts);
    if (deposits === undefined) {
      return {
        ok: false,
        reason: "deposit log (EIP-6110): expected the contract's layout, got another",
      };
    }
    add(0, deposits);
  }
  if (vm.common.isActivatedEIP(7002)) add(1, await systemCall(vm, WITHDRAWAL_REQUESTS));
  if (vm.common.isActivatedEIP(7251)) add(2, await systemCall(vm, CONSOLIDATION_REQUESTS));
  return { ok: true, requests };
}

/** Rewards of the miner and of each ommer's miner. */
async function payRewards(vm: VM, block: ExecutableBlock): Promise<void> {
  const reward = vm.common.param("minerReward");
  for (const ommer of block.ommers) {
    const distance = block.environment.number - ommer.number;
    await credit(vm, new Address(ommer.coinbase), ((8n - distance) * reward) / 8n);
  }
  const nephewBonus = (reward / 32n) * BigInt(block.ommers.length);
  await credit(vm, new Address(block.environment.coinbase), reward + nephewBonus);
}
