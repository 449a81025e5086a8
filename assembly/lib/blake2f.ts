/**
 * The BLAKE2b compression function F (RFC 7693 §3.2) as EIP-152 calls it: with any number of rounds.
 *
 * The 16 words of v are four rows of two vectors; the four G of a half round run side by side.
 */

/** Message word order of round r mod 10: sixteen nibbles, the first lowest (RFC 7693 §2.7). */
function sigma(round: u32): u64 {
  switch (round) {
    case 0:
      return 0xfedcba9876543210;
    case 1:
      return 0x357b20c16df984ae;
    case 2:
      return 0x491763eadf250c8b;
    case 3:
      return 0x8f04a562ebcd1397;
    case 4:
      return 0xd386cb1efa427509;
    case 5:
      return 0x91ef57d438b0a6c2;
    case 6:
      return 0xb8293670a4def15c;
    case 7:
      return 0xa2684f05931ce7bd;
    case 8:
      return 0x5a417d2c803b9ef6;
    default:
      return 0x0dc3e9bf5167482a;
  }
}

// @ts-ignore: decorator
@inline
function word(message: usize, order: u64, index: u64): u64 {
  return load<u64>(message + ((<usize>((order >> (index << 2)) & 15)) << 3));
}

/** Message words `i` and `j` of the round's order. */
// @ts-ignore: decorator
@inline
function pair(message: usize, order: u64, i: u64, j: u64): v128 {
  return i64x2.replace_lane(i64x2.splat(word(message, order, i)), 1, word(message, order, j));
}

// @ts-ignore: decorator
@inline
function rotate(x: v128, right: i32): v128 {
  return v128.or(i64x2.shr_u(x, right), i64x2.shl(x, 64 - right));
}

/** Compresses: 8 words of state at `h` in place, 16 words of message, t as two u64, the final flag. `iv` is the table below. */
export function compress(
  h: usize,
  message: usize,
  t0: u64,
  t1: u64,
  last: bool,
  rounds: u32,
  iv: usize,
): void {
  let a0 = v128.load(h);
  let a1 = v128.load(h, 16);
  let b0 = v128.load(h, 32);
  let b1 = v128.load(h, 48);
  let c0 = v128.load(iv);
  let c1 = v128.load(iv, 16);
  let d0 = v128.xor(v128.load(iv, 32), i64x2.replace_lane(i64x2.splat(t0), 1, t1));
  let d1 = v128.load(iv, 48);
  if (last) d1 = v128.xor(d1, i64x2(-1, 0));
  for (let round: u32 = 0, turn: u32 = 0; round < rounds; round++) {
    const order = sigma(turn);
    turn = turn == 9 ? 0 : turn + 1;
    for (let half: u64 = 0; half < 16; half += 8) {
      a0 = i64x2.add(i64x2.add(a0, b0), pair(message, order, half, half + 2));
      a1 = i64x2.add(i64x2.add(a1, b1), pair(message, order, half + 4, half + 6));
      d0 = rotate(v128.xor(d0, a0), 32);
      d1 = rotate(v128.xor(d1, a1), 32);
      c0 = i64x2.add(c0, d0);
      c1 = i64x2.add(c1, d1);
      b0 = rotate(v128.xor(b0, c0), 24);
      b1 = rotate(v128.xor(b1, c1), 24);
      a0 = i64x2.add(i64x2.add(a0, b0), pair(message, order, half + 1, half + 3));
      a1 = i64x2.add(i64x2.add(a1, b1), pair(message, order, half + 5, half + 7));
      d0 = rotate(v128.xor(d0, a0), 16);
      d1 = rotate(v128.xor(d1, a1), 16);
      c0 = i64x2.add(c0, d0);
      c1 = i64x2.add(c1, d1);
      b0 = rotate(v128.xor(b0, c0), 63);
      b1 = rotate(v128.xor(b1, c1), 63);
      // Columns to diagonals, and back after the second half: rows b, c, d turn by one, two, three words.
      const forth = half == 0;
      const bl = b0;
      const bh = b1;
      const dl = d0;
      const dh = d1;
      const middle = v128.shuffle<u64>(bl, bh, 1, 2);
      const outer = v128.shuffle<u64>(bh, bl, 1, 2);
      b0 = forth ? middle : outer;
      b1 = forth ? outer : middle;
      const c = c0;
      c0 = c1;
      c1 = c;
      const dMiddle = v128.shuffle<u64>(dl, dh, 1, 2);
      const dOuter = v128.shuffle<u64>(dh, dl, 1, 2);
      d0 = forth ? dOuter : dMiddle;
      d1 = forth ? dMiddle : dOuter;
    }
  }
  v128.store(h, v128.xor(v128.load(h), v128.xor(a0, c0)));
  v128.store(h, v128.xor(v128.load(h, 16), v128.xor(a1, c1)), 16);
  v128.store(h, v128.xor(v128.load(h, 32), v128.xor(b0, d0)), 32);
  v128.store(h, v128.xor(v128.load(h, 48), v128.xor(b1, d1)), 48);
}

/** Fills the 64-byte initialisation vector (the same as SHA-512's). */
export function initializeVector(iv: usize): void {
  store<u64>(iv, 0x6a09e667f3bcc908);
  store<u64>(iv, 0xbb67ae8584caa73b, 8);
  store<u64>(iv, 0x3c6ef372fe94f82b, 16);
  store<u64>(iv, 0xa54ff53a5f1d36f1, 24);
  store<u64>(iv, 0x510e527fade682d1, 32);
  store<u64>(iv, 0x9b05688c2b3e6c1f, 40);
  store<u64>(iv, 0x1f83d9abfb41bd6b, 48);
  store<u64>(iv, 0x5be0cd19137e2179, 56);
}
