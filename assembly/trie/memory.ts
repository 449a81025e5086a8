// Memory of the trie module: size classes with free lists for nodes, and a scratch arena that one commit fills and empties.
// Addresses are u32: the module holds at most 4 GiB. An exhausted memory traps; the host then discards the instance.

/** Classes of 16-byte steps up to 1 KiB, then powers of two up to 2 GiB. */
const SMALL_CLASSES: u32 = 64;
const CLASSES: u32 = SMALL_CLASSES + 1 + 22;
/** Heads of the free lists; a free block's first word is the next one. */
const FREE: usize = memory.data(CLASSES * 4, 16);
const GROWTH_PAGES: u32 = 256;
const SCRATCH_CHUNK: u32 = 1 << 18;

let top: usize = 0;
let end: usize = 0;
let scratchAt: usize = 0;
let scratchEnd: usize = 0;
/** Chunks in use and chunks kept for the next commit: linked through their first word. */
let scratchUsed: usize = 0;
let scratchSpare: usize = 0;

/** Forgets every block: all memory from the module's static data on is free again. */
export function resetMemory(): void {
  memory.fill(FREE, 0, CLASSES * 4);
  top = (__heap_base + 15) & ~15;
  end = usize(memory.size()) << 16;
  scratchAt = scratchEnd = scratchUsed = scratchSpare = 0;
}

/** Bytes between the start of the heap and its highest block so far. */
export function memoryInUse(): u32 {
  return <u32>(top - __heap_base);
}

// @ts-ignore: decorator
@inline
function classOf(size: u32): u32 {
  return size <= SMALL_CLASSES << 4 ? (size + 15) >> 4 : SMALL_CLASSES + 22 - clz(size - 1);
}

// @ts-ignore: decorator
@inline
function classBytes(index: u32): u32 {
  return index <= SMALL_CLASSES ? index << 4 : 1 << (index - SMALL_CLASSES + 10);
}

/** Bytes that a block asked for with `size` really has. */
export function roomOf(size: u32): u32 {
  return classBytes(classOf(size));
}

function grow(bytes: u32): void {
  const missing = (u64(top) + bytes - end + 0xffff) >> 16;
  const pages = max<u64>(missing, GROWTH_PAGES);
  if (memory.grow(<i32>pages) < 0 && memory.grow(<i32>missing) < 0) unreachable();
  end = usize(memory.size()) << 16;
  // At 65 536 pages the end wraps to 0; give the last 64 KiB up instead.
  if (end == 0) end = 0xffff0000;
  if (u64(top) + bytes > u64(end)) unreachable();
}

/** A block of at least `size` bytes (> 0) on a 16-byte boundary. */
export function allocate(size: u32): usize {
  const index = classOf(size);
  const head = load<u32>(FREE + (index << 2));
  if (head) {
    store<u32>(FREE + (index << 2), load<u32>(head));
    return head;
  }
  const bytes = classBytes(index);
  if (u64(top) + bytes > u64(end)) grow(bytes);
  const block = top;
  top += bytes;
  return block;
}

/** Gives back a block; `size` as it was asked for, or `roomOf` it. */
export function release(block: usize, size: u32): void {
  const head = FREE + (classOf(size) << 2);
  store<u32>(block, load<u32>(head));
  store<u32>(head, <u32>block);
}

/** Bytes that live until `resetScratch`; a multiple of 8, at most 256 KiB less 16. */
export function scratch(bytes: u32): usize {
  if (scratchAt + bytes > scratchEnd) {
    let chunk = scratchSpare;
    if (chunk) scratchSpare = load<u32>(chunk);
    else chunk = allocate(SCRATCH_CHUNK);
    store<u32>(chunk, <u32>scratchUsed);
    scratchUsed = chunk;
    scratchAt = chunk + 16;
    scratchEnd = chunk + SCRATCH_CHUNK;
  }
  const block = scratchAt;
  scratchAt += bytes;
  return block;
}

/** Empties the scratch arena and keeps its chunks. */
export function resetScratch(): void {
  while (scratchUsed) {
    const chunk = scratchUsed;
    scratchUsed = load<u32>(chunk);
    store<u32>(chunk, <u32>scratchSpare);
    scratchSpare = chunk;
  }
  scratchAt = scratchEnd = 0;
}
