// The generator's multiples for 7-comb.wgsl: with b bits a digit, m · 2ᵇⁱ · G for m = 1 … 2ᵇ⁻¹, as x and y in 10 words of two
// limbs each, or 8 words. Built into dist/ rather than committed: 338 KB for 8 bits that follow from three numbers.
import { limbsOf } from "./wgsl/limb-field.mjs";
import { combOf } from "./wgsl/secp256k1-model.mjs";
import { wordsOf } from "./wgsl/word-field.mjs";

const mod = (value, modulus) => ((value % modulus) + modulus) % modulus;

/** Inverses of all values at once (Montgomery's trick). @param {bigint[]} values @param {bigint} p */
function inverses(values, p) {
  const prefixes = [1n];
  for (const value of values) prefixes.push((prefixes.at(-1) * value) % p);
  let inverse = 1n;
  for (let base = prefixes.at(-1), e = p - 2n; e > 0n; e >>= 1n, base = (base * base) % p) {
    if (e & 1n) inverse = (inverse * base) % p;
  }
  const out = Array(values.length);
  for (let i = values.length - 1; i >= 0; i--) {
    out[i] = (inverse * prefixes[i]) % p;
    inverse = (inverse * values[i]) % p;
  }
  return out;
}

/** aᵢ + bᵢ for lists of affine points; aᵢ = bᵢ is doubled, aᵢ = -bᵢ does not occur below the group's order. */
function addAll(left, right, p) {
  const slopes = left.map(([x1, y1], i) => {
    const [x2, y2] = right[i];
    return x1 === x2 && y1 === y2 ? [3n * x1 * x1, 2n * y1] : [y2 - y1, x2 - x1];
  });
  const inverted = inverses(
    slopes.map(([, bottom]) => mod(bottom, p)),
    p,
  );
  return left.map(([x1, y1], i) => {
    const slope = mod(slopes[i][0] * inverted[i], p);
    const x = mod(slope * slope - x1 - right[i][0], p);
    return [x, mod(slope * (x1 - x) - y1, p)];
  });
}

/** A coordinate as it lies in memory. */
function inMemory(coordinate, form) {
  if (form.words) return wordsOf(coordinate).map(Number);
  const limbs = limbsOf(coordinate).map(Number);
  return Array.from({ length: 10 }, (_, k) => limbs[2 * k] | (limbs[2 * k + 1] << 16));
}

/**
 * @param {{p: bigint, gx: bigint, gy: bigint}} curve
 * @param {import("./wgsl/secp256k1-model.mjs").BUILT} form
 * @returns {Uint8Array}
 */
export function generatorTable({ p, gx, gy }, form) {
  const { bits, digits } = combOf(form.combBits);
  const bases = [[gx, gy]];
  for (let i = 1; i < digits; i++) {
    let base = [bases.at(-1)];
    for (let bit = 0; bit < bits; bit++) base = addAll(base, base, p);
    bases.push(base[0]);
  }
  const multiples = 1 << (bits - 1);
  const size = form.words ? 8 : 10;
  const words = new Uint32Array(digits * multiples * 2 * size);
  let column = bases;
  for (let m = 1; m <= multiples; m++) {
    column.forEach((point, i) => {
      point.forEach((coordinate, axis) => {
        words.set(inMemory(coordinate, form), ((i * multiples + m - 1) * 2 + axis) * size);
      });
    });
    if (m < multiples) column = addAll(column, bases, p);
  }
  return new Uint8Array(words.buffer);
}
