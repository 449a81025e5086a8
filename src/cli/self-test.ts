/**
 * Known answers that a back end has to give before anybody trusts it: each row's examples, against the reference.
 *
 * @module
 */
import { toHex } from "../chains/ethereum/index.ts";
import { type Algorithm, type Backend, Batch, LanewiseError, verdictName } from "../core/index.ts";

/** `passed`, or what went wrong. Algorithms that the back end does not support are left out. */
export async function selfTest(
  backend: Backend,
  algorithms: readonly Algorithm[],
): Promise<string> {
  try {
    for (const algorithm of algorithms.filter((row) => backend.supports(row))) {
      const fault = await testOne(backend, algorithm);
      if (fault !== undefined) return `${algorithm.id}: ${fault}`;
    }
    return "passed";
  } catch (error) {
    if (error instanceof LanewiseError) return error.message;
    throw error;
  }
}

/** Every example of the row in one batch, valid and invalid side by side: a bad record must not touch its neighbour. */
async function testOne(backend: Backend, algorithm: Algorithm): Promise<string | undefined> {
  const { examples } = algorithm;
  const arenaBytes = examples.reduce((sum, { arena }) => sum + arena.length, 0);
  const batch = new Batch(algorithm, examples.length, arenaBytes);
  for (const { record, arena } of examples) batch.append(record, arena);
  await backend.run(batch);
  // A copy: the oracle must not read memory that other threads share.
  const arena = batch.arena.slice(0, batch.arenaLength);
  for (const index of examples.keys()) {
    const expected = new Uint8Array(algorithm.result.byteLength);
    const verdict = algorithm.reference(batch.record(index).slice(), arena, expected);
    const got = batch.verdicts[index];
    if (got !== verdict) {
      return `example ${index}: expected ${verdictName(verdict)}, got ${verdictName(got)}`;
    }
    const result = toHex(batch.result(index));
    if (result !== toHex(expected)) {
      return `example ${index}: expected ${toHex(expected)}, got ${result}`;
    }
  }
  return undefined;
}
