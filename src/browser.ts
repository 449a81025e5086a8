/**
 * Lanewise in a browser: the algorithms, the WebGPU and WebAssembly columns, and the verifier over them. A bundler resolves
 * `@noble/*`, or an import map does (`src/node/browser-server.ts`). The page must be cross-origin isolated: batches are shared memory.
 *
 * @module
 */
export * from "./algorithms/index.ts";
export * from "./backends/index.ts";
export { type BackendChoice, type Selection, selectBackend } from "./backends/select.ts";
export * from "./core/index.ts";
export * from "./verifier/index.ts";
