/**
 * secp256k1 as bigint facts (SEC 2 v2 §2.4.1). Limbs, tables and constants of every column are derived from here.
 *
 * @module
 */

/** y² = x³ + 7 over GF(p), a group of prime order n with cofactor 1. */
export const SECP256K1 = {
  /** Field modulus: 2²⁵⁶ − 2³² − 977. */
  p: 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2fn,
  /** Group order. */
  n: 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n,
  a: 0n,
  b: 7n,
  /** Generator. */
  gx: 0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n,
  gy: 0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n,
  /** Cube root of unity mod p: the endomorphism (x, y) → (βx, y) … */
  beta: 0x7ae96a2b657c07106e64479eac3434e99cf0497512f58995c1396c28719501een,
  /** … is multiplication by this cube root of unity mod n (Gallant, Lambert, Vanstone, CRYPTO 2001). */
  lambda: 0x5363ad4cc05c30e0a5261c028812645a122e22ea20816678df02967c1b23bd72n,
  /** Short lattice basis for the GLV split k = k₁ + k₂λ: (a₁, b₁), (a₂, b₂) with aᵢ + bᵢλ ≡ 0 mod n. */
  glv: {
    a1: 0x3086d221a7d46bcde86c90e49284eb15n,
    b1: -0xe4437ed6010e88286f547fa90abfe4c3n,
    a2: 0x114ca50f7a8e2f3f657c1108d9d44cfd8n,
    b2: 0x3086d221a7d46bcde86c90e49284eb15n,
  },
} as const;
