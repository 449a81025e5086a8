// The generator's multiples for 7-comb.wgsl: m · 256ⁱ · G, m = 1 … 128, i = 0 … 32, as x and y in 10 words of two limbs each.
// Built into dist/ rather than committed: 338 KB that follow from three numbers.
import { limbsOf } from "./wgsl/limb-field.mjs";
import { COMB } from "./wgsl/secp256k1-model.mjs";

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

/** @param {{p: bigint, gx: bigint, gy: bigint}} curve @returns {Uint8Array} */
export function generatorTable({ p, gx, gy }) {
  const bases = [[gx, gy]];
  for (let i = 1; i < COMB.digits; i++) {
    let base = [bases.at(-1)];
    for (let bit = 0; bit < COMB.bits; bit++) base = addAll(base, base, p);
    bases.push(base[0]);
  }
  const multiples = 1 << (COMB.bits - 1);
  const words = new Uint32Array(COMB.digits * multiples * 20);
  let column = bases;
  for (let m = 1; m <= multiples; m++) {
    column.forEach((point, i) => {
      point.forEach((coordinate, axis) => {
        const limbs = limbsOf(coordinate).map(Number);
        const at = ((i * multiples + m - 1) * 2 + axis) * 10;
        for (let k = 0; k < 10; k++) words[at + k] = limbs[2 * k] | (limbs[2 * k + 1] << 16);
      });
    });
    if (m < multiples) column = addAll(column, bases, p);
  }
  return new Uint8Array(words.buffer);
}
