/**
 * Sequences of opcodes that compilers emit all the time, run as one: they cost one dispatch, one check of gas and stack, and fewer
 * words written and read again.
 *
 * Code is run from a copy in which the first byte of such a sequence is an opcode of ours, one that no fork defines; all other bytes
 * keep their places, and what lies inside a sequence may hold operands. Nothing can jump into a sequence, since none contains a
 * JUMPDEST. A sequence is fused only where running it as one cannot be told from running it step by step: its gas is fixed but for
 * memory's, no part of it looks at the gas, and any failure costs all gas wherever it happens. Constant jumps are fused only to
 * destinations that exist.
 */
import { CONSTANTINOPLE, fork, OPCODES, SHANGHAI } from "./layout";

/** Bytes by which a jump goes past its destination, which is charged but not dispatched. */
export const LANDING: usize = isDefined(EVM_TRACE) ? 0 : 1;

export const FIRST: i32 = 0xb0;
export const PUSH2_JUMP: i32 = 0xb0;
export const PUSH2_JUMPI: i32 = 0xb1;
export const ISZERO_JUMPI: i32 = 0xb2;
export const EQ_JUMPI: i32 = 0xb3;
export const LT_JUMPI: i32 = 0xb4;
export const GT_JUMPI: i32 = 0xb5;
export const NOT_EQ_JUMPI: i32 = 0xb6;
export const NOT_LT_JUMPI: i32 = 0xb7;
export const NOT_GT_JUMPI: i32 = 0xb8;
export const NOT_SLT_JUMPI: i32 = 0xb9;
export const SELECTOR_EQ_JUMPI: i32 = 0xba;
export const SELECTOR_GT_JUMPI: i32 = 0xbb;
export const DUP1_ISZERO_JUMPI: i32 = 0xbc;
export const NO_VALUE_JUMPI: i32 = 0xbd;
export const POP2: i32 = 0xbe;
export const POP3: i32 = 0xbf;
export const POP4: i32 = 0xc0;
export const POP_JUMP: i32 = 0xc1;
export const POP2_JUMP: i32 = 0xc2;
export const POP3_JUMP: i32 = 0xc3;
export const SWAP1_POP: i32 = 0xc4;
export const SWAP2_POP: i32 = 0xc5;
export const SWAP3_POP: i32 = 0xc6;
export const SWAP1_JUMP: i32 = 0xc7;
/** SWAP3 SWAP2 POP POP, and the same with JUMP: how functions of two arguments return. */
export const RETURN_ONE: i32 = 0xc8;
export const RETURN_ONE_JUMP: i32 = 0xc9;
export const DUP_DUP: i32 = 0xca;
export const SWAP_SWAP: i32 = 0xcb;
export const DUP_ADD: i32 = 0xcc;
export const DUP_AND: i32 = 0xcd;
export const PUSH20_DUP_AND: i32 = 0xce;
export const PUSH1_MLOAD: i32 = 0xcf;
export const PUSH1_ADD: i32 = 0xd0;
export const PUSH1_PUSH1: i32 = 0xd1;
/** PUSH1 a PUSH1 b PUSH1 s SHL SUB: the mask b · 2^s - a. */
export const PUSH_MASK: i32 = 0xd2;
export const MSTORE_PUSH1: i32 = 0xd3;
export const DUP2_MSTORE: i32 = 0xd4;
export const SWAP1_DUP2_MSTORE: i32 = 0xd5;
/** PUSH0 SWAP1 DUP2 MSTORE: the top word to memory's first, leaving 0. */
export const MSTORE_AT_0: i32 = 0xd6;
/** PUSH1 k DUP2 SWAP1 MSTORE: the top word, which stays, to memory at k. */
export const MSTORE_AT: i32 = 0xd7;
export const PUSH1_SWAP1_KECCAK: i32 = 0xd8;
export const PUSH2_DUP: i32 = 0xd9;
/** DUP1 SWAP2 SUB SWAP1: the length of what ends at the word below the top and begins at the top, which stays. */
export const LENGTH_BELOW: i32 = 0xda;
/** `a * b`, `a + b`, `a - b` as Solidity checks them, which jump where the result is right. */
export const CHECKED_MUL: i32 = 0xdb;
export const CHECKED_ADD: i32 = 0xdc;
export const CHECKED_SUB: i32 = 0xdd;
export const DUP_DUP_SUB: i32 = 0xde;
export const PUSH1_DUP_ADD: i32 = 0xdf;
export const PUSH20_AND: i32 = 0xe0;
export const PUSH0_PUSH0: i32 = 0xe1;
/** PUSH0 (or PUSH1 0) CALLDATALOAD PUSH1 224 SHR: which function is called. */
export const LOAD_SELECTOR: i32 = 0xe2;
export const LOAD_SELECTOR_PUSH1: i32 = 0xe3;
/** PUSH1 k CALLDATASIZE LT PUSH2 JUMPI. */
export const SHORT_INPUT_JUMPI: i32 = 0xe4;
export const LAST: i32 = 0xe4;

export const INVALID: u8 = 0xfe;

/** Gas of the parts, words that must be there, and words by which the stack is higher in between. */
function define(op: i32, gas: u32, need: i32, growth: i32): void {
  const at = OPCODES + ((<usize>op) << 3);
  store<u32>(at, gas);
  store<u16>(at, <u16>(need << 5), 4);
  store<u16>(at, <u16>((1024 - growth - need) << 5), 6);
}

/** Adds the sequences to the table of opcodes. Those with a DUP or SWAP of any depth check it themselves. */
export function fillFused(): void {
  define(PUSH2_JUMP, 11, 0, 1);
  define(PUSH2_JUMPI, 13, 1, 1);
  define(ISZERO_JUMPI, 16, 1, 1);
  for (let op = EQ_JUMPI; op <= GT_JUMPI; op++) define(op, 16, 2, 0);
  for (let op = NOT_EQ_JUMPI; op <= NOT_SLT_JUMPI; op++) define(op, 19, 2, 0);
  define(SELECTOR_EQ_JUMPI, 22, 1, 2);
  define(SELECTOR_GT_JUMPI, 22, 1, 2);
  define(DUP1_ISZERO_JUMPI, 19, 1, 2);
  define(NO_VALUE_JUMPI, 21, 0, 3);
  for (let n = 2; n <= 4; n++) define(POP2 + n - 2, 2 * n, n, 0);
  for (let n = 1; n <= 3; n++) {
    define(POP_JUMP + n - 1, 2 * n + 8, n + 1, 0);
    define(SWAP1_POP + n - 1, 5, n + 1, 0);
  }
  define(SWAP1_JUMP, 11, 2, 0);
  define(RETURN_ONE, 10, 4, 0);
  define(RETURN_ONE_JUMP, 18, 4, 0);
  define(DUP_DUP, 6, 1, 2);
  define(SWAP_SWAP, 6, 2, 0);
  define(DUP_ADD, 6, 1, 1);
  define(DUP_AND, 6, 1, 1);
  define(PUSH20_DUP_AND, 9, 1, 2);
  define(PUSH1_MLOAD, 6, 0, 1);
  define(PUSH1_ADD, 6, 1, 1);
  define(PUSH1_PUSH1, 6, 0, 2);
  define(PUSH_MASK, 15, 0, 3);
  define(MSTORE_PUSH1, 6, 2, 0);
  define(DUP2_MSTORE, 6, 2, 1);
  define(SWAP1_DUP2_MSTORE, 9, 2, 1);
  define(MSTORE_AT_0, 11, 1, 2);
  define(MSTORE_AT, 12, 1, 2);
  define(PUSH1_SWAP1_KECCAK, 36, 1, 1);
  define(PUSH2_DUP, 6, 1, 2);
  define(LENGTH_BELOW, 12, 2, 1);
  define(CHECKED_MUL, 50, 2, 4);
  define(CHECKED_ADD, 34, 2, 3);
  define(CHECKED_SUB, 34, 2, 3);
  define(DUP_DUP_SUB, 9, 1, 2);
  define(PUSH1_DUP_ADD, 9, 1, 2);
  define(PUSH20_AND, 6, 1, 1);
  define(PUSH0_PUSH0, 4, 0, 2);
  define(LOAD_SELECTOR, 11, 0, 2);
  define(LOAD_SELECTOR_PUSH1, 12, 0, 2);
  define(SHORT_INPUT_JUMPI, 21, 0, 2);
}

/** What `match` has found: our opcode, and the operand for the byte behind it, or -1 where that byte stays. */
let fused: i32 = 0;
let operand: i32 = -1;

/**
 * Writes the copy of a code that is run: `length` bytes at `bytes`, whose jump destinations are known. Each byte is written once, and is
 * the same whoever writes it, so that two instances may prepare the same code at once.
 */
export function fuse(bytes: usize, length: usize, jumps: usize, out: usize): void {
  for (let i: usize = 0; i < length; ) {
    const op = <i32>load<u8>(bytes + i);
    let span: usize = isDefined(EVM_TRACE) ? 0 : match(bytes + i, length, jumps);
    if (span && i + span <= length) {
      store<u8>(out + i, <u8>fused);
      if (operand >= 0) store<u8>(out + i, <u8>operand, 1);
    } else {
      span = op >= 0x60 && op <= 0x7f ? <usize>(op - 0x5e) : 1;
      store<u8>(out + i, op >= FIRST && op <= LAST ? INVALID : <u8>op);
      operand = -1;
    }
    const end = min<usize>(i + span, length);
    for (let k = i + (operand >= 0 ? 2 : 1); k < end; k++) store<u8>(out + k, load<u8>(bytes + k));
    i = end;
  }
}

// @ts-ignore: decorator
@inline
function isDup(op: i32): bool {
  return op >= 0x80 && op <= 0x8f;
}

/** Whether the bytes at `at` are PUSH2 and JUMPI, with a destination between them. */
function branches(at: usize, length: usize, jumps: usize): bool {
  return load<u8>(at) == 0x61 && load<u8>(at, 3) == 0x57 && lands(at + 1, length, jumps);
}

/** Whether the two bytes at `at` are a jump destination. */
function lands(at: usize, length: usize, jumps: usize): bool {
  const target = <usize>bswap<u16>(load<u16>(at));
  return target < length && ((load<u8>(jumps + (target >> 3)) >> (<u8>target & 7)) & 1) != 0;
}

// @ts-ignore: decorator
@inline
function found(op: i32, span: usize): usize {
  fused = op;
  return span;
}

/** Bytes of the longest sequence at `at`, 0 where there is none. It may reach past the code's end. */
function match(at: usize, length: usize, jumps: usize): usize {
  const b0 = <i32>load<u8>(at);
  const b1 = <i32>load<u8>(at, 1);
  const b2 = <i32>load<u8>(at, 2);
  const b3 = <i32>load<u8>(at, 3);
  operand = -1;
  switch (b0) {
    case 0x10: // LT
    case 0x11: // GT
    case 0x12: // SLT
    case 0x14: { // EQ
      const which = b0 == 0x14 ? 0 : b0 - 0x0f;
      if (b0 != 0x12 && branches(at + 1, length, jumps)) return found(EQ_JUMPI + which, 5);
      if (b1 == 0x15 && branches(at + 2, length, jumps)) return found(NOT_EQ_JUMPI + which, 6);
      return 0;
    }
    case 0x15: // ISZERO
      return branches(at + 1, length, jumps) ? found(ISZERO_JUMPI, 5) : 0;
    case 0x34: // CALLVALUE
      return b1 == 0x80 && b2 == 0x15 && branches(at + 3, length, jumps)
        ? found(NO_VALUE_JUMPI, 7)
        : 0;
    case 0x50: // POP
      return matchPops(b1, b2, b3);
    case 0x52: // MSTORE
      return b1 == 0x60 ? found(MSTORE_PUSH1, 3) : 0;
    case 0x5f: // PUSH0
      if (fork < SHANGHAI) return 0;
      if (b1 == 0x35 && loadsSelector(at + 1)) return found(LOAD_SELECTOR, 5);
      if (b1 == 0x5f) return found(PUSH0_PUSH0, 2);
      return b1 == 0x90 && b2 == 0x81 && b3 == 0x52 ? found(MSTORE_AT_0, 4) : 0;
    case 0x60: // PUSH1
      return matchPush1(at, b1, b2, b3, length, jumps);
    case 0x61: // PUSH2
      if (b3 == 0x56) return lands(at + 1, length, jumps) ? found(PUSH2_JUMP, 4) : 0;
      if (b3 == 0x57) return lands(at + 1, length, jumps) ? found(PUSH2_JUMPI, 4) : 0;
      return isDup(b3) && b3 != 0x80 ? found(PUSH2_DUP, 4) : 0;
    case 0x73: { // PUSH20
      const source = <i32>load<u8>(at, 21);
      if (source == 0x16) return found(PUSH20_AND, 22);
      const masks = isDup(source) && source != 0x80 && load<u8>(at, 22) == 0x16;
      return masks ? found(PUSH20_DUP_AND, 23) : 0;
    }
    default:
  }
  if (isDup(b0)) return matchDup(at, b0, b1, b2, b3, length, jumps);
  return b0 >= 0x90 && b0 <= 0x9f ? matchSwap(at, b0, b1, b2, b3) : 0;
}

function matchPops(b1: i32, b2: i32, b3: i32): usize {
  if (b1 == 0x56) return found(POP_JUMP, 2);
  if (b1 != 0x50) return 0;
  if (b2 == 0x56) return found(POP2_JUMP, 3);
  if (b2 != 0x50) return found(POP2, 2);
  if (b3 == 0x56) return found(POP3_JUMP, 4);
  return b3 == 0x50 ? found(POP4, 4) : found(POP3, 3);
}

/** Whether CALLDATALOAD PUSH1 224 SHR begin at `at`. */
function loadsSelector(at: usize): bool {
  return fork >= CONSTANTINOPLE && load<u32>(at) == 0x1ce06035;
}

function matchPush1(at: usize, b1: i32, b2: i32, b3: i32, length: usize, jumps: usize): usize {
  if (b1 == 0 && loadsSelector(at + 2)) return found(LOAD_SELECTOR_PUSH1, 6);
  if (b2 == 0x36 && b3 == 0x10 && branches(at + 4, length, jumps))
    return found(SHORT_INPUT_JUMPI, 8);
  if (isDup(b2) && b2 != 0x80 && b3 == 0x01) return found(PUSH1_DUP_ADD, 4);
  if (b2 == 0x51) return found(PUSH1_MLOAD, 3);
  if (b2 == 0x01) return found(PUSH1_ADD, 3);
  if (b2 == 0x81 && b3 == 0x90 && load<u8>(at, 4) == 0x52) return found(MSTORE_AT, 5);
  if (b2 == 0x90 && b3 == 0x20) return found(PUSH1_SWAP1_KECCAK, 4);
  if (b2 != 0x60) return 0;
  const masks =
    fork >= CONSTANTINOPLE &&
    load<u8>(at, 4) == 0x60 &&
    load<u8>(at, 6) == 0x1b &&
    load<u8>(at, 7) == 0x03;
  return masks ? found(PUSH_MASK, 8) : found(PUSH1_PUSH1, 4);
}

// Checked arithmetic up to its PUSH2, as the bytes lie in memory.
const SEVEN: u64 = 0x00ffffffffffffff;
/** DUP1 DUP3 MUL DUP2 ISZERO DUP3 DUP3 DIV, and from DIV on: DUP5 EQ OR. */
const MUL_START: u64 = 0x0482821581028280;
const MUL_END: u32 = 0x17148404;
/** DUP1 DUP3 ADD DUP1 DUP3 GT ISZERO. */
const ADD_START: u64 = 0x15118280018280;
/** DUP2 DUP2 SUB DUP2 DUP2 GT ISZERO. */
const SUB_START: u64 = 0x15118181038181;

function matchDup(
  at: usize,
  b0: i32,
  b1: i32,
  b2: i32,
  b3: i32,
  length: usize,
  jumps: usize,
): usize {
  const next = load<u64>(at);
  if (b0 == 0x80) {
    if (next == MUL_START && load<u32>(at, 7) == MUL_END && branches(at + 11, length, jumps))
      return found(CHECKED_MUL, 15);
    if ((next & SEVEN) == ADD_START && branches(at + 7, length, jumps))
      return found(CHECKED_ADD, 11);
    if (b1 == 0x15 && branches(at + 2, length, jumps)) return found(DUP1_ISZERO_JUMPI, 6);
    if (b1 == 0x63 && branches(at + 7, length, jumps)) {
      if (load<u8>(at, 6) == 0x14) return found(SELECTOR_EQ_JUMPI, 11);
      if (load<u8>(at, 6) == 0x11) return found(SELECTOR_GT_JUMPI, 11);
    }
    if (b1 == 0x91 && b2 == 0x03 && b3 == 0x90) return found(LENGTH_BELOW, 4);
  }
  if ((next & SEVEN) == SUB_START && branches(at + 7, length, jumps)) return found(CHECKED_SUB, 11);
  if (b0 == 0x81 && b1 == 0x52) return found(DUP2_MSTORE, 2);
  operand = b0 - 0x80;
  if (b1 == 0x01) return found(DUP_ADD, 2);
  if (b1 == 0x16) return found(DUP_AND, 2);
  if (!isDup(b1)) return 0;
  operand = ((b0 - 0x80) << 4) | (b1 - 0x80);
  return b2 == 0x03 ? found(DUP_DUP_SUB, 3) : found(DUP_DUP, 2);
}

function matchSwap(at: usize, b0: i32, b1: i32, b2: i32, b3: i32): usize {
  if (b0 == 0x90) {
    if (b1 == 0x56) return found(SWAP1_JUMP, 2);
    if (b1 == 0x81 && b2 == 0x52) return found(SWAP1_DUP2_MSTORE, 3);
  }
  if (b0 == 0x92 && b1 == 0x91 && b2 == 0x50 && b3 == 0x50) {
    return load<u8>(at, 4) == 0x56 ? found(RETURN_ONE_JUMP, 5) : found(RETURN_ONE, 4);
  }
  if (b1 == 0x50 && b0 <= 0x92) return found(SWAP1_POP + b0 - 0x90, 2);
  if (b1 < 0x90 || b1 > 0x9f) return 0;
  operand = ((b0 - 0x90) << 4) | (b1 - 0x90);
  return found(SWAP_SWAP, 2);
}
