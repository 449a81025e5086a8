// Modular inverses of public values by division steps (Bernstein and Yang, "Fast constant-time gcd computation and modular
// inversion", 2019), variable time, 30 steps a block. f, g, d, e are nine signed limbs of 30 bits as i32.
import { wordsSet } from "./words";

const M30: i32 = 0x3fffffff;

const F: usize = memory.data(48, 16);
const G: usize = memory.data(48, 16);
const D: usize = memory.data(48, 16);
const E: usize = memory.data(48, 16);

/** −f⁻¹ mod 256 for odd f, by (f >> 1) & 127. */
const NEGATED_INVERSES: usize = memory.data(128, 16);

/** Fills the table of inverses mod 256. */
export function initializeInverse(): void {
  for (let i: u32 = 0; i < 128; i++) {
    const f = 2 * i + 1;
    let x: u32 = 1;
    for (let j = 0; j < 3; j++) x *= 2 - f * x; // correct bits double: 1 (3 for odd squares), …, 8
    store<u8>(NEGATED_INVERSES + i, <u8>(0 - x));
  }
}

/** Limb i of the number at `a`, widened. */
// @ts-ignore: decorator
@inline
function limb(a: usize, i: usize): i64 {
  return <i64>load<i32>(a + (i << 2));
}

/** d += modulus. */
function addModulus(modulus: usize): void {
  let carry: i64 = 0;
  for (let i: usize = 0; i < 8; i++) {
    carry += limb(D, i) + limb(modulus, i);
    store<i32>(D + (i << 2), <i32>carry & M30);
    carry >>= 30;
  }
  store<i32>(D, <i32>(carry + limb(D, 8) + limb(modulus, 8)), 32);
}

/**
 * Replaces the words at `w`, below the modulus, by their inverse; zero stays zero.
 *
 * @param modulus DIVSTEP_P or DIVSTEP_N: nine limbs, then the inverse of the modulus mod 2^30.
 */
export function invertWords(w: usize, modulus: usize): void {
  const w0 = load<u64>(w);
  const w1 = load<u64>(w, 8);
  const w2 = load<u64>(w, 16);
  const w3 = load<u64>(w, 24);
  store<i32>(G, <i32>w0 & M30);
  store<i32>(G, <i32>(w0 >> 30) & M30, 4);
  store<i32>(G, <i32>((w0 >> 60) | (w1 << 4)) & M30, 8);
  store<i32>(G, <i32>(w1 >> 26) & M30, 12);
  store<i32>(G, <i32>((w1 >> 56) | (w2 << 8)) & M30, 16);
  store<i32>(G, <i32>(w2 >> 22) & M30, 20);
  store<i32>(G, <i32>((w2 >> 52) | (w3 << 12)) & M30, 24);
  store<i32>(G, <i32>(w3 >> 18) & M30, 28);
  store<i32>(G, <i32>(w3 >> 48), 32);
  memory.copy(F, modulus, 36);
  memory.fill(D, 0, 36);
  memory.fill(E, 0, 36);
  store<i32>(E, 1);
  const inverse = load<i32>(modulus, 36);
  let eta: i32 = -1;
  let length: usize = 9;

  while (true) {
    // 30 division steps on the low bits; (u, v; q, r) is their matrix times 2^30.
    let u: u32 = 1, v: u32 = 0, q: u32 = 0, r: u32 = 1;
    let f = load<u32>(F);
    let g = load<u32>(G);
    let left: i32 = 30;
    while (true) {
      const zeros = <i32>ctz(g | (<u32>0xffffffff << left));
      g >>= zeros;
      u <<= zeros;
      v <<= zeros;
      eta -= zeros;
      left -= zeros;
      if (left == 0) break;
      if (eta < 0) {
        eta = -eta;
        let swap = f;
        f = g;
        g = 0 - swap;
        swap = u;
        u = q;
        q = 0 - swap;
        swap = v;
        v = r;
        r = 0 - swap;
      }
      // Cancel as many low bits of g as the steps left, eta and the table allow.
      const limit = min<i32>(eta + 1, left);
      const mask: u32 = (<u32>0xffffffff >> (32 - limit)) & 255;
      const w = (g * load<u8>(NEGATED_INVERSES + ((f >> 1) & 127))) & mask;
      g += f * w;
      q += u * w;
      r += v * w;
    }
    const U = <i64><i32>u, V = <i64><i32>v, Q = <i64><i32>q, R = <i64><i32>r;

    // (d, e) ← matrix·(d, e) / 2^30 mod the modulus; both stay in (−2·modulus, modulus).
    const signD = load<i32>(D, 32) >> 31;
    const signE = load<i32>(E, 32) >> 31;
    let addD = (<i32>u & signD) + (<i32>v & signE);
    let addE = (<i32>q & signD) + (<i32>r & signE);
    let d = limb(D, 0), e = limb(E, 0);
    let carryD = U * d + V * e;
    let carryE = Q * d + R * e;
    addD -= (inverse * <i32>carryD + addD) & M30;
    addE -= (inverse * <i32>carryE + addE) & M30;
    carryD = (carryD + limb(modulus, 0) * <i64>addD) >> 30;
    carryE = (carryE + limb(modulus, 0) * <i64>addE) >> 30;
    for (let i: usize = 1; i < 9; i++) {
      d = limb(D, i);
      e = limb(E, i);
      const m = limb(modulus, i);
      carryD += U * d + V * e + m * <i64>addD;
      carryE += Q * d + R * e + m * <i64>addE;
      store<i32>(D + (i << 2) - 4, <i32>carryD & M30);
      store<i32>(E + (i << 2) - 4, <i32>carryE & M30);
      carryD >>= 30;
      carryE >>= 30;
    }
    store<i32>(D, <i32>carryD, 32);
    store<i32>(E, <i32>carryE, 32);

    // (f, g) ← matrix·(f, g) / 2^30, exactly.
    let carryF = (U * limb(F, 0) + V * limb(G, 0)) >> 30;
    let carryG = (Q * limb(F, 0) + R * limb(G, 0)) >> 30;
    let rest: i32 = 0;
    for (let i: usize = 1; i < length; i++) {
      const fi = limb(F, i), gi = limb(G, i);
      carryF += U * fi + V * gi;
      carryG += Q * fi + R * gi;
      const low = <i32>carryG & M30;
      rest |= low;
      store<i32>(F + (i << 2) - 4, <i32>carryF & M30);
      store<i32>(G + (i << 2) - 4, low);
      carryF >>= 30;
      carryG >>= 30;
    }
    const last = (length - 1) << 2;
    const topF = <i32>carryF, topG = <i32>carryG;
    store<i32>(F + last, topF);
    store<i32>(G + last, topG);
    if ((rest | topG) == 0) break;
    // Drop a limb that only repeats the sign of the one below.
    if (length > 1 && (topF ^ (topF >> 31)) == 0 && (topG ^ (topG >> 31)) == 0) {
      store<i32>(F + last - 4, load<i32>(F + last - 4) | (topF << 30));
      store<i32>(G + last - 4, load<i32>(G + last - 4) | (topG << 30));
      length--;
    }
  }

  // f = ±1 and the inverse is ±d. Bring d from (−2·modulus, modulus) into (−modulus, modulus), apply the sign, then into
  // [0, modulus): after the negation d may be negative again, or −0.
  if (load<i32>(D, 32) < 0) addModulus(modulus);
  if (load<i32>(F + ((length - 1) << 2)) < 0) {
    let carry: i64 = 0;
    for (let i: usize = 0; i < 8; i++) {
      carry -= limb(D, i);
      store<i32>(D + (i << 2), <i32>carry & M30);
      carry >>= 30;
    }
    store<i32>(D, <i32>(carry - limb(D, 8)), 32);
  }
  if (load<i32>(D, 32) < 0) addModulus(modulus);

  const d0 = <u64>load<u32>(D), d1 = <u64>load<u32>(D, 4), d2 = <u64>load<u32>(D, 8);
  const d3 = <u64>load<u32>(D, 12), d4 = <u64>load<u32>(D, 16), d5 = <u64>load<u32>(D, 20);
  const d6 = <u64>load<u32>(D, 24), d7 = <u64>load<u32>(D, 28), d8 = <u64>load<u32>(D, 32);
  wordsSet(
    w,
    d0 | (d1 << 30) | (d2 << 60),
    (d2 >> 4) | (d3 << 26) | (d4 << 56),
    (d4 >> 8) | (d5 << 22) | (d6 << 52),
    (d6 >> 12) | (d7 << 18) | (d8 << 48),
  );
}
