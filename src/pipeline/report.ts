/**
 * What the pipeline says about its input: failures by block, transaction or header field, and rule; times by stage.
 *
 * @module
 */

/** One broken rule. */
export interface Failure {
  /** The block: its number where it has one, else the name of the input. */
  readonly block: string;
  /** Index of the transaction in the block or input. */
  readonly transaction?: number;
  /** Header field, or field of the input, that is wrong. */
  readonly field?: string;
  /** The rule broken, by the name of its verdict or in the field's terms. */
  readonly rule: string;
  readonly expected: string;
  readonly got: string;
}

/** How far a block was checked. */
export type Depth =
  /** Executed: gas, receipts, bloom and what else the header commits to agree. */
  | "executed"
  /** Hashes, signatures, roots and header rules; not executed. */
  | "signatures only"
  /** In the state database already, by its hash: passed over. */
  | "committed before";

/** The verdict on one unit of input. */
export interface BlockReport {
  /** Where it came from. */
  readonly label: string;
  readonly kind: "block" | "transactions";
  /** `undefined` for bare transactions. */
  readonly number: bigint | undefined;
  /** Recomputed from the header, 32 bytes; `undefined` for bare transactions and undecodable blocks. */
  readonly hash: Uint8Array | undefined;
  readonly transactions: number;
  readonly ok: boolean;
  readonly depth: Depth;
  /** Why the block was not executed, or what of its execution could not be compared; empty where nothing was left out. */
  readonly note: string;
  readonly failures: readonly Failure[];
}

/** Names of the stages, in order. */
export const STAGES = ["decode", "hash", "recover", "check", "execute", "commit"] as const;
export type Stage = (typeof STAGES)[number];

/** Busy time of one stage, and the items that passed it: transactions, messages for `hash`, blocks for `commit`. */
export interface StageTime {
  readonly ms: number;
  readonly count: number;
}

/** The closing numbers of a run; the exact object that `lanewise validate --json` prints. */
export interface ValidationSummary {
  readonly ok: boolean;
  readonly blocks: number;
  readonly transactions: number;
  /** The first {@link MAX_FAILURES}. */
  readonly failures: readonly Failure[];
  readonly backend: { readonly id: string; readonly reason: string };
  readonly stages: Readonly<Record<Stage, StageTime>>;
  /** Transactions per second of wall time. */
  readonly tps: number;
}

/** Failures kept in a summary: enough to see the pattern, few enough for any input. */
export const MAX_FAILURES = 1000;

/** One line: `block 17, transaction 3: chain id: expected …, got …`. */
export function describeFailure(failure: Failure): string {
  const where = [`block ${failure.block}`];
  if (failure.transaction !== undefined) where.push(`transaction ${failure.transaction}`);
  if (failure.field !== undefined) where.push(failure.field);
  return `${where.join(", ")}: ${failure.rule}: expected ${failure.expected}, got ${failure.got}`;
}

/** Collects busy time by stage: that in which at least one piece of its work is under way. */
export class StageClock {
  readonly #totals = new Map<
    Stage,
    { ms: number; count: number; running: number; sinceMs: number }
  >(STAGES.map((stage) => [stage, { ms: 0, count: 0, running: 0, sinceMs: 0 }]));

  /** Adds items without time. */
  add(stage: Stage, count: number): void {
    this.#totals.get(stage)!.count += count;
  }

  /** Runs `work` and adds `count` items. */
  async time<Result>(
    stage: Stage,
    count: number,
    work: () => Result | Promise<Result>,
  ): Promise<Result> {
    const total = this.#totals.get(stage)!;
    if (total.running++ === 0) total.sinceMs = performance.now();
    try {
      return await work();
    } finally {
      if (--total.running === 0) total.ms += performance.now() - total.sinceMs;
      total.count += count;
    }
  }

  totals(): Record<Stage, StageTime> {
    const entries = STAGES.map((stage) => {
      const { ms, count } = this.#totals.get(stage)!;
      return [stage, { ms: Math.round(ms * 1000) / 1000, count }] as const;
    });
    return Object.fromEntries(entries) as Record<Stage, StageTime>;
  }
}
