/**
 * The page that `lanewise bench --web` serves: what the visitor's own browser does, checked against the reference.
 *
 * @module
 */

/**
 * Runs in the page: a row of the table for each algorithm, filled as the columns are measured. `?ms=N` measures each for so long;
 * the body's `data-done` says that all is done.
 */
const SCRIPT = `
import { algorithms, Batch, createWasmBackend, createWebgpuBackend } from "lanewise/browser";

const forMs = Number(new URLSearchParams(location.search).get("ms") ?? 1500);
const text = (id, value) => { document.getElementById(id).textContent = value; };
const columns = [
  { name: "webgpu", backend: createWebgpuBackend({ allowSoftwareAdapter: true }), items: 65536 },
  { name: "wasm", backend: createWasmBackend(), items: 16384 },
];

/** The algorithm's examples over and over, with what the reference says to each. */
function examples(algorithm, items) {
  const known = algorithm.examples.map(({ record, arena }) => {
    const result = new Uint8Array(algorithm.result.byteLength);
    return { record, arena, verdict: algorithm.reference(record, arena, result), result };
  });
  const cases = Array.from({ length: items }, (_, i) => known[i % known.length]);
  const batch = new Batch(algorithm, items, cases.reduce((sum, { arena }) => sum + arena.length, 0));
  for (const { record, arena } of cases) {
    const bytes = batch.record(batch.count++);
    bytes.set(record);
    if (algorithm.usesArena) {
      const { offset } = algorithm.record.fields;
      new DataView(bytes.buffer, bytes.byteOffset).setUint32(offset.offset, batch.arenaLength, true);
    }
    batch.arena.set(arena, batch.arenaLength);
    batch.arenaLength += arena.length;
  }
  return { batch, cases };
}

function wrong({ batch, cases }) {
  return cases.findIndex(({ verdict, result }, i) =>
    batch.verdicts[i] !== verdict || result.some((byte, at) => batch.result(i)[at] !== byte));
}

async function measure({ backend, items }, algorithm) {
  const found = await backend.probe();
  if (!found.available) return found.reason;
  if (!backend.supports(algorithm)) return "no kernel";
  const start = performance.now();
  await backend.prepare([algorithm]);
  const compileMs = performance.now() - start;
  const work = examples(algorithm, found.details.software ? 256 : items);
  let best = Infinity;
  const end = performance.now() + forMs;
  do {
    const begin = performance.now();
    await backend.run(work.batch);
    best = Math.min(best, performance.now() - begin);
  } while (performance.now() < end);
  const at = wrong(work);
  if (at >= 0) return "wrong answer for item " + at;
  const rate = Math.round((work.batch.count / best) * 1000).toLocaleString();
  return rate + "/s (ready in " + (compileMs / 1000).toFixed(1) + " s)";
}

async function main() {
  text("isolated", crossOriginIsolated ? "" : "This page is not cross-origin isolated: no shared memory.");
  for (const { name, backend } of columns) text(name, (await backend.probe()).reason);
  for (const algorithm of algorithms) {
    const row = document.getElementById("rates").insertRow();
    row.insertCell().textContent = algorithm.id;
    for (const column of columns) {
      const cell = row.insertCell();
      cell.textContent = "…";
      cell.textContent = await measure(column, algorithm).catch((error) => error.message);
    }
  }
  for (const { backend } of columns) await backend.close();
  document.body.dataset.done = "true";
}
main().catch((error) => text("isolated", String(error)));
`;

/** @param imports the import map's entries. */
export function benchPage(imports: Readonly<Record<string, string>>): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Lanewise in your browser</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 3rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 0.3rem 1rem 0.3rem 0; border-bottom: 1px solid #8884; font-variant-numeric: tabular-nums; }
</style>
<h1>Lanewise in your browser</h1>
<p>Each algorithm's examples, valid and invalid, over and over; every answer is compared with the reference's.</p>
<p id="isolated"></p>
<p>webgpu: <span id="webgpu">…</span><br>wasm: <span id="wasm">…</span></p>
<table><thead><tr><th>algorithm</th><th>webgpu</th><th>wasm</th></tr></thead><tbody id="rates"></tbody></table>
<script type="importmap">${JSON.stringify({ imports })}</script>
<script type="module">${SCRIPT}</script>
</html>
`;
}
