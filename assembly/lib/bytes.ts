// Bytes of any length, without touching what lies beyond them. For short ones: `memory.copy` and `memory.fill` leave the module, which
// takes longer than these few instructions.

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

/** Copies `length` bytes between places that do not overlap. */
export function copyBytes(to: usize, from: usize, length: usize): void {
  if (length >= 16) {
    const last = length - 16;
    for (let i: usize = 0; i < last; i += 16) v128.store(to + i, v128.load(from + i));
    v128.store(to + last, v128.load(from + last));
  } else if (length >= 8) {
    store<u64>(to, load<u64>(from));
    store<u64>(to + length - 8, load<u64>(from + length - 8));
  } else if (length >= 4) {
    store<u32>(to, load<u32>(from));
    store<u32>(to + length - 4, load<u32>(from + length - 4));
  } else if (length > 0) {
    const middle = length >> 1;
    const last = length - 1;
    store<u8>(to, load<u8>(from));
    store<u8>(to + middle, load<u8>(from + middle));
    store<u8>(to + last, load<u8>(from + last));
  }
}

/** Sets `length` bytes to zero. */
export function zeroBytes(to: usize, length: usize): void {
  if (length >= 16) {
    const last = length - 16;
    for (let i: usize = 0; i < last; i += 16) v128.store(to + i, i64x2.splat(0));
    v128.store(to + last, i64x2.splat(0));
  } else if (length >= 8) {
    store<u64>(to, 0);
    store<u64>(to + length - 8, 0);
  } else if (length >= 4) {
    store<u32>(to, 0);
    store<u32>(to + length - 4, 0);
  } else {
    for (let i: usize = 0; i < length; i++) store<u8>(to + i, 0);
  }
}
