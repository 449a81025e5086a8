// Square roots mod p of two elements, or four, at once.
import { FE_BYTES, feCopy, feMul, feMul2, feSqr, feSqr2 } from "./field";

/** Scratch of the square root: ten elements for each of two vectors. */
const CHAIN: usize = memory.data(1600, 16);

/** o0 = a0^(2^times), and o1 of a1 where `both`. */
function sqrTimes(o0: usize, a0: usize, o1: usize, a1: usize, times: i32, both: bool): void {
  if (both) {
    feSqr2(o0, a0, o1, a1);
    for (let i = 1; i < times; i++) feSqr2(o0, o0, o1, o1);
  } else {
    feSqr(o0, a0);
    for (let i = 1; i < times; i++) feSqr(o0, o0);
  }
}

/** Element `index` of the chain's scratch becomes scratch[from]^(2^times)·(scratch[by]). */
function chainStep(index: usize, from: usize, times: i32, by: usize, both: bool): void {
  const o = CHAIN + index * 160, a = CHAIN + from * 160, b = CHAIN + by * 160;
  sqrTimes(o, a, o + FE_BYTES, a + FE_BYTES, times, both);
  if (both) feMul2(o, o, b, o + FE_BYTES, o + FE_BYTES, b + FE_BYTES);
  else feMul(o, o, b);
}

/**
 * o0 = a0^((p + 1)/4), a square root of a0 where there is one; o1 of a1 too where `both`.
 * The exponent is 223 ones, 0, 22 ones, 0000, 11, 00: 253 squarings and 13 products by the usual chain of 2^k − 1.
 */
export function feSquareRoot(o0: usize, a0: usize, o1: usize, a1: usize, both: bool): void {
  // Scratch by how many ones: 0: 1, 1: 2, 2: 3, 3: 6, 4: 9 then 11, 5: 22, 6: 44, 7: 88, 8: 176 and on.
  feCopy(CHAIN, a0);
  if (both) feCopy(CHAIN + FE_BYTES, a1);
  chainStep(1, 0, 1, 0, both);
  chainStep(2, 1, 1, 0, both);
  chainStep(3, 2, 3, 2, both);
  chainStep(4, 3, 3, 2, both);
  chainStep(4, 4, 2, 1, both);
  chainStep(5, 4, 11, 4, both);
  chainStep(6, 5, 22, 5, both);
  chainStep(7, 6, 44, 6, both);
  chainStep(8, 7, 88, 7, both);
  chainStep(8, 8, 44, 6, both);
  chainStep(8, 8, 3, 2, both);
  chainStep(8, 8, 23, 5, both);
  chainStep(8, 8, 6, 1, both);
  const last = CHAIN + 8 * 160;
  sqrTimes(o0, last, o1, last + FE_BYTES, 2, both);
}
