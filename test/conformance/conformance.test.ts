// Every algorithm × every back end: verdicts and results equal the reference's, whatever the count and the company.
import { after, describe, it } from "node:test";
import { algorithms, type Backend, backends, createWasmBackend } from "../../src/index.ts";
import { caseGenerators } from "../../src/workloads/cases.ts";
import { assertConforms, batchOf, cycle, mixedCases } from "./oracle.ts";

/** Zero, one, around every vector width, around workgroups of 32, 64, 128 and 256. */
const counts = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 257];

/** More than one chunk or buffer of every kernel. A software GPU does a tenth of it in the same time. */
const manyItems: Readonly<Record<string, number>> = { webgpu: 1_000, reference: 0 };
const MANY_ITEMS = 10_001;

/** Columns as registered, and the WebAssembly column in its other builds; `LANEWISE_COLUMN` picks one by name. */
const wanted = process.env.LANEWISE_COLUMN;
const allColumns: [name: string, create: () => Backend][] = [
  ...Object.entries(backends).map(([id, create]): [string, () => Backend] => [
    id,
    () => create({ workers: 2, allowSoftwareAdapter: true }),
  ]),
  ["wasm on workers only", () => createWasmBackend({ workers: 2, inline: "never" })],
  ["wasm on the calling thread", () => createWasmBackend({ inline: "always" })],
  ["wasm without relaxed SIMD", () => createWasmBackend({ workers: 1, simd: "baseline" })],
  ["wasm with assertions", () => createWasmBackend({ workers: 2, debug: true })],
  [
    "wasm with assertions, without relaxed SIMD",
    () => createWasmBackend({ workers: 2, debug: true, simd: "baseline" }),
  ],
];
const columns = allColumns.filter(([name]) => wanted === undefined || name === wanted);

const rows = caseGenerators.map((generator) => ({
  algorithm: generator.algorithm,
  cases: mixedCases(generator, 120),
}));

for (const [name, create] of columns) {
  // One back end for all rows, as in use: a device compiles the shaders that rows share once.
  describe(name, async () => {
    const backend = create();
    const status = await backend.probe();
    after(() => backend.close());

    for (const { algorithm, cases } of rows) {
      const skip = !status.available
        ? `${backend.id}: ${status.reason}`
        : !backend.supports(algorithm) && `${backend.id}: no kernel of ${algorithm.id}`;

      describe(algorithm.id, () => {
        it("answers every crafted and random case as the reference does", { skip }, async () => {
          const batch = batchOf(algorithm, cases);
          await backend.run(batch);
          assertConforms(batch, cases);
        });

        it("answers at every count", { skip }, async () => {
          let from = 0;
          for (const count of counts) {
            const some = cycle(cases, from, count);
            const batch = batchOf(algorithm, some);
            await backend.run(batch);
            assertConforms(batch, some);
            from += count;
          }
        });

        it("answers more than one chunk", { skip }, async () => {
          const count = manyItems[backend.id] ?? MANY_ITEMS;
          const some = cycle(cases, 0, count);
          const batch = batchOf(algorithm, some);
          await backend.run(batch);
          assertConforms(batch, some);
        });
      });
    }
  });
}

describe("the registries", () => {
  for (const algorithm of algorithms) {
    it(`${algorithm.id} has cases`, () => {
      if (!caseGenerators.some((generator) => generator.algorithm === algorithm)) {
        throw new Error(`${algorithm.id}: no case generator in src/workloads/cases.ts`);
      }
    });
  }
});
