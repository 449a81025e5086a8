// Every other form of the secp256k1 kernels gives the reference's answers.
import { after, describe, it } from "node:test";
import {
  createWebgpuBackend,
  type KernelVariant,
  secp256k1Recover,
  secp256k1Verify,
} from "../../src/index.ts";
import { VARIANTS, variantName } from "../../src/report/gpu-bench.ts";
import { secp256k1RecoverCases } from "../../src/workloads/secp256k1-recover.ts";
import { secp256k1VerifyCases } from "../../src/workloads/secp256k1-verify.ts";
import { assertConforms, batchOf, mixedCases } from "../conformance/oracle.ts";
import { needsAdapter } from "./adapter.ts";

/** All changes that `bench gpu --variants` compares, several at a time: a software driver compiles each for seconds. */
const combined: KernelVariant[] = [];
for (const variant of VARIANTS) {
  const [name] = Object.keys(variant) as (keyof KernelVariant)[];
  if (name === undefined) continue;
  const free = combined.findIndex((changes) => changes[name] === undefined);
  if (free < 0) combined.push(variant);
  else combined[free] = { ...combined[free], ...variant };
}

const recover = mixedCases(secp256k1RecoverCases, 40);
const verify = mixedCases(secp256k1VerifyCases, 40);

describe("variants of the secp256k1 kernels", needsAdapter, () => {
  for (const variant of combined) {
    describe(variantName(variant), () => {
      const backend = createWebgpuBackend({ allowSoftwareAdapter: true, variant });
      after(() => backend.close());

      it("answers as the reference does", async () => {
        for (const [algorithm, cases] of [
          [secp256k1Recover, recover],
          [secp256k1Verify, verify],
        ] as const) {
          const batch = batchOf(algorithm, cases);
          await backend.run(batch);
          assertConforms(batch, cases);
        }
      });
    });
  }
});
