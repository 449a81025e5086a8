// Every other form of the secp256k1 kernels gives the reference's answers.
import { after, describe, it } from "node:test";
import {
  createWebgpuBackend,
  type KernelVariant,
  secp256k1Recover,
  secp256k1Verify,
} from "../../src/index.ts";
import { VARIANTS, variantName } from "../../src/report/gpu-variants.ts";
import { secp256k1RecoverCases } from "../../src/workloads/secp256k1-recover.ts";
import { secp256k1VerifyCases } from "../../src/workloads/secp256k1-verify.ts";
import { assertConforms, batchOf, mixedCases } from "../conformance/oracle.ts";
import { needsAdapter } from "./adapter.ts";

/**
 * A software driver compiles each for ten seconds or more, so several changes go together, and of forms those two that change what
 * lies in memory. The others multiply in another way, which the rungs run; `LANEWISE_SLOW=1` runs them all.
 */
const combined: KernelVariant[] = [
  { form: "words-8-sites-2", workgroupSize: 128, inversionItems: 4 },
  { form: "comb-12", workgroupSize: 256, inversionItems: 8 },
];
const tested = process.env.LANEWISE_SLOW ? [...combined, ...VARIANTS] : combined;

const recover = mixedCases(secp256k1RecoverCases, 40);
const verify = mixedCases(secp256k1VerifyCases, 40);

describe("variants of the secp256k1 kernels", needsAdapter, () => {
  for (const variant of tested) {
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
