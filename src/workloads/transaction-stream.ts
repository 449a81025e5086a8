/**
 * An endless seeded stream of signed transactions that stand in no block: token and plain transfers of types 0, 1 and 2.
 *
 * Made one at a time from a fixed set of accounts, so that a million of them take no more memory than one.
 *
 * @module
 */
import { encodeTransfer } from "./abi.ts";
import { createAccounts } from "./accounts.ts";
import { createRandom } from "./random.ts";
import { createSigner } from "./signer.ts";
import { createTransactionSigner, type TransactionDescription } from "./transactions.ts";

/** What to generate. */
export interface TransactionStreamOptions {
  readonly seed?: string | number;
  readonly count: number;
  /** 1 unless told. */
  readonly chainId?: number;
  /** Senders and receivers; 1 000 unless told. */
  readonly accounts?: number;
}

const GWEI = 1_000_000_000;
const PLAIN_GAS = 21_000;
const TOKEN_GAS = 65_000;
const NO_DATA = new Uint8Array(0);

/** Generates `count` transactions; equal options give equal bytes, and a longer stream begins with the shorter one. */
export function* generateTransactions(options: TransactionStreamOptions): Generator<Uint8Array> {
  const { seed = 0, count, chainId = 1, accounts: accountCount = 1000 } = options;
  const random = createRandom(`stream ${seed}`);
  const accounts = createAccounts(`stream ${seed}`, accountCount);
  const nonces = new Uint32Array(accountCount);
  const token = random.bytes(20);
  const { sign } = createTransactionSigner(createSigner({ seed: `stream ${seed}` }));
  for (let i = 0; i < count; i++) {
    const sender = random.below(accountCount);
    const receiver = accounts[random.below(accountCount)].address;
    const amount = random.u32();
    const tip = random.below(GWEI);
    const nonce = nonces[sender]++;
    const roll = random.below(10);
    const call =
      roll < 5
        ? { to: token, data: encodeTransfer(receiver, amount), gasLimit: TOKEN_GAS }
        : { to: receiver, value: amount, data: NO_DATA, gasLimit: PLAIN_GAS };
    let transaction: TransactionDescription;
    if (roll < 4 || roll > 7) {
      const fees = { maxFeePerGas: 100 * GWEI + tip, maxPriorityFeePerGas: tip };
      transaction = { type: 2, chainId, nonce, ...call, ...fees };
    } else if (roll < 6) {
      const accessList = [{ address: call.to, storageKeys: [] }];
      const gasLimit = call.gasLimit + 2_400; // EIP-2930's price of an address
      transaction = {
        type: 1,
        chainId,
        nonce,
        ...call,
        gasLimit,
        gasPrice: GWEI + tip,
        accessList,
      };
    } else {
      transaction = { type: 0, chainId, nonce, ...call, gasPrice: GWEI + tip };
    }
    yield sign(transaction, accounts[sender]);
  }
}
