// Project Wycheproof's ECDSA files over secp256k1 through secp256k1-verify: reference and both WebAssembly designs.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, describe, it } from "node:test";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import {
  type Backend,
  Batch,
  createReferenceBackend,
  createWasmBackend,
  REQUIRE_LOW_S,
  secp256k1Verify,
  Verdict,
  verdictName,
} from "../../src/index.ts";
import { verifyRecord } from "../../src/workloads/secp256k1-verify.ts";
import { corpusFiles, corpusJson, corpusSkip } from "../support/corpus.ts";

interface File {
  readonly testGroups: readonly {
    readonly type: string;
    readonly sha: string;
    readonly publicKey: { readonly wx: string; readonly wy: string };
    readonly tests: readonly {
      readonly tcId: number;
      readonly comment: string;
      readonly msg: string;
      readonly sig: string;
      readonly result: "valid" | "invalid" | "acceptable";
    }[];
  }[];
}

/** The leftmost 256 bits of the digest, as ECDSA takes them. */
function digest(name: string, message: Uint8Array): bigint {
  const shake = { SHAKE128: 32, SHAKE256: 64 }[name];
  const hash = createHash(
    name.toLowerCase().replace("sha-", "sha"),
    shake === undefined ? {} : { outputLength: shake },
  );
  return BigInt(`0x${hash.update(message).digest().subarray(0, 32).toString("hex")}`);
}

/** r and s, or undefined where the encoding is not one: wire formats are parsed before records are made. */
function parse(type: string, hex: string): { r: bigint; s: bigint } | undefined {
  if (type === "EcdsaP1363Verify") {
    if (hex.length !== 128) return undefined;
    return { r: BigInt(`0x${hex.slice(0, 64)}`), s: BigInt(`0x${hex.slice(64)}`) };
  }
  try {
    return secp256k1.Signature.fromBytes(Buffer.from(hex, "hex"), "der");
  } catch {
    return undefined;
  }
}

const columns: [string, () => Backend][] = [
  ["reference", createReferenceBackend],
  ["wasm", () => createWasmBackend({ workers: 1 })],
  ["wasm without relaxed SIMD", () => createWasmBackend({ workers: 1, simd: "baseline" })],
];

describe("Wycheproof ECDSA over secp256k1", { skip: corpusSkip }, () => {
  if (corpusSkip) return;
  const files = corpusFiles("vectors", "wycheproof").filter((name) =>
    /ecdsa_secp256k1_.*_test\.json$/.test(name),
  );
  const cases = files.flatMap((file) =>
    (corpusJson(file) as File).testGroups.flatMap(({ type, sha, publicKey, tests }) =>
      tests.map((test) => ({ file, type, sha, publicKey, ...test })),
    ),
  );
  const parsed = cases.flatMap((item) => {
    const signature = parse(item.type, item.sig);
    const large = signature && (signature.r >= 1n << 256n || signature.s >= 1n << 256n);
    if (!signature || large) {
      assert.notEqual(item.result, "valid", `${item.file} ${item.tcId}: does not parse`);
      return [];
    }
    const flags = item.type === "EcdsaBitcoinVerify" ? REQUIRE_LOW_S : 0;
    const [x, y] = [BigInt(`0x${item.publicKey.wx}`), BigInt(`0x${item.publicKey.wy}`)];
    const z = digest(item.sha, Buffer.from(item.msg, "hex"));
    return [{ item, record: verifyRecord({ z, ...signature, x, y }, flags) }];
  });

  it("finds all files", () => {
    assert.ok(files.length >= 7);
    assert.ok(parsed.length > 1000, `${parsed.length} of ${cases.length} cases parse`);
  });

  for (const [name, create] of columns) {
    it(`${name} agrees on every case`, async () => {
      const backend = create();
      after(() => backend.close());
      const batch = new Batch(secp256k1Verify, parsed.length);
      batch.count = parsed.length;
      for (const [i, { record }] of parsed.entries()) batch.record(i).set(record);
      await backend.run(batch);
      for (const [i, { item }] of parsed.entries()) {
        const valid = batch.verdicts[i] === Verdict.Valid;
        assert.equal(
          valid,
          item.result === "valid",
          `${item.file} ${item.tcId} (${item.comment}): ${verdictName(batch.verdicts[i])}`,
        );
      }
    });
  }
});
