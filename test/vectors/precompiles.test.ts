// Published vectors of the precompiled contracts that run in the host: KZG proofs of c-kzg-4844, EIP-2537 maps,
// Wycheproof's P-256.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { before, describe, it } from "node:test";
import { sha256 } from "@noble/hashes/sha2.js";
import { createPrecompiles, type RunPrecompile } from "../../src/executor/evm/precompiles.ts";
import { corpusJson, corpusPath, corpusSkip } from "../support/corpus.ts";

const POINT_EVALUATION = 0x0a;
const MAP_FP_TO_G1 = 0x10;
const MAP_FP2_TO_G2 = 0x11;
const P256_VERIFY = 0x100;
const GAS = 10n ** 9n;

let run: RunPrecompile;
before(() => {
  run = createPrecompiles("osaka");
});

const fromHex = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));

describe("point evaluation", { skip: corpusSkip }, () => {
  const folder = ["vectors", "kzg-4844", "tests", "verify_kzg_proof", "kzg-mainnet"];

  /** One case: four values and what verify_kzg_proof says, `undefined` where a value is malformed. */
  function readCase(name: string): { values: Map<string, Uint8Array>; verdict: string } {
    const text = readFileSync(corpusPath(...folder, name, "data.yaml"), "utf8");
    const verdict = /^output: (\w+)$/m.exec(text)?.[1];
    const fields = [...text.matchAll(/^ {2}(\w+): '0x([0-9a-f]*)'$/gm)];
    assert.ok(verdict !== undefined && fields.length === 4, name);
    return { values: new Map(fields.map(([, key, hex]) => [key, fromHex(hex)])), verdict };
  }

  it("agrees with verify_kzg_proof on every case", () => {
    const counts = { true: 0, false: 0, null: 0 } as Record<string, number>;
    for (const name of readdirSync(corpusPath(...folder))) {
      const { values, verdict } = readCase(name);
      const [commitment, z, y, proof] = ["commitment", "z", "y", "proof"].map(
        (key) => values.get(key) as Uint8Array,
      );
      const versionedHash = sha256(commitment);
      versionedHash[0] = 1;
      const input = Buffer.concat([versionedHash, z, y, commitment, proof]);
      const outcome = run(POINT_EVALUATION, input, GAS);
      assert.equal(outcome !== undefined, verdict === "true", name);
      counts[verdict]++;
    }
    assert.ok(counts.true > 0 && counts.false > 0 && counts.null > 0, JSON.stringify(counts));
  });
});

describe("EIP-2537", { skip: corpusSkip }, () => {
  const vectors = (...path: string[]): unknown =>
    corpusJson("vectors", "bls12-381-noble", "test", "vectors", "bls12-381", ...path);

  it("maps field elements to the published points", () => {
    const cases = vectors("eip2537.json") as Record<
      "G1" | "G2",
      readonly { readonly Input: string; readonly Expected: string }[]
    >;
    for (const [group, address] of [
      ["G1", MAP_FP_TO_G1],
      ["G2", MAP_FP2_TO_G2],
    ] as const) {
      assert.ok(cases[group].length > 0);
      for (const { Input, Expected } of cases[group]) {
        const outcome = run(address, fromHex(Input), GAS);
        assert.equal(Buffer.from(outcome?.output ?? []).toString("hex"), Expected);
      }
    }
  });
});

describe("P-256", { skip: corpusSkip }, () => {
  interface Group {
    readonly publicKey: { readonly uncompressed: string };
    readonly tests: readonly {
      readonly tcId: number;
      readonly msg: string;
      readonly sig: string;
      readonly result: "valid" | "invalid";
    }[];
  }

  it("agrees with Wycheproof's ecdsa_secp256r1_sha256_p1363", () => {
    const { numberOfTests, testGroups } = corpusJson(
      "vectors",
      "wycheproof",
      "ecdsa_secp256r1_sha256_p1363_test.json",
    ) as { numberOfTests: number; testGroups: readonly Group[] };
    let graded = 0;
    for (const { publicKey, tests } of testGroups) {
      for (const { tcId, msg, sig, result } of tests) {
        // A signature of another length makes an input of another length, which EIP-7951 calls invalid.
        const input = Buffer.concat([
          sha256(fromHex(msg)),
          fromHex(sig),
          fromHex(publicKey.uncompressed.slice(2)),
        ]);
        const output = run(P256_VERIFY, input, GAS)?.output;
        assert.equal(output?.length === 32 && output[31] === 1, result === "valid", `${tcId}`);
        graded++;
      }
    }
    assert.equal(graded, numberOfTests);
  });
});
