/**
 * Lanewise: blockchain transactions validated in lanes.
 *
 * @module
 */
export * from "./algorithms/index.ts";
export * from "./backends/index.ts";
export * as ethereum from "./chains/ethereum/index.ts";
export * from "./core/index.ts";
export * from "./verifier/index.ts";
