/**
 * Contract code by its hash, with the jump destinations of each (Yellow Paper §9.4.3), shared by all instances.
 *
 * A record: 32-byte hash, u32 length, u32 next in chain, u32 analysed, u32 delegation; the bytes at 48; then a bitmap of jump
 * destinations and the copy that is run (`fusion.ts`). At least 40 zero bytes follow the code and its copy, so that a PUSH at its end
 * reads zeros and a run off its end meets STOP.
 */
import { FIRST, fuse, INVALID, LAST } from "./fusion";
import { readCode, writeCode } from "./host";
import { keccak } from "./hash";
import { allocateCode, CODE_BUCKET_COUNT, CODE_BUCKETS, EMPTY_CODE, words } from "./layout";

const LENGTH: usize = 32;
const NEXT: usize = 36;
const ANALYSED: usize = 40;
/** 1 where the code is a delegation designator of EIP-7702. */
const DELEGATION: usize = 44;
const BYTES: usize = 48;
export const PADDING: usize = 40;

// @ts-ignore: decorator
@inline
export function codeLength(code: usize): u32 {
  return load<u32>(code, LENGTH);
}

// @ts-ignore: decorator
@inline
export function codeBytes(code: usize): usize {
  return code + BYTES;
}

// @ts-ignore: decorator
@inline
export function isDelegation(code: usize): bool {
  return load<u32>(code, DELEGATION) != 0;
}

/** Bytes from the first byte of a code to its bitmap. */
// @ts-ignore: decorator
@inline
export function bitmapOffset(length: usize): usize {
  return (length + PADDING + 7) & ~7;
}

/** Bytes of the bitmap. */
// @ts-ignore: decorator
@inline
export function bitmapBytes(length: usize): usize {
  return ((length >> 6) + 1) << 3;
}

/** Sets up the record of the empty code. */
export function initializeEmptyCode(): void {
  memory.fill(EMPTY_CODE, 0, 192);
  store<u32>(EMPTY_CODE, 1, ANALYSED);
  // keccak256 of nothing.
  store<u64>(EMPTY_CODE, 0x3c23f7860146d2c5);
  store<u64>(EMPTY_CODE, 0xc003c7dcb27d7e92, 8);
  store<u64>(EMPTY_CODE, 0x3b2782ca53b600e5, 16);
  store<u64>(EMPTY_CODE, 0x70a4855d04d8fa7b, 24);
}

/** Whether 32 bytes equal the hash of the empty code. */
// @ts-ignore: decorator
@inline
export function isEmptyHash(hash: usize): bool {
  return sameHash(hash, EMPTY_CODE);
}

// @ts-ignore: decorator
@inline
function sameHash(a: usize, b: usize): bool {
  return (
    load<u64>(a) == load<u64>(b) &&
    load<u64>(a, 8) == load<u64>(b, 8) &&
    load<u64>(a, 16) == load<u64>(b, 16) &&
    load<u64>(a, 24) == load<u64>(b, 24)
  );
}

function find(hash: usize): usize {
  const head = CODE_BUCKETS + ((<usize>(load<u32>(hash) & (CODE_BUCKET_COUNT - 1))) << 2);
  let code = <usize>atomic.load<u32>(head);
  while (code && !sameHash(code, hash)) code = <usize>load<u32>(code, NEXT);
  return code;
}

/** A new record for `length` bytes, without hash, not yet to be found. */
function create(length: u32): usize {
  const bitmap = BYTES + bitmapOffset(length);
  const copy = bitmap + bitmapBytes(length);
  const code = allocateCode((copy + length + PADDING + 15) & ~15);
  store<u32>(code, length, LENGTH);
  store<u32>(code, 0, ANALYSED);
  memory.fill(code + BYTES + length, 0, copy - BYTES - length);
  memory.fill(code + copy + length, 0, PADDING);
  return code;
}

/** Makes a record findable, or returns the one that another instance has made meanwhile. */
function publish(code: usize): usize {
  const bytes = code + BYTES;
  const designator = load<u32>(code, LENGTH) == 23 && (load<u32>(bytes) & 0xffffff) == 0x0001ef;
  store<u32>(code, designator ? 1 : 0, DELEGATION);
  const head = CODE_BUCKETS + ((<usize>(load<u32>(code) & (CODE_BUCKET_COUNT - 1))) << 2);
  while (true) {
    const first = atomic.load<u32>(head);
    for (let other = <usize>first; other; other = <usize>load<u32>(other, NEXT))
      if (sameHash(other, code)) return other;
    store<u32>(code, first, NEXT);
    if (atomic.cmpxchg<u32>(head, first, <u32>code) == first) return code;
  }
}

/** The code with this hash; read from the host where it is not known yet. */
export function codeByHash(hash: usize): usize {
  if (isEmptyHash(hash)) return EMPTY_CODE;
  const known = find(hash);
  if (known) return known;
  const code = create(<u32>readCode(hash));
  memory.copy(code, hash, 32);
  writeCode(code + BYTES);
  return publish(code);
}

/** The code made of these bytes. */
export function codeFromBytes(bytes: usize, length: u32): usize {
  if (length == 0) return EMPTY_CODE;
  const hash = words; // not held across calls
  keccak(bytes, length, hash);
  const known = find(hash);
  if (known) return known;
  const code = create(length);
  memory.copy(code, hash, 32);
  memory.copy(code + BYTES, bytes, length);
  return publish(code);
}

/** The bitmap of jump destinations, made at first use together with the copy that is run. */
export function jumpDestinations(code: usize): usize {
  const length = codeLength(code);
  const bitmap = code + BYTES + bitmapOffset(length);
  if (!atomic.load<u32>(code, ANALYSED)) {
    analyse(code + BYTES, length, bitmap, 0);
    fuse(code + BYTES, length, bitmap, runnable(code));
    atomic.store<u32>(code, 1, ANALYSED);
  }
  return bitmap;
}

/** The copy of the code that is run. */
export function runnable(code: usize): usize {
  const length = codeLength(code);
  return code + BYTES + bitmapOffset(length) + bitmapBytes(length);
}

/**
 * Fills the bitmap: bit i is set where byte i is a JUMPDEST outside push data. Sixteen bits are stored at once, so that two instances
 * that analyse the same code write the same values and never undo each other.
 *
 * `once` is the copy that is run of a code that is run once, as init code is, or 0: nothing is fused there, which would cost more than
 * it saves, but opcodes of ours become an invalid one.
 */
export function analyse(bytes: usize, length: u32, bitmap: usize, once: usize): void {
  const ours = <i8>(LAST - FIRST + 1);
  let i: u32 = 0;
  for (let base: u32 = 0; base < length; base += 16) {
    const part = v128.load(bytes + base); // what lies past the end is read and not used
    const pushes = i8x16.eq(v128.and(part, i8x16.splat(<i8>0xe0)), i8x16.splat(0x60));
    let bits: u32 = 0;
    if (i == base && base + 16 <= length && !v128.any_true(pushes)) {
      // Sixteen opcodes.
      bits = <u32>i8x16.bitmask(i8x16.eq(part, i8x16.splat(0x5b)));
      i += 16;
      if (once) {
        const wrong = i8x16.lt_u(i8x16.sub(part, i8x16.splat(<i8>FIRST)), i8x16.splat(ours));
        v128.store(once + base, v128.bitselect(i8x16.splat(<i8>INVALID), part, wrong));
      }
    } else {
      const end = min<u32>(base + 16, length);
      while (i < end) {
        const op = <u32>load<u8>(bytes + i);
        if (op == 0x5b) bits |= 1 << (i & 15);
        if (op - FIRST <= <u32>(LAST - FIRST) && once) store<u8>(once + i, INVALID);
        i += op - 0x60 < 32 ? op - 0x5e : 1;
      }
    }
    store<u16>(bitmap + (base >> 3), <u16>bits);
  }
}

/** Limbs of the address that a delegation designator names (EIP-7702: 0xef0100 ‖ address). */
export function readDelegate(limbs: usize, code: usize): void {
  const at = code + BYTES + 3;
  const a2 = <u64>bswap<u32>(load<u32>(at));
  const a1 = bswap<u64>(load<u64>(at, 4));
  const a0 = bswap<u64>(load<u64>(at, 12));
  store<u64>(limbs, a0);
  store<u64>(limbs, a1, 8);
  store<u64>(limbs, a2, 16);
}
