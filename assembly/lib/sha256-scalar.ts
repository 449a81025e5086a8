/**
 * SHA-256 over one message (FIPS 180-4). State, schedule and constants lie in memory that the caller names.
 */

/** Bytes of the table that `initializeConstants` fills: 64 round constants and 8 initial words. */
export const CONSTANTS_BYTES: usize = 288;
/** Bytes of scratch that `sha256` needs: 8 state words, 64 schedule words, one padding block of two. */
export const STATE_BYTES: usize = 416;

/** Floor of the square (or cube) root's fraction times 2^32, by bisection in 128-bit-free integer steps. */
function rootFraction(prime: u64, cube: bool): u32 {
  // Bitwise search for the largest x with x^k <= prime * 2^(32k), x = floor(root * 2^32).
  let whole: u64 = 1;
  while (
    cube ? (whole + 1) * (whole + 1) * (whole + 1) <= prime : (whole + 1) * (whole + 1) <= prime
  )
    whole++;
  let x = whole; // root scaled by 2^bits, bits growing to 32
  for (let bits = 1; bits <= 32; bits++) {
    const y = (x << 1) | 1;
    if (powerAtMost(y, cube, prime, bits)) x = y;
    else x = x << 1;
  }
  return <u32>x;
}

/** Whether y^k <= prime * 2^(bits k), compared through 128-bit (square) or 192-bit (cube) products of 32-bit digits. */
function powerAtMost(y: u64, cube: bool, prime: u64, bits: i32): bool {
  // y < 2^37 (roots of primes below 312 are below 18). Digits of 32 bits: y = y1 2^32 + y0.
  const y0 = y & 0xffffffff;
  const y1 = y >> 32;
  let t = y0 * y0;
  const s0 = t & 0xffffffff;
  t = (t >> 32) + 2 * (y0 * y1);
  const s1 = t & 0xffffffff;
  const s2 = (t >> 32) + y1 * y1; // < 2^11
  let d0 = s0;
  let d1 = s1;
  let d2 = s2;
  let d3: u64 = 0;
  let d4: u64 = 0;
  if (cube) {
    t = s0 * y0;
    d0 = t & 0xffffffff;
    t = (t >> 32) + s1 * y0;
    const carry = t >> 32;
    t = (t & 0xffffffff) + s0 * y1;
    d1 = t & 0xffffffff;
    t = (t >> 32) + carry + s2 * y0 + s1 * y1;
    d2 = t & 0xffffffff;
    t = (t >> 32) + s2 * y1;
    d3 = t & 0xffffffff;
    d4 = t >> 32;
  }
  // Digits of prime << (bits * k).
  const shift = bits * (cube ? 3 : 2);
  const digit = shift >> 5;
  const scaled = prime << (<u64>(shift & 31));
  const low = scaled & 0xffffffff;
  const high = scaled >> 32;
  for (let i = 4; i >= 0; i--) {
    const have = i == 4 ? d4 : i == 3 ? d3 : i == 2 ? d2 : i == 1 ? d1 : d0;
    const limit: u64 = i == digit ? low : i == digit + 1 ? high : 0;
    if (have != limit) return have < limit;
  }
  return true;
}

/** Fills the round constants (cube roots of the first 64 primes) and the initial words (square roots of the first 8). */
export function initializeConstants(table: usize): void {
  let count: usize = 0;
  for (let candidate: u64 = 2; count < 64; candidate++) {
    let prime = true;
    for (let d: u64 = 2; d * d <= candidate; d++) if (candidate % d == 0) prime = false;
    if (!prime) continue;
    store<u32>(table + (count << 2), rootFraction(candidate, true));
    if (count < 8) store<u32>(table + 256 + (count << 2), rootFraction(candidate, false));
    count++;
  }
}

function compress(state: usize, block: usize, schedule: usize, table: usize): void {
  for (let i: usize = 0; i < 64; i += 4) store<u32>(schedule + i, bswap<u32>(load<u32>(block + i)));
  for (let i: usize = 64; i < 256; i += 4) {
    const w15 = load<u32>(schedule + i - 60);
    const w2 = load<u32>(schedule + i - 8);
    const s0 = rotr<u32>(w15, 7) ^ rotr<u32>(w15, 18) ^ (w15 >> 3);
    const s1 = rotr<u32>(w2, 17) ^ rotr<u32>(w2, 19) ^ (w2 >> 10);
    store<u32>(schedule + i, load<u32>(schedule + i - 64) + s0 + load<u32>(schedule + i - 28) + s1);
  }
  let a = load<u32>(state);
  let b = load<u32>(state, 4);
  let c = load<u32>(state, 8);
  let d = load<u32>(state, 12);
  let e = load<u32>(state, 16);
  let f = load<u32>(state, 20);
  let g = load<u32>(state, 24);
  let h = load<u32>(state, 28);
  for (let i: usize = 0; i < 256; i += 4) {
    const s1 = rotr<u32>(e, 6) ^ rotr<u32>(e, 11) ^ rotr<u32>(e, 25);
    const t1 = h + s1 + ((e & f) ^ (~e & g)) + load<u32>(table + i) + load<u32>(schedule + i);
    const s0 = rotr<u32>(a, 2) ^ rotr<u32>(a, 13) ^ rotr<u32>(a, 22);
    const t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  store<u32>(state, load<u32>(state) + a);
  store<u32>(state, load<u32>(state, 4) + b, 4);
  store<u32>(state, load<u32>(state, 8) + c, 8);
  store<u32>(state, load<u32>(state, 12) + d, 12);
  store<u32>(state, load<u32>(state, 16) + e, 16);
  store<u32>(state, load<u32>(state, 20) + f, 20);
  store<u32>(state, load<u32>(state, 24) + g, 24);
  store<u32>(state, load<u32>(state, 28) + h, 28);
}

/** SHA-256 of `length` bytes at `message`; 32 bytes to `digest`. `state` is `STATE_BYTES` of scratch. */
export function sha256(
  message: usize,
  length: usize,
  digest: usize,
  state: usize,
  table: usize,
): void {
  const schedule = state + 32;
  const padding = state + 288;
  memory.copy(state, table + 256, 32);
  const bits = (<u64>length) << 3;
  while (length >= 64) {
    compress(state, message, schedule, table);
    message += 64;
    length -= 64;
  }
  const padded: usize = length < 56 ? 64 : 128;
  memory.fill(padding, 0, padded);
  memory.copy(padding, message, length);
  store<u8>(padding + length, 0x80);
  store<u64>(padding + padded - 8, bswap<u64>(bits));
  compress(state, padding, schedule, table);
  if (padded == 128) compress(state, padding + 64, schedule, table);
  for (let i: usize = 0; i < 32; i += 4) store<u32>(digest + i, bswap<u32>(load<u32>(state + i)));
}
