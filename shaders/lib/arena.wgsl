// Messages in the arena, by `offset` and `length`.
struct Message {
  offset: u32,
  length: u32,
}
@group(0) @binding(2) var<storage, read> arena: array<u32>;

fn isOutOfBounds(message: Message) -> bool {
  return message.offset > parameters.arenaLength ||
         message.length > parameters.arenaLength - message.offset;
}

// The four message bytes at byte `at` of the arena buffer, little-endian, on any alignment.
fn arenaWord(at: u32) -> u32 {
  let low = arena[at >> 2u];
  let shift = (at & 3u) * 8u;
  if (shift == 0u) {
    return low;
  }
  return (low >> shift) | (arena[(at >> 2u) + 1u] << (32u - shift));
}

// Word `index`, little-endian, of the block that begins at byte `at` of the arena buffer and of which `left` bytes are message
// (negative where the message ended before): after the message the byte `marker`, then zeros.
fn paddedWord(at: u32, left: i32, index: u32, marker: u32) -> u32 {
  let begin = i32(index * 4u);
  if (begin > left) {
    return 0u;
  }
  if (begin + 4 <= left) {
    return arenaWord(at + index * 4u);
  }
  let bits = u32(left - begin) * 8u;
  var word = marker << bits;
  if (bits > 0u) {
    word |= arenaWord(at + index * 4u) & ((1u << bits) - 1u);
  }
  return word;
}
