// The numbers of each item between stages. Word-major, so that neighbouring invocations touch neighbouring words: word w of
// item i is workspace[w * capacity + i]. An element is 10 words of two limbs each (limbs ≤ 8192 fit in 16 bits).
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

fn loadLimbs(row: u32, item: u32) -> Limbs {
  let w = row * 10u;
  return limbsFromPairs(array<u32, 10>(
    loadWord(w, item), loadWord(w + 1u, item), loadWord(w + 2u, item), loadWord(w + 3u, item),
    loadWord(w + 4u, item), loadWord(w + 5u, item), loadWord(w + 6u, item), loadWord(w + 7u, item),
    loadWord(w + 8u, item), loadWord(w + 9u, item)));
}

fn storeLimbs(row: u32, item: u32, x: Limbs) {
  let w = row * 10u;
  let pairs = pairsFromLimbs(x);
  storeWord(w, item, pairs[0]);
  storeWord(w + 1u, item, pairs[1]);
  storeWord(w + 2u, item, pairs[2]);
  storeWord(w + 3u, item, pairs[3]);
  storeWord(w + 4u, item, pairs[4]);
  storeWord(w + 5u, item, pairs[5]);
  storeWord(w + 6u, item, pairs[6]);
  storeWord(w + 7u, item, pairs[7]);
  storeWord(w + 8u, item, pairs[8]);
  storeWord(w + 9u, item, pairs[9]);
}
