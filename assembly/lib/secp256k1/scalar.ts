// Scalars mod the group order n: nine limbs of 29 bits as u64 (SC_BYTES), Montgomery form with R = 2^261, below 2n.
import {
  DIVSTEP_N,
  N,
  SC_ONE,
  SC_R_SQUARED,
  scMontgomery,
} from "../../generated/secp256k1-scalar";
import { invertWords } from "./inverse";
import { wordsAtLeast, wordsSet, wordsSubtract } from "./words";

export const SC_BYTES: usize = 72;

const M29: u64 = 0x1fffffff;

/** Words below 2^256 as limbs, not in Montgomery form. */
export function scFromWords(o: usize, w: usize): void {
  const w0 = load<u64>(w), w1 = load<u64>(w, 8), w2 = load<u64>(w, 16), w3 = load<u64>(w, 24);
  store<u64>(o, w0 & M29);
  store<u64>(o, (w0 >> 29) & M29, 8);
  store<u64>(o, ((w0 >> 58) | (w1 << 6)) & M29, 16);
  store<u64>(o, (w1 >> 23) & M29, 24);
  store<u64>(o, ((w1 >> 52) | (w2 << 12)) & M29, 32);
  store<u64>(o, (w2 >> 17) & M29, 40);
  store<u64>(o, ((w2 >> 46) | (w3 << 18)) & M29, 48);
  store<u64>(o, (w3 >> 11) & M29, 56);
  store<u64>(o, w3 >> 40, 64);
}

/** Limbs below 2n as words below n. */
export function scToWords(w: usize, a: usize): void {
  const a2 = load<u64>(a, 16), a4 = load<u64>(a, 32), a6 = load<u64>(a, 48);
  const a8 = load<u64>(a, 64);
  wordsSet(
    w,
    load<u64>(a) | (load<u64>(a, 8) << 29) | (a2 << 58),
    (a2 >> 6) | (load<u64>(a, 24) << 23) | (a4 << 52),
    (a4 >> 12) | (load<u64>(a, 40) << 17) | (a6 << 46),
    (a6 >> 18) | (load<u64>(a, 56) << 11) | (a8 << 40),
  );
  // Bit 256 lies in limb 8 only; the subtraction's borrow takes it off.
  if (a8 >> 24 || wordsAtLeast(w, N)) wordsSubtract(w, w, N);
}

const WORDS: usize = memory.data(32, 16);
const LIMBS: usize = memory.data(72, 16);

/** o = a⁻¹, both in Montgomery form; zero stays zero. */
export function scInvert(o: usize, a: usize): void {
  scToWords(WORDS, a);
  invertWords(WORDS, DIVSTEP_N);
  // (aR)⁻¹·R²·R² / R² = a⁻¹R
  scFromWords(LIMBS, WORDS);
  scMontgomery(LIMBS, LIMBS, SC_R_SQUARED);
  scMontgomery(o, LIMBS, SC_R_SQUARED);
}

/**
 * Inverses of `count` scalars by one inversion: `values` are plain limbs (none zero mod n), and become Montgomery form;
 * `inverses` become their inverses in Montgomery form. Both are arrays of SC_BYTES.
 */
export function scInvertAll(inverses: usize, values: usize, count: usize): void {
  if (count == 0) return;
  let running = SC_ONE;
  for (let i: usize = 0; i < count; i++) {
    const value = values + i * SC_BYTES;
    const product = inverses + i * SC_BYTES;
    scMontgomery(value, value, SC_R_SQUARED);
    scMontgomery(product, running, value);
    running = product;
  }
  scInvert(SUFFIX, running);
  for (let i = count - 1; i > 0; i--) {
    const inverse = inverses + i * SC_BYTES;
    scMontgomery(inverse, SUFFIX, inverse - SC_BYTES);
    scMontgomery(SUFFIX, SUFFIX, values + i * SC_BYTES);
  }
  memory.copy(inverses, SUFFIX, SC_BYTES);
}

const SUFFIX: usize = memory.data(72, 16);
