/** Blocks of one call a sender, for tests of what contracts do side by side. @module */
import type { Fork } from "../../../src/chains/ethereum/forks.ts";
import type { ExecutableBlock } from "../../../src/executor/index.ts";
import { createMemoryState } from "../../../src/state/memory.ts";
import type { StateSource } from "../../../src/state/source.ts";
import type { TestAccount } from "../../../src/workloads/accounts.ts";
import { createChainState } from "../../../src/workloads/chain-state.ts";
import type { createTransactionSigner } from "../../../src/workloads/transactions.ts";

/** A transaction: the first of its sender. */
export interface Call {
  readonly to: Uint8Array;
  readonly data: Uint8Array;
  readonly value?: number;
  readonly gasLimit?: number;
}

/** What the calls of a block have in common. */
export interface CallOptions {
  readonly fork: Fork;
  readonly blockGasLimit: bigint;
  /** Gas limit of a call that names none. */
  readonly gasLimit: number;
  readonly accounts: readonly TestAccount[];
  readonly signer: ReturnType<typeof createTransactionSigner>;
  readonly codes: Iterable<readonly [address: Uint8Array, code: Uint8Array]>;
}

/** A block of the calls, each by the account at its index, and the state before it. */
export function blockOfCalls(
  calls: readonly Call[],
  { fork, blockGasLimit, gasLimit, accounts, signer, codes }: CallOptions,
): { block: ExecutableBlock; state: StateSource } {
  const state = createChainState();
  for (const { address } of accounts) state.fund(address, 10n ** 20n);
  for (const [address, code] of codes) state.setCode(address, code);
  const fees = { chainId: 1, maxFeePerGas: 2000, maxPriorityFeePerGas: 10 };
  const transactions = calls.map((call, i) =>
    signer.sign({ type: 2, nonce: 0, value: 0, gasLimit, ...call, ...fees }, accounts[i]),
  );
  const senders = new Uint8Array(20 * calls.length);
  for (let i = 0; i < calls.length; i++) senders.set(accounts[i].address, 20 * i);
  const block: ExecutableBlock = {
    environment: {
      fork,
      chainId: 1n,
      number: 270n,
      timestamp: 1_000_000n,
      gasLimit: blockGasLimit,
      coinbase: new Uint8Array(20).fill(0xcb),
      difficulty: 0n,
      prevRandao: new Uint8Array(32),
      baseFeePerGas: 1000n,
      excessBlobGas: 0n,
      parentBeaconBlockRoot: new Uint8Array(32),
      parentHash: new Uint8Array(32),
    },
    transactions,
    senders,
    authorities: new Uint8Array(0),
    withdrawals: [],
    ommers: [],
  };
  return { block, state: createMemoryState(state.snapshot()) };
}
