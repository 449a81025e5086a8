/** Every signed mainnet block of the corpus: hashes, senders and transactionsRoot correct on the best CPU column. @module */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readPath } from "../../src/node/file-source.ts";
import { createPipeline } from "../../src/pipeline/pipeline.ts";
import { corpusPath, corpusSkip } from "../support/corpus.ts";

describe("mainnet-signed-blocks", { skip: corpusSkip }, () => {
  it("all blocks are valid on wasm, and none claims to have been executed", async () => {
    const pipeline = await createPipeline({ backend: "wasm" });
    try {
      const source = readPath(corpusPath("mainnet-signed-blocks"));
      for await (const report of pipeline.run(source)) {
        assert.deepEqual(report.failures, [], report.label);
        // Their states come without code, or without an account that execution reads.
        if (report.depth !== "executed") assert.match(report.note, /not in the state|not given/);
      }
      const { ok, blocks, transactions, backend, stages } = pipeline.summary();
      assert.ok(ok && blocks >= 60 && transactions > 19_000, `${blocks} blocks, ${transactions}`);
      assert.equal(backend.id, "wasm");
      assert.equal(stages.check.count, transactions);
      assert.ok(stages.recover.count >= transactions);
    } finally {
      await pipeline.close();
    }
  });
});
