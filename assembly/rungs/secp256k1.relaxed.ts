// Test-only: the same primitives on fused multiply-add.
export * from "./secp256k1";
