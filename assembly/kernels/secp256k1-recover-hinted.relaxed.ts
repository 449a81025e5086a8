// secp256k1-recover-hinted on fused multiply-add: lib/secp256k1/field.ts takes that design where the compiler has relaxed SIMD on.
export * from "./secp256k1-recover-hinted";
