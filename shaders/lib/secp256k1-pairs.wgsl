// Limbs in memory: two to a word, the even one low.
alias Pairs = array<u32, 10>;

fn limbsFromPairs(w: Pairs) -> Limbs {
  return Limbs(
    w[0] & 0xffffu, w[0] >> 16u, w[1] & 0xffffu, w[1] >> 16u, w[2] & 0xffffu, w[2] >> 16u,
    w[3] & 0xffffu, w[3] >> 16u, w[4] & 0xffffu, w[4] >> 16u, w[5] & 0xffffu, w[5] >> 16u,
    w[6] & 0xffffu, w[6] >> 16u, w[7] & 0xffffu, w[7] >> 16u, w[8] & 0xffffu, w[8] >> 16u,
    w[9] & 0xffffu, w[9] >> 16u);
}

// x: limbs ≤ 65535.
fn pairsFromLimbs(x: Limbs) -> Pairs {
  return Pairs(
    x[0] | (x[1] << 16u), x[2] | (x[3] << 16u), x[4] | (x[5] << 16u), x[6] | (x[7] << 16u),
    x[8] | (x[9] << 16u), x[10] | (x[11] << 16u), x[12] | (x[13] << 16u), x[14] | (x[15] << 16u),
    x[16] | (x[17] << 16u), x[18] | (x[19] << 16u));
}
