/**
 * Verdict codes: one u32 per record, the same number in TypeScript, AssemblyScript and WGSL.
 *
 * This table is the only source. `npm run generate` writes `assembly/generated/verdict.ts` and
 * `shaders/generated/verdict.wgsl` from it. Where a record breaks several rules, the verdict is the first broken rule in the
 * order that the algorithm states, so that every back end gives the same answer.
 *
 * @module
 */

/** Why a record is invalid, or `Valid`. Codes are stable: never renumber, only append. */
export const Verdict = {
  /** Every rule holds. */
  Valid: 0,
  /** r is zero (SEC 1 §4.1.4). */
  RZero: 1,
  /** r ≥ n. */
  ROutOfRange: 2,
  /** s is zero. */
  SZero: 3,
  /** s ≥ n. */
  SOutOfRange: 4,
  /** s > n/2 where the record asks for the low-s rule (EIP-2). */
  SHigh: 5,
  /** The recovery id is not 0, 1, 2 or 3. */
  RecoveryIdInvalid: 6,
  /** Recovery id 2 or 3, and r + n ≥ p: no such x coordinate. */
  XOutOfRange: 7,
  /** x³ + 7 is not a square: no curve point has this x coordinate. */
  XNotOnCurve: 8,
  /** The recovered key is the point at infinity. */
  PublicKeyInfinity: 9,
  /** The public key given is not a point of the curve, or has the wrong form. */
  PublicKeyInvalid: 10,
  /** The signature is well formed and does not match the message and key. */
  SignatureMismatch: 11,
  /** The record's message does not lie inside the batch's arena. */
  MessageOutOfBounds: 16,
  /** No back end has written this verdict yet. Never seen after `run` resolves. */
  Unset: 0xffffffff,
} as const;

/** One of the numbers in {@link Verdict}. */
export type Verdict = (typeof Verdict)[keyof typeof Verdict];

/**
 * A function that names the codes of these tables, for reports. A domain with verdicts of its own (a chain's transactions) joins
 * its table to this one: `verdictNamer(Verdict, TransactionVerdict)`.
 */
export function verdictNamer(
  ...tables: readonly Readonly<Record<string, number>>[]
): (code: number) => string {
  const names = new Map<number, string>();
  for (const table of tables) {
    for (const [name, code] of Object.entries(table)) names.set(code, name);
  }
  return (code) => names.get(code) ?? `Verdict(${code})`;
}

/** The name of a verdict code, for reports: `verdictName(5) === "SHigh"`; unknown codes read `"Verdict(99)"`. */
export const verdictName: (code: number) => string = verdictNamer(Verdict);
