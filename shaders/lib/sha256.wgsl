// SHA-256 of messages of any length, a turn at a time (FIPS 180-4 §5.1.1, §6.2). A turn takes at most BLOCKS_PER_TURN blocks of
// a message, so that no message, however long, keeps the device from answering; the state rests in a buffer between turns.
#include "lib/bytes.wgsl"
#include "lib/messages.wgsl"
#include "generated/sha256.wgsl"
// Word-major: word i of item k is chaining[i * capacity + k].
@group(0) @binding(5) var<storage, read_write> chaining: array<u32>;

const BLOCK_BYTES = 64u;
// One more than repeatPerMessageBytes (131 008) holds: the padding may need a block of its own.
const BLOCKS_PER_TURN = 2048u;

fn blocksOf(message: Message) -> u32 {
  return (message.length + 8u) / BLOCK_BYTES + 1u;
}

// The state after the blocks of this turn, `first` … `last` - 1.
fn sha256Turn(item: u32, message: Message, first: u32, last: u32, blocks: u32) -> Sha256State {
  var state = SHA256_START;
  if (turn > 0u) {
    for (var word = 0u; word < 8u; word++) {
      state[word] = chaining[word * parameters.capacity + item];
    }
  }
  // An empty message may lie anywhere, before the chunk's part of the arena too; none of its bytes is read.
  let base = message.offset - parameters.arenaStart;
  for (var block = first; block < last; block++) {
    let at = base + block * BLOCK_BYTES;
    let left = i32(message.length) - i32(block * BLOCK_BYTES);
    var words: Sha256Block;
    for (var word = 0u; word < 16u; word++) {
      words[word] = swapBytes(paddedWord(at, left, word, 0x80u));
    }
    if (block + 1u == blocks) {
      words[14] = message.length >> 29u;
      words[15] = message.length << 3u;
    }
    state = sha256Compress(state, words);
  }
  return state;
}

fn storeState(item: u32, state: Sha256State) {
  for (var word = 0u; word < 8u; word++) {
    chaining[word * parameters.capacity + item] = state[word];
  }
}

fn answer(item: u32, state: Sha256State) {
  verdicts[item] = VERDICT_VALID;
  for (var word = 0u; word < 8u; word++) {
    results[item * 8u + word] = swapBytes(state[word]);
  }
}
