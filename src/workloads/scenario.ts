/**
 * What a scenario is made of: it deploys contracts and lays out balances through a {@link Stage}, and plans transactions.
 *
 * @module
 */
import type { AbiValue } from "./abi.ts";
import type { TestAccount } from "./accounts.ts";
import type { ChainState } from "./chain-state.ts";
import type { CompiledContract } from "./generated/contracts.ts";
import type { Random } from "./random.ts";
import type { Quantity } from "./rlp-writer.ts";
import type { Signature } from "./signer.ts";

/** A transaction without what the chain decides: nonce, fees and signature. */
export interface PlannedTransaction {
  readonly from: TestAccount;
  readonly to: Uint8Array;
  readonly value?: Quantity;
  readonly data?: Uint8Array;
  readonly gasLimit: number;
}

/** Where a scenario sets itself up. */
export interface Stage {
  readonly random: Random;
  readonly chainId: number;
  /** Seconds since 1970 of the first block planned for. */
  readonly timestamp: number;
  /** The account that deploys and calls during the set-up; it may also send planned transactions. */
  readonly operator: TestAccount;
  /** Fresh accounts, each with 1 000 ether. */
  accounts(count: number): TestAccount[];
  /** Deploys a contract before the first block; gives its address. */
  deploy(contract: CompiledContract, ...values: AbiValue[]): Uint8Array;
  /** A call by the operator before the first block. */
  call(to: Uint8Array, data: Uint8Array): void;
  /** A direct change of the state before the first block, after every deployment and call; in the order asked for. */
  lay(change: (state: ChainState) => void): void;
  /** A signature over a digest, for messages that contracts check. */
  sign(digest: Uint8Array, account: TestAccount): Signature;
}

/** Sets itself up, then plans exactly `count` transactions that all succeed when run in order. */
export type Scenario = (stage: Stage, count: number) => PlannedTransaction[];
