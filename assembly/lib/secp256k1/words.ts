// 256-bit integers as four u64 words, least significant first: the form between wire bytes and limbs.

/** The 32 big-endian bytes at `from` as words at `to`. */
export function wordsFromBytes(to: usize, from: usize): void {
  const w0 = bswap(load<u64>(from, 24));
  const w1 = bswap(load<u64>(from, 16));
  const w2 = bswap(load<u64>(from, 8));
  const w3 = bswap(load<u64>(from));
  wordsSet(to, w0, w1, w2, w3);
}

/** The words at `from` as 32 big-endian bytes at `to`. */
export function wordsToBytes(to: usize, from: usize): void {
  const w0 = bswap(load<u64>(from));
  const w1 = bswap(load<u64>(from, 8));
  const w2 = bswap(load<u64>(from, 16));
  const w3 = bswap(load<u64>(from, 24));
  wordsSet(to, w3, w2, w1, w0);
}

// @ts-ignore: decorator
@inline
export function wordsSet(to: usize, w0: u64, w1: u64, w2: u64, w3: u64): void {
  store<u64>(to, w0);
  store<u64>(to, w1, 8);
  store<u64>(to, w2, 16);
  store<u64>(to, w3, 24);
}

// @ts-ignore: decorator
@inline
export function wordsCopy(to: usize, from: usize): void {
  v128.store(to, v128.load(from));
  v128.store(to, v128.load(from, 16), 16);
}

export function wordsAreZero(a: usize): bool {
  return (load<u64>(a) | load<u64>(a, 8) | load<u64>(a, 16) | load<u64>(a, 24)) == 0;
}

export function wordsEqual(a: usize, b: usize): bool {
  let difference: u64 = 0;
  for (let i: usize = 0; i < 32; i += 8) difference |= load<u64>(a + i) ^ load<u64>(b + i);
  return difference == 0;
}

/** a ≥ b. */
export function wordsAtLeast(a: usize, b: usize): bool {
  for (let i: i32 = 24; i >= 0; i -= 8) {
    const x = load<u64>(a + i);
    const y = load<u64>(b + i);
    if (x != y) return x > y;
  }
  return true;
}

/** to = a + b mod 2^256; the carry. */
export function wordsAdd(to: usize, a: usize, b: usize): u64 {
  let carry: u64 = 0;
  for (let i: usize = 0; i < 32; i += 8) {
    const x = load<u64>(a + i);
    const partial = x + carry;
    const total = partial + load<u64>(b + i);
    carry = u64(partial < x) | u64(total < partial);
    store<u64>(to + i, total);
  }
  return carry;
}

/** to = a − b mod 2^256; the borrow. */
export function wordsSubtract(to: usize, a: usize, b: usize): u64 {
  let borrow: u64 = 0;
  for (let i: usize = 0; i < 32; i += 8) {
    const x = load<u64>(a + i);
    const partial = x - borrow;
    const subtrahend = load<u64>(b + i);
    store<u64>(to + i, partial - subtrahend);
    borrow = u64(partial > x) | u64(partial < subtrahend);
  }
  return borrow;
}
