// Reading messages of any length without reading beyond them.

/** The `length` < 8 bytes at `bytes` as a little-endian integer. */
export function loadTail(bytes: usize, length: u32): u64 {
  if (length >= 4) {
    const high = <u64>load<u32>(bytes + length - 4);
    return <u64>load<u32>(bytes) | (high << ((length - 4) << 3));
  }
  if (length === 0) return 0;
  // One to three bytes: first, middle and last cover them all.
  const middle = length >> 1;
  const last = length - 1;
  return (
    <u64>load<u8>(bytes) |
    (<u64>load<u8>(bytes + middle) << (middle << 3)) |
    (<u64>load<u8>(bytes + last) << (last << 3))
  );
}
