// The same shaders and WebAssembly kernels in a browser: verdicts and results equal the reference's, bad records among good ones.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import {
  type Algorithm,
  algorithms,
  type BackendStatus,
  type Batch,
  createReferenceBackend,
  merkleRoot,
  sha256,
} from "../../src/index.ts";
import { type BrowserServer, serveBrowser } from "../../src/node/browser-server.ts";
import { caseGenerators } from "../../src/workloads/cases.ts";
import { createRandom } from "../../src/workloads/random.ts";
import { assertConforms, batchOf, mixedCases } from "../conformance/oracle.ts";
import { noChromium, openPage, type Page } from "./chromium.ts";

/** In the page: makes a back end, or runs a batch that came as base64 on it. */
const PAGE = `(async () => {
  const lanewise = await import("lanewise/browser");
  const backends = {
    webgpu: lanewise.createWebgpuBackend({ allowSoftwareAdapter: true }),
    wasm: lanewise.createWasmBackend({ workers: 2 }),
  };
  const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const text = (bytes) => {
    let binary = "";
    for (const byte of new Uint8Array(bytes)) binary += String.fromCharCode(byte);
    return btoa(binary);
  };
  globalThis.probe = (column) => backends[column].probe();
  globalThis.run = async (column, id, count, records, arena) => {
    const messages = bytes(arena);
    const batch = new lanewise.Batch(lanewise.algorithmById(id), count, messages.length);
    batch.records.set(bytes(records));
    batch.arena.set(messages);
    batch.count = count;
    batch.arenaLength = messages.length;
    await backends[column].run(batch);
    const verdicts = new Uint8Array(batch.verdicts.slice().buffer);
    return { verdicts: text(verdicts), results: text(batch.results.slice()) };
  };
  globalThis.root = async (column, id, leaves) =>
    text(await lanewise.merkleRoot(backends[column], bytes(leaves), { hash: lanewise.algorithmById(id) }));
  return crossOriginIsolated;
})()`;

/** A cell of the page that ends well. */
const RATE = /^[\d,.]+\/s \(ready in [\d.]+ s\)$/;

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

/** Runs the batch in the page and puts the answers where `run` would. */
async function runInPage(page: Page, column: string, batch: Batch): Promise<void> {
  const { algorithm, count } = batch;
  const given = [base64(batch.records), base64(batch.arena.subarray(0, batch.arenaLength))];
  const parameters = [column, algorithm.id, count, ...given].map((value) => JSON.stringify(value));
  const answer = await page.evaluate<{ verdicts: string; results: string }>(
    `run(${parameters.join(", ")})`,
  );
  const verdicts = Buffer.from(answer.verdicts, "base64");
  batch.verdicts.set(Array.from({ length: count }, (_, i) => verdicts.readUInt32LE(4 * i)));
  batch.results.set(Buffer.from(answer.results, "base64"));
}

describe("in a browser", { skip: noChromium }, () => {
  let server: BrowserServer;
  let page: Page | undefined;
  /** Why Chromium does not start here, as on systems that lack its libraries. */
  let absent: string | undefined;

  before(async () => {
    server = await serveBrowser();
    try {
      page = await openPage(`${server.url}?ms=1`);
    } catch (error) {
      absent = `Chromium does not start: ${(error as Error).message}`;
      return;
    }
    for (let tries = 0; tries < 1200; tries++) {
      if (await page.evaluate<boolean>("!!document.body?.dataset.done")) break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.equal(await page.evaluate<boolean>(PAGE), true, "the page is cross-origin isolated");
  });
  after(async () => {
    await page?.close();
    await server?.close();
  });

  it("the page measures every algorithm in both columns", async (test) => {
    if (!page) return test.skip(absent);
    const rows = await page.evaluate<string[][]>(
      "[...document.getElementById('rates').rows].map((row) => [...row.cells].map((cell) => cell.textContent))",
    );
    assert.deepEqual(
      rows.map(([id]) => id),
      algorithms.map(({ id }) => id),
    );
    for (const [id, webgpu, wasm] of rows) {
      assert.match(wasm, RATE, id);
      assert.match(webgpu, RATE, id);
    }
  });

  for (const column of ["wasm", "webgpu"]) {
    it(`Merkle root × ${column}`, async (test) => {
      if (!page) return test.skip(absent);
      const leaves = createRandom(5).bytes(32 * 77);
      const wanted = await merkleRoot(createReferenceBackend(), leaves, { hash: sha256 });
      const found = await page.evaluate<string>(`root("${column}", "sha256", "${base64(leaves)}")`);
      assert.equal(found, base64(wanted));
    });

    for (const generator of caseGenerators) {
      const { algorithm }: { algorithm: Algorithm } = generator;
      it(`${algorithm.id} × ${column}`, async (test) => {
        if (!page) return test.skip(absent);
        const status = await page.evaluate<BackendStatus>(`probe("${column}")`);
        assert.ok(status.available, status.reason);
        const cases = mixedCases(generator, 60);
        const batch = batchOf(algorithm, cases);
        await runInPage(page, column, batch);
        assertConforms(batch, cases);
      });
    }
  }

  it("serves nothing but what it has built", async () => {
    for (const path of [
      "package.json",
      "dist/../package.json",
      "dist/%2e%2e/package.json",
      "@noble/",
    ]) {
      assert.equal((await fetch(server.url + path)).status, 404, path);
    }
    const script = await fetch(`${server.url}dist/src/browser.js`);
    assert.equal(script.status, 200);
    assert.equal(script.headers.get("content-type"), "text/javascript");
  });
});
