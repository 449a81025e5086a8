/**
 * The transactions of a generated chain: deployments first, then a seeded mix of all types: plain and token transfers, swaps,
 * batches through EIP-7702, blobs, contract creations, and a few that revert.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { encodeCall, encodeCreation, encodeTransfer, padStart } from "./abi.ts";
import { createAccounts, type TestAccount } from "./accounts.ts";
import { creationAddress } from "./chain-state.ts";
import { Account, Pair, PriceOracle, Router, Token } from "./generated/contracts.ts";
import { mappingSlot, UNLIMITED } from "./layout.ts";
import { createRandom } from "./random.ts";
import { createSigner } from "./signer.ts";
import { createTransactionSigner, type TransactionDescription } from "./transactions.ts";

/** A signed transaction with what a block's maker knows about it. */
export interface SignedTransaction {
  readonly raw: Uint8Array;
  /** 20 bytes */
  readonly sender: Uint8Array;
  /** Who signed each EIP-7702 authorisation, in order. */
  readonly authorities: readonly Uint8Array[];
  readonly blobs: number;
}

/** Transactions of one seed, in the order that they have to be mined in. */
export interface Traffic {
  /** Accounts to fund before the first block. */
  readonly funded: readonly Uint8Array[];
  /** What the first block holds: contracts, balances, allowances. */
  deployments(baseFeePerGas: bigint): SignedTransaction[];
  /** The next `count` transactions, for a block with this base fee. */
  next(count: number, baseFeePerGas: bigint): SignedTransaction[];
}

const USERS = 240;
/** Users with allowances for the router. */
const TRADERS = 8;
/** Users with code of their own (EIP-7702): they receive nothing, since a plain transfer does not pay for running code. */
const SMART = 16;
const MINT_CHUNK = 80;
/** Blobs that a generated block carries at most: Prague's target. */
const MOST_BLOBS = 6;
const GWEI = 1_000_000_000n;
const PURSE = 10n ** 24n;
const NO_DEADLINE = (1n << 64n) - 1n;
const GAS = {
  plain: 21_000,
  token: 75_000,
  swap: 250_000,
  batch: 300_000,
  deploy: 4_000_000,
  mint: 8_000_000,
};

/** Weights of the mix, in hundredths. */
const MIX = [
  [30, "token"],
  [20, "legacy"],
  [4, "unprotected"],
  [12, "accessList"],
  [14, "plain"],
  [8, "swap"],
  [4, "batch"],
  [3, "blob"],
  [3, "deploy"],
  [2, "revert"],
] as const;
type Kind = (typeof MIX)[number][1];
/** Each kind as often as its weight says. */
const DECK = MIX.flatMap(([weight, kind]): Kind[] => Array(weight).fill(kind));

/** A description without what the traffic fills in. */
type Part<Transaction> = Transaction extends TransactionDescription
  ? Omit<
      Transaction,
      | "nonce"
      | "chainId"
      | "gasPrice"
      | "maxFeePerGas"
      | "maxPriorityFeePerGas"
      | "maxFeePerBlobGas"
    > & { readonly unprotected?: true }
  : never;

/** Traffic for the chain of this id. */
export function createTraffic(seed: string | number, chainId: number): Traffic {
  const random = createRandom(`chain ${seed}`);
  const signer = createTransactionSigner(createSigner({ seed: `chain ${seed}` }));
  const [operator, ...users] = createAccounts(`chain ${seed}`, 1 + USERS);
  const smart = users.slice(USERS - SMART);
  const people = users.slice(0, USERS - SMART);
  const traders = people.slice(0, TRADERS);
  const nonces = new Map<TestAccount, number>();
  let deployed = 0;
  const place = (): Uint8Array => creationAddress(operator.address, deployed++);
  const [dollar, euro, router, pair, account] = [place(), place(), place(), place(), place()];

  /** Fills in nonce and fees, and signs. */
  function seal(
    from: TestAccount,
    part: Part<TransactionDescription>,
    baseFeePerGas: bigint,
  ): SignedTransaction {
    const nonce = nonces.get(from) ?? 0;
    const own = part.type === 4 ? part.authorizationList.length : 0;
    nonces.set(from, nonce + 1 + own);
    const tip = GWEI / 10n + BigInt(random.below(1000)) * 1_000_000n;
    const { unprotected, ...fields } = part;
    const transaction = {
      ...fields,
      nonce,
      ...(unprotected ? {} : { chainId }),
      ...(part.type < 2
        ? { gasPrice: baseFeePerGas + tip }
        : { maxFeePerGas: 2n * baseFeePerGas + tip, maxPriorityFeePerGas: tip }),
      ...(part.type === 3 ? { maxFeePerBlobGas: GWEI } : {}),
    } as TransactionDescription;
    return {
      raw: signer.sign(transaction, from),
      sender: from.address,
      authorities: part.type === 4 ? part.authorizationList.map(() => from.address) : [],
      blobs: part.type === 3 ? part.blobVersionedHashes.length : 0,
    };
  }

  const transferAmount = (): number => 1 + random.below(1_000_000_000);

  /** Slots that a transfer touches. */
  const transferSlots = (from: TestAccount, to: TestAccount): Uint8Array[] =>
    [from, to].map(({ address }) => mappingSlot(address, Token.slots._balances));

  function make(kind: Kind, baseFee: bigint, blobsLeft: number): SignedTransaction {
    const from = random.pick(people);
    const to = random.pick(people);
    const plain = { to: to.address, value: transferAmount(), gasLimit: GAS.plain };
    const data = encodeTransfer(to.address, transferAmount());
    const token = { to: random.below(4) === 0 ? euro : dollar, data, gasLimit: GAS.token };
    switch (kind) {
      case "token":
        return seal(from, { type: 2, ...token }, baseFee);
      case "legacy":
        return seal(from, { type: 0, ...plain }, baseFee);
      case "unprotected":
        return seal(from, { type: 0, ...plain, unprotected: true }, baseFee);
      case "accessList": {
        const accessList = [{ address: token.to, storageKeys: transferSlots(from, to) }];
        return seal(from, { type: 1, ...token, accessList }, baseFee);
      }
      case "plain":
        return seal(from, { type: 2, ...plain }, baseFee);
      case "swap": {
        const trader = random.pick(traders);
        const sold = random.below(2) === 0 ? dollar : euro;
        const call = encodeCall(
          Router,
          "swap(address[],address,uint256,uint256,address,uint256)",
          ...[[pair], sold, transferAmount(), 1, trader.address, NO_DEADLINE],
        );
        return seal(trader, { type: 2, to: router, data: call, gasLimit: GAS.swap }, baseFee);
      }
      case "batch":
        return batch(baseFee);
      case "blob": {
        const count = Math.min(blobsLeft, 1 + random.below(2));
        if (count === 0) return seal(from, { type: 2, ...plain }, baseFee);
        const blobVersionedHashes = Array.from({ length: count }, () => {
          const hash = sha256(random.bytes(48));
          hash[0] = 1; // VERSIONED_HASH_VERSION_KZG
          return hash;
        });
        return seal(from, { type: 3, ...plain, blobVersionedHashes }, baseFee);
      }
      case "deploy": {
        const creation = encodeCreation(PriceOracle, 1 + random.below(1_000_000));
        return seal(
          from,
          { type: 2, to: undefined, data: creation, gasLimit: GAS.deploy },
          baseFee,
        );
      }
      case "revert":
        return seal(
          from,
          {
            type: 2,
            to: dollar,
            data: encodeCall(Token, "transfer(address,uint256)", to.address, UNLIMITED),
            gasLimit: GAS.token,
          },
          baseFee,
        );
    }
  }

  /** An account takes on code and pays two others with one transaction. */
  function batch(baseFee: bigint): SignedTransaction {
    const from = random.pick(smart);
    const calls = [random.pick(people), random.pick(people)].map(({ address }) => ({
      tuple: [dollar, 0, { bytes: encodeTransfer(address, transferAmount()) }],
    }));
    const data = encodeCall(Account, "run((address,uint256,bytes)[])", calls);
    // The authorisation is looked at after the sender's nonce went up.
    const nonce = (nonces.get(from) ?? 0) + 1;
    const authorizationList = [signer.authorize({ chainId, address: account, nonce }, from)];
    const part = {
      type: 4,
      to: from.address,
      data,
      gasLimit: GAS.batch,
      authorizationList,
    } as const;
    return seal(from, part, baseFee);
  }

  return {
    funded: [operator, ...users].map(({ address }) => address),
    deployments(baseFee) {
      const create = (creation: Uint8Array) =>
        seal(operator, { type: 2, to: undefined, data: creation, gasLimit: GAS.deploy }, baseFee);
      const call = (from: TestAccount, to: Uint8Array, data: Uint8Array, gasLimit: number) =>
        seal(from, { type: 2, to, data, gasLimit }, baseFee);
      const transactions = [
        create(encodeCreation(Token, "Lanewise Dollar", "LWD")),
        create(encodeCreation(Token, "Lanewise Euro", "LWE")),
        create(encodeCreation(Router)),
        create(encodeCreation(Pair, dollar, euro)),
        create(encodeCreation(Account)),
      ];
      const holders = [...users.map(({ address }) => address), pair];
      for (const token of [dollar, euro]) {
        for (let start = 0; start < holders.length; start += MINT_CHUNK) {
          const chunk = holders.slice(start, start + MINT_CHUNK);
          const mint = encodeCall(Token, "mint(address[],uint256)", chunk, PURSE);
          transactions.push(call(operator, token, mint, GAS.mint));
        }
        const approve = encodeCall(Token, "approve(address,uint256)", router, UNLIMITED);
        for (const trader of traders) transactions.push(call(trader, token, approve, GAS.token));
      }
      const deposit = encodeCall(Pair, "deposit(address)", padStart(operator.address));
      transactions.push(call(operator, pair, deposit, GAS.swap));
      return transactions;
    },
    next(count, baseFee) {
      let blobsLeft = MOST_BLOBS;
      return Array.from({ length: count }, () => {
        const transaction = make(random.pick(DECK), baseFee, blobsLeft);
        blobsLeft -= transaction.blobs;
        return transaction;
      });
    },
  };
}
