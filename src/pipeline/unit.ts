/**
 * A unit of work: one block, or a run of bare transactions, as it passes from stage to stage.
 *
 * @module
 */
import type { TransactionList } from "../chains/ethereum/index.ts";
import type { DecodedBlock } from "./block.ts";
import type { BlockReport, Depth, Failure } from "./report.ts";

/** Roots of a block's ordered tries. */
export interface BodyRoots {
  readonly transactions: Uint8Array;
  /** Where the block has withdrawals and its header their root. */
  readonly withdrawals: Uint8Array | undefined;
}

/** What decoding and the kernels found out about one input; each stage fills its part. */
export interface Unit {
  readonly label: string;
  /** `undefined` for bare transactions. */
  readonly block: DecodedBlock | undefined;
  readonly list: TransactionList;
  /** Index that reports give to the first transaction. */
  readonly firstIndex: number;
  /** 32 bytes per transaction; empty where nobody claims to know any. Filled by the hash stage. */
  readonly transactionHashes: Uint8Array;
  /** keccak256 of the header; zero for bare transactions. Filled by the hash stage. */
  readonly blockHash: Uint8Array;
  /** 20 bytes per transaction: zero where there is none. Filled by the recover stage. */
  readonly senders: Uint8Array;
  /** One verdict per transaction: the decoder's, else the signature's. Filled by the recover stage. */
  readonly verdicts: Uint32Array;
  /** 20 bytes per authorisation (EIP-7702), zero where its signature is invalid. Filled by the recover stage. */
  readonly authorities: Uint8Array;
  /** Filled when first asked for, see `bodyRootsOf`. */
  bodyRoots: BodyRoots | undefined;
  /** In the order found. Filled by the stages from check on. */
  readonly failures: Failure[];
}

/** A unit whose stages are still to come. */
export function createUnit(
  label: string,
  list: TransactionList,
  block: DecodedBlock | undefined,
  firstIndex = 0,
): Unit {
  const claimsHashes = block?.claims.some(({ hash }) => hash !== undefined) === true;
  return {
    label,
    block,
    list,
    firstIndex,
    transactionHashes: new Uint8Array(claimsHashes ? 32 * list.count : 0),
    blockHash: new Uint8Array(32),
    senders: new Uint8Array(20 * list.count),
    verdicts: new Uint32Array(list.count),
    authorities: new Uint8Array(20 * list.authorizationCount),
    bodyRoots: undefined,
    failures: [],
  };
}

/** How reports name the unit: the block's number, else the source. */
export function unitName(unit: Unit): string {
  return unit.block === undefined ? unit.label : unit.block.header.number.toString();
}

/** The verdict on a unit that has passed all stages. */
export function unitReport(
  unit: Unit,
  executed: { readonly depth: Depth; readonly note: string },
): BlockReport {
  return {
    label: unit.label,
    kind: unit.block === undefined ? "transactions" : "block",
    number: unit.block?.header.number,
    hash: unit.block === undefined ? undefined : unit.blockHash,
    transactions: unit.list.count,
    ok: unit.failures.length === 0,
    depth: executed.depth,
    note: executed.note,
    failures: unit.failures,
  };
}
