/**
 * Checks on a back end that is not trusted blindly: a GPU can overheat, a driver can miscompile, and either would answer with
 * confidence.
 *
 * - *Canaries*: records with known answers, valid and invalid, at random places in every batch.
 * - *Samples*: a random share of the answers is computed again on a trusted back end.
 * - *Rejections*: every invalid verdict is confirmed on a trusted back end before anyone hears of it.
 *
 * One mismatch condemns the whole batch.
 *
 * @module
 */
import { type Algorithm, type Batch, type Example, Verdict } from "../core/index.ts";
import { messageOf } from "./batches.ts";

/** How much is checked. */
export interface IntegrityOptions {
  /** Known-answer records hidden in every batch; at least one valid and one invalid where the algorithm has both. Default 2. */
  readonly canaries: number;
  /** Share of the answers computed again on a trusted back end, 0 … 1. Default 1/64. */
  readonly sampleRate: number;
  /** Whether rejections are confirmed on a trusted back end. Default true. */
  readonly confirmRejections: boolean;
}

export const DEFAULT_INTEGRITY: IntegrityOptions = {
  canaries: 2,
  sampleRate: 1 / 64,
  confirmRejections: true,
};

/** A record with the answer that the oracle gives. */
export interface KnownAnswer extends Example {
  readonly verdict: number;
  readonly result: Uint8Array;
}

const knownAnswers = new WeakMap<Algorithm, readonly KnownAnswer[]>();

/**
 * The algorithm's examples with the oracle's answers, computed once; without those that point outside their arena, which the verifier
 * answers itself and never packs beside others.
 */
export function answersOf(algorithm: Algorithm): readonly KnownAnswer[] {
  let answers = knownAnswers.get(algorithm);
  if (answers === undefined) {
    const packable = algorithm.examples.filter(
      ({ record, arena }) => messageOf(algorithm, record, arena) !== undefined,
    );
    answers = packable.map(({ record, arena }) => {
      const result = new Uint8Array(algorithm.result.byteLength);
      return { record, arena, result, verdict: algorithm.reference(record, arena, result) };
    });
    knownAnswers.set(algorithm, answers);
  }
  return answers;
}

/** `count` known answers in random order, valid and invalid by turns as far as there are both. */
export function pickCanaries(algorithm: Algorithm, count: number): KnownAnswer[] {
  const answers = answersOf(algorithm);
  const pools = [
    answers.filter(({ verdict }) => verdict === Verdict.Valid),
    answers.filter(({ verdict }) => verdict !== Verdict.Valid),
  ].filter((pool) => pool.length > 0);
  if (pools.length === 0) return [];
  return Array.from({ length: count }, (_, i) => {
    const pool = pools[i % pools.length];
    return pool[Math.floor(Math.random() * pool.length)];
  });
}

/** Distinct random places for `canaries` records among `items + canaries`, ascending. */
export function pickPlaces(items: number, canaries: number): number[] {
  const places = new Set<number>();
  while (places.size < canaries) places.add(Math.floor(Math.random() * (items + canaries)));
  return [...places].sort((a, b) => a - b);
}

/** Whether item `index` of a batch holds this answer, verdict and result bytes. */
export function holds(batch: Batch, index: number, verdict: number, result: Uint8Array): boolean {
  if (batch.verdicts[index] !== verdict) return false;
  const given = batch.result(index);
  return result.every((byte, i) => byte === given[i]);
}
