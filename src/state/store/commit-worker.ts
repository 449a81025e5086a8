/**
 * Worker of the pipelined state: owns the store, and commits while the thread that executes goes on.
 *
 * @module
 */
import { parentPort, workerData } from "node:worker_threads";
import { LanewiseError, type LanewiseErrorCode } from "../../core/index.ts";
import type { AccountProof } from "../commitment.ts";
import type { EncodedDiff } from "../diff.ts";
import type { LevelOptions } from "./level.ts";
import type { StoredBlock } from "./records.ts";
import {
  type CommitOutcome,
  createMemoryStore,
  openStateStore,
  type StateStore,
  type StateStoreOptions,
} from "./state-store.ts";
import type { SharedStateView } from "./view.ts";

/** What the worker is started with. */
export interface CommitWorkerData {
  /** Folder of the database; in memory where there is none. */
  readonly location: string | undefined;
  readonly options: StateStoreOptions & LevelOptions;
}

/** What the owner asks for. */
export type CommitRequest = { readonly id: number } & (
  | {
      readonly kind: "commit";
      readonly number: bigint;
      readonly hash: Uint8Array;
      readonly diff: EncodedDiff;
      readonly expectedRoot: Uint8Array | undefined;
      readonly dryRun: boolean | undefined;
    }
  | { readonly kind: "revert"; readonly blocks: number }
  | {
      readonly kind: "prove";
      readonly requests: readonly { address: Uint8Array; slots?: readonly Uint8Array[] }[];
    }
  | { readonly kind: "open" }
  | { readonly kind: "close" }
);

/** The state of the store after a request. */
export interface StorePosition {
  readonly head: StoredBlock | undefined;
  readonly view: SharedStateView;
}

/** What the worker answers. */
export type CommitAnswer = { readonly id: number } & (
  | {
      readonly outcome: CommitOutcome | undefined;
      readonly proofs: AccountProof[] | undefined;
      readonly position: StorePosition | undefined;
    }
  | {
      /** `undefined`: a wrong call rather than an operating failure. */
      readonly code: LanewiseErrorCode | undefined;
      readonly message: string;
    }
);

const { location, options } = workerData as CommitWorkerData;
const opening: Promise<StateStore> =
  location === undefined
    ? Promise.resolve(createMemoryStore(options))
    : openStateStore(location, options);

// The first request is told why the store cannot be opened; until it comes, nobody else is to hear of it.
opening.catch(() => {});

async function serve(request: CommitRequest): Promise<CommitAnswer> {
  const { id } = request;
  const store = await opening;
  if (request.kind === "close") {
    await store.close();
    return { id, outcome: undefined, proofs: undefined, position: undefined };
  }
  let outcome: CommitOutcome | undefined;
  let proofs: AccountProof[] | undefined;
  if (request.kind === "commit") {
    const { number, hash, expectedRoot, diff, dryRun = false } = request;
    outcome = await store.commit({
      number,
      hash,
      diff,
      dryRun,
      ...(expectedRoot && { expectedRoot }),
    });
  } else if (request.kind === "revert") await store.revert(request.blocks);
  else if (request.kind === "prove") proofs = await store.prove(request.requests);
  return { id, outcome, proofs, position: { head: store.head, view: store.share() } };
}

let last: Promise<unknown> = Promise.resolve();
parentPort?.on("message", (request: CommitRequest) => {
  last = last.then(async () => {
    let answer: CommitAnswer;
    try {
      answer = await serve(request);
    } catch (error) {
      answer = {
        id: request.id,
        code: error instanceof LanewiseError ? error.code : undefined,
        message: error instanceof Error ? error.message : String(error),
      };
    }
    parentPort?.postMessage(answer);
    if (request.kind === "close") parentPort?.close();
  });
});
