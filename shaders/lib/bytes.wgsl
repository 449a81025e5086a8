// Bytes in words.

// The word with its four bytes in the opposite order.
fn swapBytes(word: u32) -> u32 {
  return (word >> 24u) | ((word >> 8u) & 0xff00u) | ((word << 8u) & 0xff0000u) | (word << 24u);
}
