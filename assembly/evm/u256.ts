/**
 * 256-bit arithmetic of the EVM (Yellow Paper, appendix H).
 *
 * A word is four u64 limbs in memory, lowest limb first. Operands and results are pointers and may alias unless a function says
 * otherwise. Division is Knuth's algorithm D (TAOCP vol. 2, 4.3.1) over 32-bit digits.
 */

/** Scratch of one instance, `SCRATCH_BYTES` long: division digits and intermediate words. Set once by the host of the instance. */
let scratch: usize = 0;

/** Bytes that `setScratch` needs. */
export const SCRATCH_BYTES: usize = 512;

/** Names the scratch memory of this instance. */
export function setScratch(pointer: usize): void {
  scratch = pointer;
}

/** High half of the 128-bit product. */
// @ts-ignore: decorator
@inline
function mulHigh(x: u64, y: u64): u64 {
  const xl = x & 0xffffffff;
  const xh = x >> 32;
  const yl = y & 0xffffffff;
  const yh = y >> 32;
  const t = xh * yl + ((xl * yl) >> 32); // <= 2^64 - 2^32
  const u = xl * yh + (t & 0xffffffff); // <= 2^64 - 2^32
  return xh * yh + (t >> 32) + (u >> 32);
}

// @ts-ignore: decorator
@inline
export function copy(r: usize, a: usize): void {
  // Not as two vectors: a vector load cannot be served from the narrower stores that have often just gone before.
  const a0 = load<u64>(a);
  const a1 = load<u64>(a, 8);
  const a2 = load<u64>(a, 16);
  const a3 = load<u64>(a, 24);
  store<u64>(r, a0);
  store<u64>(r, a1, 8);
  store<u64>(r, a2, 16);
  store<u64>(r, a3, 24);
}

// @ts-ignore: decorator
@inline
export function setU64(r: usize, value: u64): void {
  store<u64>(r, value);
  store<u64>(r, 0, 8);
  store<u64>(r, 0, 16);
  store<u64>(r, 0, 24);
}

// @ts-ignore: decorator
@inline
export function isZero(a: usize): bool {
  return (load<u64>(a) | load<u64>(a, 8) | load<u64>(a, 16) | load<u64>(a, 24)) == 0;
}

/** Whether the word fits in 64 bits. */
// @ts-ignore: decorator
@inline
export function fits64(a: usize): bool {
  return (load<u64>(a, 8) | load<u64>(a, 16) | load<u64>(a, 24)) == 0;
}

// @ts-ignore: decorator
@inline
export function eq(a: usize, b: usize): bool {
  return (
    ((load<u64>(a) ^ load<u64>(b)) |
      (load<u64>(a, 8) ^ load<u64>(b, 8)) |
      (load<u64>(a, 16) ^ load<u64>(b, 16)) |
      (load<u64>(a, 24) ^ load<u64>(b, 24))) ==
    0
  );
}

/** a < b, unsigned. */
// @ts-ignore: decorator
@inline
export function lt(a: usize, b: usize): bool {
  let x = load<u64>(a, 24);
  let y = load<u64>(b, 24);
  if (x != y) return x < y;
  x = load<u64>(a, 16);
  y = load<u64>(b, 16);
  if (x != y) return x < y;
  x = load<u64>(a, 8);
  y = load<u64>(b, 8);
  if (x != y) return x < y;
  return load<u64>(a) < load<u64>(b);
}

/** a < b, two's complement. */
// @ts-ignore: decorator
@inline
export function slt(a: usize, b: usize): bool {
  const x = load<i64>(a, 24);
  const y = load<i64>(b, 24);
  return x != y ? x < y : lt(a, b);
}

/** r = a + b mod 2^256; returns the carry. */
// @ts-ignore: decorator
@inline
export function add(r: usize, a: usize, b: usize): u64 {
  const a0 = load<u64>(a);
  const a1 = load<u64>(a, 8);
  const a2 = load<u64>(a, 16);
  const a3 = load<u64>(a, 24);
  const r0 = a0 + load<u64>(b);
  let carry = u64(r0 < a0);
  const t1 = a1 + load<u64>(b, 8);
  const r1 = t1 + carry;
  carry = u64(t1 < a1) | u64(r1 < t1);
  const t2 = a2 + load<u64>(b, 16);
  const r2 = t2 + carry;
  carry = u64(t2 < a2) | u64(r2 < t2);
  const t3 = a3 + load<u64>(b, 24);
  const r3 = t3 + carry;
  carry = u64(t3 < a3) | u64(r3 < t3);
  store<u64>(r, r0);
  store<u64>(r, r1, 8);
  store<u64>(r, r2, 16);
  store<u64>(r, r3, 24);
  return carry;
}

/** r = a - b mod 2^256; returns the borrow. */
// @ts-ignore: decorator
@inline
export function sub(r: usize, a: usize, b: usize): u64 {
  const a0 = load<u64>(a);
  const a1 = load<u64>(a, 8);
  const a2 = load<u64>(a, 16);
  const a3 = load<u64>(a, 24);
  const b0 = load<u64>(b);
  const b1 = load<u64>(b, 8);
  const b2 = load<u64>(b, 16);
  const b3 = load<u64>(b, 24);
  let borrow = u64(a0 < b0);
  const t1 = a1 - b1;
  const r1 = t1 - borrow;
  borrow = u64(a1 < b1) | u64(t1 < borrow);
  const t2 = a2 - b2;
  const r2 = t2 - borrow;
  borrow = u64(a2 < b2) | u64(t2 < borrow);
  const t3 = a3 - b3;
  const r3 = t3 - borrow;
  borrow = u64(a3 < b3) | u64(t3 < borrow);
  store<u64>(r, a0 - b0);
  store<u64>(r, r1, 8);
  store<u64>(r, r2, 16);
  store<u64>(r, r3, 24);
  return borrow;
}

/** r += n mod 2^256. */
// @ts-ignore: decorator
@inline
export function addSmall(r: usize, n: u64): void {
  const low = load<u64>(r) + n;
  store<u64>(r, low);
  if (low >= n) return;
  for (let i: usize = 8; i < 32; i += 8) {
    const limb = load<u64>(r + i) + 1;
    store<u64>(r + i, limb);
    if (limb) return;
  }
}

/** r = a & b. */
// @ts-ignore: decorator
@inline
export function and(r: usize, a: usize, b: usize): void {
  const r0 = load<u64>(a) & load<u64>(b);
  const r1 = load<u64>(a, 8) & load<u64>(b, 8);
  const r2 = load<u64>(a, 16) & load<u64>(b, 16);
  const r3 = load<u64>(a, 24) & load<u64>(b, 24);
  store<u64>(r, r0);
  store<u64>(r, r1, 8);
  store<u64>(r, r2, 16);
  store<u64>(r, r3, 24);
}

/** r = a | b. */
// @ts-ignore: decorator
@inline
export function or(r: usize, a: usize, b: usize): void {
  const r0 = load<u64>(a) | load<u64>(b);
  const r1 = load<u64>(a, 8) | load<u64>(b, 8);
  const r2 = load<u64>(a, 16) | load<u64>(b, 16);
  const r3 = load<u64>(a, 24) | load<u64>(b, 24);
  store<u64>(r, r0);
  store<u64>(r, r1, 8);
  store<u64>(r, r2, 16);
  store<u64>(r, r3, 24);
}

/** r = a ^ b. */
// @ts-ignore: decorator
@inline
export function xor(r: usize, a: usize, b: usize): void {
  const r0 = load<u64>(a) ^ load<u64>(b);
  const r1 = load<u64>(a, 8) ^ load<u64>(b, 8);
  const r2 = load<u64>(a, 16) ^ load<u64>(b, 16);
  const r3 = load<u64>(a, 24) ^ load<u64>(b, 24);
  store<u64>(r, r0);
  store<u64>(r, r1, 8);
  store<u64>(r, r2, 16);
  store<u64>(r, r3, 24);
}

/** r = ~a. */
// @ts-ignore: decorator
@inline
export function not(r: usize, a: usize): void {
  for (let i: usize = 0; i < 32; i += 8) store<u64>(r + i, ~load<u64>(a + i));
}

/** Exchanges two words. */
// @ts-ignore: decorator
@inline
export function swap(a: usize, b: usize): void {
  const a0 = load<u64>(a);
  const a1 = load<u64>(a, 8);
  const a2 = load<u64>(a, 16);
  const a3 = load<u64>(a, 24);
  copy(a, b);
  store<u64>(b, a0);
  store<u64>(b, a1, 8);
  store<u64>(b, a2, 16);
  store<u64>(b, a3, 24);
}

/** r = -a mod 2^256. */
function negate(r: usize, a: usize): void {
  const zero = scratch + 480;
  setU64(zero, 0);
  sub(r, zero, a);
}

/** r = a * b mod 2^256. */
export function mul(r: usize, a: usize, b: usize): void {
  const a0 = load<u64>(a);
  const b0 = load<u64>(b);
  if (fits64(a) && fits64(b)) {
    store<u64>(r, a0 * b0);
    store<u64>(r, mulHigh(a0, b0), 8);
    store<u64>(r, 0, 16);
    store<u64>(r, 0, 24);
    return;
  }
  const a1 = load<u64>(a, 8);
  const a2 = load<u64>(a, 16);
  const a3 = load<u64>(a, 24);
  const b1 = load<u64>(b, 8);
  const b2 = load<u64>(b, 16);
  const b3 = load<u64>(b, 24);
  // Column by column; carries of column 1 and 2 are counted in u64, those of column 3 drop out.
  let p = a0 * b1;
  let r1 = mulHigh(a0, b0) + p;
  let carry = u64(r1 < p);
  p = a1 * b0;
  r1 += p;
  carry += u64(r1 < p);
  let r2 = carry;
  let r3: u64 = 0;
  p = mulHigh(a0, b1);
  r2 += p;
  r3 += u64(r2 < p);
  p = mulHigh(a1, b0);
  r2 += p;
  r3 += u64(r2 < p);
  p = a0 * b2;
  r2 += p;
  r3 += u64(r2 < p);
  p = a1 * b1;
  r2 += p;
  r3 += u64(r2 < p);
  p = a2 * b0;
  r2 += p;
  r3 += u64(r2 < p);
  r3 += mulHigh(a0, b2) + mulHigh(a1, b1) + mulHigh(a2, b0);
  r3 += a0 * b3 + a1 * b2 + a2 * b1 + a3 * b0;
  store<u64>(r, a0 * b0);
  store<u64>(r, r1, 8);
  store<u64>(r, r2, 16);
  store<u64>(r, r3, 24);
}

/** Number of significant bits of the word. */
function bitLength(a: usize): i32 {
  for (let i = 3; i >= 0; i--) {
    const limb = load<u64>(a + ((<usize>i) << 3));
    if (limb) return (i << 6) + 64 - <i32>clz<u64>(limb);
  }
  return 0;
}

/** r = a * b mod 2^256; answers whether the product is larger than that. r must not alias. */
export function mulOverflows(r: usize, a: usize, b: usize): bool {
  mul(r, a, b);
  const bits = bitLength(a) + bitLength(b);
  if (bits != 257) return bits > 257; // the product has as many bits, or one less
  const product = scratch + 288;
  mulFull(product, a, b);
  return !isZero(product + 32);
}

/** The eight limbs of a * b at r; r must not alias. */
function mulFull(r: usize, a: usize, b: usize): void {
  memory.fill(r, 0, 64);
  for (let i: usize = 0; i < 32; i += 8) {
    const x = load<u64>(a + i);
    let carry: u64 = 0;
    for (let j: usize = 0; j < 32; j += 8) {
      const y = load<u64>(b + j);
      let low = x * y;
      let high = mulHigh(x, y); // <= 2^64 - 2, so that two carries fit
      const before = load<u64>(r + i + j);
      low += before;
      high += u64(low < before);
      low += carry;
      high += u64(low < carry);
      store<u64>(r + i + j, low);
      carry = high;
    }
    store<u64>(r + i + 32, carry);
  }
}

/** Number of 32-bit digits without leading zeros, of at most `digits`. */
function significantDigits(a: usize, digits: i32): i32 {
  while (digits > 0 && load<u32>(a + ((<usize>(digits - 1)) << 2)) == 0) digits--;
  return digits;
}

/**
 * Quotient (8 digits at `q`, unless `q` is 0) and remainder (8 digits at `r`, unless 0) of `u` (`uDigits` digits) by `v` (8 digits,
 * not zero). Where a quotient is asked for, `uDigits` is 8. All inputs are copied first, so results may alias them.
 */
function divideWithRemainder(u: usize, uDigits: i32, v: usize, q: usize, r: usize): void {
  const un = scratch; // 17 digits
  const vn = scratch + 96; // 8 digits
  const qn = scratch + 144; // 17 digits
  const n = significantDigits(v, 8);
  const m = significantDigits(u, uDigits);
  memory.fill(qn, 0, 68);
  if (m < n) {
    memory.copy(un, u, 32); // u < v, so that it has at most 8 digits
    if (q) memory.fill(q, 0, 32);
    if (r) memory.copy(r, un, 32);
    return;
  }
  if (n == 1) {
    const d = <u64>load<u32>(v);
    let rest: u64 = 0;
    for (let i = m - 1; i >= 0; i--) {
      const t = (rest << 32) | <u64>load<u32>(u + ((<usize>i) << 2));
      store<u32>(qn + ((<usize>i) << 2), <u32>(t / d));
      rest = t % d;
    }
    if (q) memory.copy(q, qn, 32);
    if (r) setU64(r, rest);
    return;
  }
  // Normalise so that the top digit of v has its high bit set.
  const shift = <u32>clz<u32>(load<u32>(v + ((<usize>(n - 1)) << 2)));
  const back = 32 - shift; // 32 where shift is 0; the u64 shift below then gives 0
  for (let i = n - 1; i > 0; i--) {
    const low = <u64>load<u32>(v + ((<usize>(i - 1)) << 2));
    store<u32>(
      vn + ((<usize>i) << 2),
      (load<u32>(v + ((<usize>i) << 2)) << shift) | <u32>(low >> back),
    );
  }
  store<u32>(vn, load<u32>(v) << shift);
  store<u32>(un + ((<usize>m) << 2), <u32>(<u64>load<u32>(u + ((<usize>(m - 1)) << 2)) >> back));
  for (let i = m - 1; i > 0; i--) {
    const low = <u64>load<u32>(u + ((<usize>(i - 1)) << 2));
    store<u32>(
      un + ((<usize>i) << 2),
      (load<u32>(u + ((<usize>i) << 2)) << shift) | <u32>(low >> back),
    );
  }
  store<u32>(un, load<u32>(u) << shift);
  const v1 = <u64>load<u32>(vn + ((<usize>(n - 1)) << 2));
  const v2 = <u64>load<u32>(vn + ((<usize>(n - 2)) << 2));
  for (let j = m - n; j >= 0; j--) {
    const top = un + ((<usize>(j + n)) << 2);
    const numerator = ((<u64>load<u32>(top)) << 32) | <u64>load<u32>(top - 4);
    let digit = numerator / v1;
    let rest = numerator % v1;
    // At most two corrections.
    while (digit >> 32 || digit * v2 > ((rest << 32) | <u64>load<u32>(top - 8))) {
      digit--;
      rest += v1;
      if (rest >> 32) break;
    }
    let borrow: i64 = 0;
    let carry: u64 = 0;
    for (let i = 0; i < n; i++) {
      const at = un + ((<usize>(i + j)) << 2);
      const p = digit * <u64>load<u32>(vn + ((<usize>i) << 2)) + carry;
      carry = p >> 32;
      const t = <i64>load<u32>(at) - borrow - <i64>(p & 0xffffffff);
      store<u32>(at, <u32>t);
      borrow = t < 0 ? 1 : 0;
    }
    const t = <i64>load<u32>(top) - borrow - <i64>carry;
    store<u32>(top, <u32>t);
    if (t < 0) {
      digit--;
      let c: u64 = 0;
      for (let i = 0; i < n; i++) {
        const at = un + ((<usize>(i + j)) << 2);
        const s = <u64>load<u32>(at) + <u64>load<u32>(vn + ((<usize>i) << 2)) + c;
        store<u32>(at, <u32>s);
        c = s >> 32;
      }
      store<u32>(top, load<u32>(top) + <u32>c);
    }
    store<u32>(qn + ((<usize>j) << 2), <u32>digit);
  }
  if (q) memory.copy(q, qn, 32);
  if (r) {
    for (let i = n; i < 8; i++) store<u32>(r + ((<usize>i) << 2), 0);
    for (let i = 0; i < n; i++) {
      const at = un + ((<usize>i) << 2);
      const high = i + 1 < n ? <u64>load<u32>(at + 4) : 0;
      store<u32>(r + ((<usize>i) << 2), <u32>((high << back) | <u64>(load<u32>(at) >> shift)));
    }
  }
}

/** r = a / b, 0 where b = 0. */
export function div(r: usize, a: usize, b: usize): void {
  if (isZero(b)) return setU64(r, 0);
  if (fits64(a) && fits64(b)) return setU64(r, load<u64>(a) / load<u64>(b));
  divideWithRemainder(a, 8, b, r, 0);
}

/** r = a mod b, 0 where b = 0. */
export function mod(r: usize, a: usize, b: usize): void {
  if (isZero(b)) return setU64(r, 0);
  if (fits64(a) && fits64(b)) return setU64(r, load<u64>(a) % load<u64>(b));
  divideWithRemainder(a, 8, b, 0, r);
}

// @ts-ignore: decorator
@inline
function isNegative(a: usize): bool {
  return load<i64>(a, 24) < 0;
}

/** |a| into the scratch word at `to`. */
function absolute(to: usize, a: usize): usize {
  if (isNegative(a)) negate(to, a);
  else copy(to, a);
  return to;
}

/** r = a / b in two's complement, rounded towards zero; 0 where b = 0; -2^255 / -1 = -2^255. */
export function sdiv(r: usize, a: usize, b: usize): void {
  const negative = isNegative(a) != isNegative(b);
  div(r, absolute(scratch + 224, a), absolute(scratch + 256, b));
  if (negative) negate(r, r);
}

/** r = a mod b in two's complement; the sign is that of a; 0 where b = 0. */
export function smod(r: usize, a: usize, b: usize): void {
  const negative = isNegative(a);
  mod(r, absolute(scratch + 224, a), absolute(scratch + 256, b));
  if (negative) negate(r, r);
}

/** r = (a + b) mod m over the 257-bit sum, 0 where m = 0. */
export function addmod(r: usize, a: usize, b: usize, m: usize): void {
  if (isZero(m)) return setU64(r, 0);
  const sum = scratch + 288;
  store<u64>(sum, add(sum, a, b), 32);
  divideWithRemainder(sum, 9, m, 0, r);
}

/** r = a * b mod m over the 512-bit product, 0 where m = 0. */
export function mulmod(r: usize, a: usize, b: usize, m: usize): void {
  if (isZero(m)) return setU64(r, 0);
  const product = scratch + 288;
  mulFull(product, a, b);
  divideWithRemainder(product, 16, m, 0, r);
}

/** Number of significant bytes of the word. */
export function byteLength(a: usize): i32 {
  for (let i = 3; i >= 0; i--) {
    const limb = load<u64>(a + ((<usize>i) << 3));
    if (limb) return (i << 3) + 8 - (<i32>clz<u64>(limb) >> 3);
  }
  return 0;
}

/** r = a ^ b mod 2^256. */
export function exp(r: usize, a: usize, b: usize): void {
  const base = scratch + 352;
  const power = scratch + 384;
  const result = scratch + 416;
  copy(base, a);
  copy(power, b);
  setU64(result, 1);
  const bits = byteLength(power) << 3;
  for (let i = 0; i < bits; i++) {
    if ((load<u64>(power + ((<usize>(i >> 6)) << 3)) >> <u64>(i & 63)) & 1)
      mul(result, result, base);
    mul(base, base, base);
  }
  copy(r, result);
}

/** r = x, its sign bit being bit 8k + 7 (k the byte index at `k`). */
export function signextend(r: usize, k: usize, x: usize): void {
  if (!fits64(k) || load<u64>(k) > 30) return copy(r, x);
  const bit = ((<i32>load<u64>(k)) << 3) + 7;
  const limb = bit >> 6;
  const shift = <u64>(63 - (bit & 63));
  copy(r, x);
  const at = r + ((<usize>limb) << 3);
  const extended = (load<i64>(at) << shift) >> shift;
  store<i64>(at, extended);
  for (let i = limb + 1; i < 4; i++) store<i64>(r + ((<usize>i) << 3), extended >> 63);
}

/** r = byte i of x, counted from the most significant; 0 past 31. */
export function byteAt(r: usize, i: usize, x: usize): void {
  if (!fits64(i) || load<u64>(i) > 31) return setU64(r, 0);
  setU64(r, <u64>load<u8>(x + 31 - <usize>load<u64>(i)));
}

/** r = x << n. */
export function shl(r: usize, n: usize, x: usize): void {
  if (!fits64(n) || load<u64>(n) > 255) return setU64(r, 0);
  const bits = load<u64>(n);
  const words = <usize>(bits >> 6);
  const b = bits & 63;
  let a0 = load<u64>(x);
  let a1 = load<u64>(x, 8);
  let a2 = load<u64>(x, 16);
  let a3 = load<u64>(x, 24);
  if (words == 1) {
    a3 = a2;
    a2 = a1;
    a1 = a0;
    a0 = 0;
  } else if (words == 2) {
    a3 = a1;
    a2 = a0;
    a1 = 0;
    a0 = 0;
  } else if (words == 3) {
    a3 = a0;
    a2 = 0;
    a1 = 0;
    a0 = 0;
  }
  if (b) {
    const e = 64 - b;
    a3 = (a3 << b) | (a2 >> e);
    a2 = (a2 << b) | (a1 >> e);
    a1 = (a1 << b) | (a0 >> e);
    a0 = a0 << b;
  }
  store<u64>(r, a0);
  store<u64>(r, a1, 8);
  store<u64>(r, a2, 16);
  store<u64>(r, a3, 24);
}

/** r = x >> n, filled with the 64-bit pattern `fill` (0, or all ones for an arithmetic shift of a negative word). */
// @ts-ignore: decorator
@inline
function shiftRight(r: usize, n: usize, x: usize, fill: u64): void {
  if (!fits64(n) || load<u64>(n) > 255) {
    v128.store(r, i64x2.splat(fill));
    v128.store(r, i64x2.splat(fill), 16);
    return;
  }
  const bits = load<u64>(n);
  const words = <usize>(bits >> 6);
  const b = bits & 63;
  let a0 = load<u64>(x);
  let a1 = load<u64>(x, 8);
  let a2 = load<u64>(x, 16);
  let a3 = load<u64>(x, 24);
  if (words == 1) {
    a0 = a1;
    a1 = a2;
    a2 = a3;
    a3 = fill;
  } else if (words == 2) {
    a0 = a2;
    a1 = a3;
    a2 = fill;
    a3 = fill;
  } else if (words == 3) {
    a0 = a3;
    a1 = fill;
    a2 = fill;
    a3 = fill;
  }
  if (b) {
    const e = 64 - b;
    a0 = (a0 >> b) | (a1 << e);
    a1 = (a1 >> b) | (a2 << e);
    a2 = (a2 >> b) | (a3 << e);
    a3 = (a3 >> b) | (fill << e);
  }
  store<u64>(r, a0);
  store<u64>(r, a1, 8);
  store<u64>(r, a2, 16);
  store<u64>(r, a3, 24);
}

/** r = x >> n, logical. */
export function shr(r: usize, n: usize, x: usize): void {
  shiftRight(r, n, x, 0);
}

/** r = x >> n, arithmetic. */
export function sar(r: usize, n: usize, x: usize): void {
  shiftRight(r, n, x, <u64>(load<i64>(x, 24) >> 63));
}

/** r = leading zero bits of x, 256 for zero (EIP-7939). */
export function leadingZeros(r: usize, x: usize): void {
  let zeros: u64 = 256;
  for (let i = 3; i >= 0; i--) {
    const limb = load<u64>(x + ((<usize>i) << 3));
    if (limb) {
      zeros = ((<u64>(3 - i)) << 6) + clz<u64>(limb);
      break;
    }
  }
  setU64(r, zeros);
}

/** r = the 32 big-endian bytes at `bytes`. */
// @ts-ignore: decorator
@inline
export function fromBytes(r: usize, bytes: usize): void {
  const r3 = bswap<u64>(load<u64>(bytes));
  const r2 = bswap<u64>(load<u64>(bytes, 8));
  const r1 = bswap<u64>(load<u64>(bytes, 16));
  const r0 = bswap<u64>(load<u64>(bytes, 24));
  store<u64>(r, r0);
  store<u64>(r, r1, 8);
  store<u64>(r, r2, 16);
  store<u64>(r, r3, 24);
}

/** The word at `a` as 32 big-endian bytes. */
// @ts-ignore: decorator
@inline
export function toBytes(bytes: usize, a: usize): void {
  fromBytes(bytes, a);
}

/** r = a * m mod 2^256 for a 64-bit m; returns what overflows. */
export function multiply64(r: usize, a: usize, m: u64): u64 {
  let carry: u64 = 0;
  for (let i: usize = 0; i < 32; i += 8) {
    const limb = load<u64>(a + i);
    const low = limb * m;
    const sum = low + carry;
    carry = mulHigh(limb, m) + u64(sum < low);
    store<u64>(r + i, sum);
  }
  return carry;
}
