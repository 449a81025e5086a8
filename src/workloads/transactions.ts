/**
 * Transactions from plain descriptions to signed bytes: legacy (before and after EIP-155), EIP-2930, EIP-1559, EIP-4844 in its
 * canonical form, EIP-7702.
 *
 * @module
 */
import type { TestAccount } from "./accounts.ts";
import { HEADER_BYTES, type Quantity, RlpWriter } from "./rlp-writer.ts";
import type { Signer } from "./signer.ts";

/** Slots a transaction announces (EIP-2930). */
export interface AccessListEntry {
  readonly address: Uint8Array;
  readonly storageKeys: readonly Uint8Array[];
}

/** An authority's consent to run a contract's code (EIP-7702), signed. */
export interface Authorization {
  /** Zero means any chain. */
  readonly chainId: Quantity;
  readonly address: Uint8Array;
  readonly nonce: Quantity;
  readonly yParity: number;
  readonly r: Uint8Array;
  readonly s: Uint8Array;
}

interface Common {
  readonly nonce: Quantity;
  /** 20 bytes; `undefined` creates a contract. */
  readonly to?: Uint8Array | undefined;
  /** wei */
  readonly value?: Quantity;
  readonly data?: Uint8Array;
  readonly gasLimit: Quantity;
}

/** Type 0; with `chainId` the signature is bound to a chain (EIP-155). */
export interface LegacyTransaction extends Common {
  readonly type: 0;
  readonly chainId?: Quantity;
  /** wei */
  readonly gasPrice: Quantity;
}

/** Type 1 (EIP-2930). */
export interface AccessListTransaction extends Common {
  readonly type: 1;
  readonly chainId: Quantity;
  readonly gasPrice: Quantity;
  readonly accessList?: readonly AccessListEntry[];
}

interface FeeMarket extends Common {
  readonly chainId: Quantity;
  /** wei */
  readonly maxFeePerGas: Quantity;
  /** wei */
  readonly maxPriorityFeePerGas: Quantity;
  readonly accessList?: readonly AccessListEntry[];
}

/** Type 2 (EIP-1559). */
export interface FeeMarketTransaction extends FeeMarket {
  readonly type: 2;
}

/** Type 3 (EIP-4844), without its sidecar. */
export interface BlobTransaction extends FeeMarket {
  readonly type: 3;
  readonly to: Uint8Array;
  readonly maxFeePerBlobGas: Quantity;
  readonly blobVersionedHashes: readonly Uint8Array[];
}

/** Type 4 (EIP-7702). */
export interface SetCodeTransaction extends FeeMarket {
  readonly type: 4;
  readonly to: Uint8Array;
  readonly authorizationList: readonly Authorization[];
}

/** A transaction before it is signed. */
export type TransactionDescription =
  | LegacyTransaction
  | AccessListTransaction
  | FeeMarketTransaction
  | BlobTransaction
  | SetCodeTransaction;

const EMPTY = new Uint8Array(0);

function writeAccessList(writer: RlpWriter, list: readonly AccessListEntry[] = []): void {
  writer.list(() => {
    for (const { address, storageKeys } of list) {
      writer.list(() => {
        writer.string(address);
        writer.list(() => {
          for (const key of storageKeys) writer.string(key);
        });
      });
    }
  });
}

function writeAuthorization(writer: RlpWriter, authorization: Authorization): void {
  writer.list(() => {
    writer.integer(authorization.chainId);
    writer.string(authorization.address);
    writer.integer(authorization.nonce);
    writer.integer(authorization.yParity);
    writer.word(authorization.r);
    writer.word(authorization.s);
  });
}

function writeDestination(writer: RlpWriter, transaction: Common): void {
  writer.integer(transaction.gasLimit);
  writer.string(transaction.to ?? EMPTY);
  writer.integer(transaction.value ?? 0);
  writer.string(transaction.data ?? EMPTY);
}

/** The fields that come before the signature. */
function writeFields(writer: RlpWriter, transaction: TransactionDescription): void {
  if (transaction.type === 0) {
    writer.integer(transaction.nonce);
    writer.integer(transaction.gasPrice);
    writeDestination(writer, transaction);
    return;
  }
  writer.integer(transaction.chainId);
  writer.integer(transaction.nonce);
  if (transaction.type === 1) {
    writer.integer(transaction.gasPrice);
  } else {
    writer.integer(transaction.maxPriorityFeePerGas);
    writer.integer(transaction.maxFeePerGas);
  }
  writeDestination(writer, transaction);
  writeAccessList(writer, transaction.accessList);
  if (transaction.type === 3) {
    writer.integer(transaction.maxFeePerBlobGas);
    writer.list(() => {
      for (const hash of transaction.blobVersionedHashes) writer.string(hash);
    });
  } else if (transaction.type === 4) {
    writer.list(() => {
      for (const authorization of transaction.authorizationList)
        writeAuthorization(writer, authorization);
    });
  }
}

/** Signs transactions and authorisations into fresh byte arrays. */
export interface TransactionSigner {
  /** The signed transaction, as a block carries it. */
  sign(transaction: TransactionDescription, account: TestAccount): Uint8Array;
  /** Lets `address`'s code run as the account (EIP-7702). */
  authorize(
    authorization: Pick<Authorization, "chainId" | "address" | "nonce">,
    account: TestAccount,
  ): Authorization;
}

/** Domain byte of an EIP-7702 authorisation. */
const AUTHORIZATION_MAGIC = 0x05;

/** Room in front of the fields for the list header and the type. */
const HEADROOM_BYTES = HEADER_BYTES + 1;

/** Encodes and signs with one scratch buffer: the fields are written once, hashed, and the signature is put behind them. */
export function createTransactionSigner(signer: Signer): TransactionSigner {
  const writer = new RlpWriter(4096);
  /** Closes the envelope; gives where it begins. */
  const envelope = (type: number): number => {
    const start = writer.prefixList(HEADROOM_BYTES);
    return type === 0 ? start : writer.prefixByte(start, type);
  };
  return {
    sign(transaction, account) {
      writer.reset(HEADROOM_BYTES);
      writeFields(writer, transaction);
      const fieldsEnd = writer.position;
      const replayBound = transaction.type === 0 && transaction.chainId !== undefined;
      if (replayBound) {
        // EIP-155 signs the chain's id where the signature will stand.
        writer.integer(transaction.chainId);
        writer.integer(0);
        writer.integer(0);
      }
      const digest = signer.keccak256(writer.view(envelope(transaction.type)));
      const { r, s, yParity } = signer.sign(digest, account);
      writer.reset(fieldsEnd);
      if (replayBound) writer.integer(35n + 2n * BigInt(transaction.chainId) + BigInt(yParity));
      else writer.integer(transaction.type === 0 ? 27 + yParity : yParity);
      writer.word(r);
      writer.word(s);
      return writer.bytes(envelope(transaction.type));
    },
    authorize({ chainId, address, nonce }, account) {
      writer.reset(HEADROOM_BYTES);
      writer.integer(chainId);
      writer.string(address);
      writer.integer(nonce);
      const start = writer.prefixByte(writer.prefixList(HEADROOM_BYTES), AUTHORIZATION_MAGIC);
      const { r, s, yParity } = signer.sign(signer.keccak256(writer.view(start)), account);
      return { chainId, address, nonce, yParity, r, s: s.slice() };
    },
  };
}
