/**
 * An algorithm is a row of the table: a record layout, a result layout and a reference function.
 *
 * @module
 */
import type { Layout } from "./layout.ts";
import type { Verdict } from "./verdict.ts";

/** A record whose answer `reference` knows: for self-tests, and for checks hidden among a device's work. */
export interface Example {
  readonly record: Uint8Array;
  /** What the record points into; empty where the algorithm uses no arena. */
  readonly arena: Uint8Array;
}

/** What the three columns agree on for one computation. */
export interface Algorithm {
  /** Kebab-case; identical as file stem, CLI word, bench label and test title. */
  readonly id: string;
  /** One sentence for tables and help. */
  readonly summary: string;
  /** Input: `count` of these lie back to back in `Batch.records`. */
  readonly record: Layout;
  /** Output: `count` of these lie back to back in `Batch.results`; all zero where the verdict is not `Valid`. */
  readonly result: Layout;
  /** Whether records point into the batch's arena of variable-length bytes. */
  readonly usesArena: boolean;
  /** A handful of valid and, where there are any, invalid records. */
  readonly examples: readonly Example[];
  /**
   * The oracle: one record, plainly computed by a well-kept library.
   *
   * @param record `record.byteLength` bytes.
   * @param arena the batch's variable-length bytes.
   * @param result `result.byteLength` bytes, zeroed; written only when the verdict is `Valid`.
   */
  reference(record: Uint8Array, arena: Uint8Array, result: Uint8Array): Verdict;
}
