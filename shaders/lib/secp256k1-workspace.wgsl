// The numbers of each item between stages. Word-major, so that neighbouring invocations touch neighbouring words: word w of
// item i is workspace[w * capacity + i]. A row of 10 words takes an element in any form:
// 20 limbs, two to a word, or 8 words.
@group(0) @binding(1) var<storage, read_write> workspace: array<u32>;

// Rows of elements.
const POINT_X = 0u;
const POINT_Y = 1u;
// r⁻¹ mod n, later Z⁻¹ mod p.
const INVERSE = 2u;
// Products of the items before this one in a batched inversion.
const PREFIX = 3u;
// The running sum u₁G + u₂P.
const SUM_X = 4u;
const SUM_Y = 5u;
const SUM_Z = 6u;
// Digits of the ladder (10 words) and of the comb (9 words), in words from here on.
const LADDER_WORDS = 70u;
const COMB_WORDS = 80u;

fn loadWord(word: u32, item: u32) -> u32 {
  return workspace[word * parameters.capacity + item];
}

fn storeWord(word: u32, item: u32, value: u32) {
  workspace[word * parameters.capacity + item] = value;
}
