// Memory of a kernel beyond its static data: taken once at initialize(), in order, from __heap_base up; never given back.

let next: usize = 0;

/** `bytes` zero bytes on a 64-byte boundary; grows the memory where it must. Traps where the engine has no more. */
export function reserve(bytes: usize): usize {
  const start = (reserveEnd() + 63) & ~63;
  next = start + bytes;
  const pages = <i32>((next + 0xffff) >> 16) - memory.size();
  if (pages > 0 && memory.grow(pages) < 0) unreachable();
  return start;
}

/** First byte not reserved. */
export function reserveEnd(): usize {
  return next == 0 ? __heap_base : next;
}
