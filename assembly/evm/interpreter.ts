/**
 * The interpreter: one loop over all frames of a transaction (Yellow Paper §9, appendix H).
 *
 * Program counter, stack pointer, gas and memory's size live in locals; calls put them into the frame record, work on it and take them
 * from whatever frame is then current. Static gas, stack bounds and the opcodes a fork has come from one table (`gas.ts`), which
 * has entries for fused sequences too (`fusion.ts`). A stack word is four little-endian limbs; `sp` points past the top, so that the
 * top word is at `sp - 32`. What an operation cannot pay leaves gas below zero, upon which the next dispatch ends the frame.
 */
import { create, current, call, FAILED, finish, returnedBytes, REVERTED, selfdestruct, SUCCESS } from "./calls";
import {
  balance,
  blockHash,
  copyExternalCode,
  externalCodeHash,
  externalCodeSize,
  gasPrice,
  loadInput,
  origin,
  pushBlobHash,
} from "./environment";
import {
  extent,
  F_ADDRESS,
  F_CALLER,
  F_CODE,
  F_CODE_BYTES,
  F_GAS,
  F_INPUT,
  F_INPUT_BYTES,
  F_JUMPS,
  F_MEMORY,
  F_MEMORY_BYTES,
  F_ORIGINAL,
  F_PC,
  F_SELF,
  F_SP,
  F_STACK,
  F_STATIC,
  F_VALUE,
  reach,
  reachBytes,
} from "./frame";
import {
  CHECKED_ADD,
  CHECKED_MUL,
  CHECKED_SUB,
  DUP1_ISZERO_JUMPI,
  DUP2_MSTORE,
  DUP_ADD,
  DUP_AND,
  DUP_DUP,
  DUP_DUP_SUB,
  EQ_JUMPI,
  GT_JUMPI,
  ISZERO_JUMPI,
  LANDING,
  LENGTH_BELOW,
  LOAD_SELECTOR,
  LOAD_SELECTOR_PUSH1,
  LT_JUMPI,
  MSTORE_AT,
  MSTORE_AT_0,
  MSTORE_PUSH1,
  NOT_EQ_JUMPI,
  NOT_GT_JUMPI,
  NOT_LT_JUMPI,
  NOT_SLT_JUMPI,
  NO_VALUE_JUMPI,
  POP2,
  POP2_JUMP,
  POP3,
  POP3_JUMP,
  POP4,
  POP_JUMP,
  PUSH0_PUSH0,
  PUSH1_ADD,
  PUSH1_DUP_ADD,
  PUSH1_MLOAD,
  PUSH1_PUSH1,
  PUSH1_SWAP1_KECCAK,
  PUSH20_AND,
  PUSH20_DUP_AND,
  PUSH2_DUP,
  PUSH2_JUMP,
  PUSH2_JUMPI,
  PUSH_MASK,
  RETURN_ONE,
  RETURN_ONE_JUMP,
  SELECTOR_EQ_JUMPI,
  SELECTOR_GT_JUMPI,
  SHORT_INPUT_JUMPI,
  SWAP1_DUP2_MSTORE,
  SWAP1_JUMP,
  SWAP1_POP,
  SWAP2_POP,
  SWAP3_POP,
  SWAP_SWAP,
} from "./fusion";
import { expByteGas } from "./gas";
import { traceStep } from "./host";
import {
  ENV_BASE_FEE,
  ENV_BLOB_BASE_FEE,
  ENV_CHAIN_ID,
  ENV_COINBASE,
  ENV_GAS_LIMIT,
  ENV_NUMBER,
  ENV_RANDOM,
  ENV_TIMESTAMP,
  fork,
  OPCODES,
  PUSH_MASKS,
} from "./layout";
import { copyMemory, copyToMemory, copyReturned, hashMemory, log } from "./memory";
import { balanceOf } from "./state";
import { loadSlot, loadTransient, storeSlot, storeTransient } from "./sstore";
import {
  add,
  addmod,
  addSmall,
  and,
  byteAt,
  byteLength,
  copy,
  div,
  eq,
  exp,
  fits64,
  fromBytes,
  isZero,
  leadingZeros,
  lt,
  mod,
  mul,
  mulmod,
  mulOverflows,
  not,
  or,
  sar,
  sdiv,
  setU64,
  shl,
  shr,
  signextend,
  slt,
  smod,
  sub,
  swap,
  toBytes,
  xor,
} from "./u256";

/** Output of the first frame. */
export let output: usize = 0;
export let outputBytes: usize = 0;
/** Gas the first frame has left. */
export let gasLeft: i64 = 0;

/** Whether the word at `word` is a jump destination. */
// @ts-ignore: decorator
@inline
function mayJump(jumps: usize, codeSize: usize, word: usize): bool {
  const at = load<u64>(word);
  return (
    at < <u64>codeSize &&
    fits64(word) &&
    ((load<u8>(jumps + (<usize>at >> 3)) >> (<u8>at & 7)) & 1) != 0
  );
}

/** Where a jump to the word at `word` goes on. */
// @ts-ignore: decorator
@inline
function landing(code: usize, word: usize): usize {
  return code + <usize>load<u32>(word) + LANDING;
}

/** Where a fused PUSH2 and JUMPI go on, the constant being at `at`. A branch, not a selection: it is predicted. */
// @ts-ignore: decorator
@inline
function branch(taken: bool, code: usize, at: usize): usize {
  if (taken) return code + <usize>bswap<u16>(load<u16>(at)) + LANDING;
  return at + 3;
}

/** Whether a word of memory at the offset in the word at `offset` is within the `size` bytes there are. */
// @ts-ignore: decorator
@inline
function within(offset: usize, size: usize): bool {
  const high = load<u64>(offset, 8) | load<u64>(offset, 16) | load<u64>(offset, 24);
  return ((load<u64>(offset) >> 32) | high) == 0 && <u64>load<u32>(offset) + 32 <= <u64>size;
}

/**
 * Runs the frame `root` and all that it calls. Answers how it ended; output and gas are in `output`, `outputBytes`, `gasLeft`, and
 * nothing has been settled for `root` itself.
 */
export function run(root: usize): i32 {
  let frame = root;
  let pc = <usize>load<u32>(frame, F_PC);
  let sp = <usize>load<u32>(frame, F_SP);
  let gas = load<i64>(frame, F_GAS);
  let stack = <usize>load<u32>(frame, F_STACK);
  let code = <usize>load<u32>(frame, F_CODE);
  let codeSize = <usize>load<u32>(frame, F_CODE_BYTES);
  let jumps = <usize>load<u32>(frame, F_JUMPS);
  let base = <usize>load<u32>(frame, F_MEMORY);
  /** A copy of F_MEMORY_BYTES, which `reach` changes. */
  let size = <usize>load<u32>(frame, F_MEMORY_BYTES);

  while (true) {
    // 0 while the frame runs.
    let ended: i32 = 0;
    let result: usize = 0;
    let resultBytes: usize = 0;

    while (true) {
      const op = <i32>load<u8>(pc);
      const entry = OPCODES + ((<usize>op) << 3);
      if (isDefined(EVM_TRACE)) traceStep(op, pc - code, gas, sp - stack, frame);
      gas -= <i64>load<u32>(entry);
      if (<u32>(sp - stack) - <u32>load<u16>(entry, 4) > <u32>load<u16>(entry, 6) || gas < 0) {
        ended = FAILED;
        break;
      }
      pc++;
      switch (op) {
        case 0x00: { // STOP
          ended = SUCCESS;
          break;
        }
        case 0x01: { // ADD
          sp -= 32;
          add(sp - 32, sp, sp - 32);
          continue;
        }
        case 0x02: { // MUL
          sp -= 32;
          mul(sp - 32, sp, sp - 32);
          continue;
        }
        case 0x03: { // SUB
          sp -= 32;
          sub(sp - 32, sp, sp - 32);
          continue;
        }
        case 0x04: { // DIV
          sp -= 32;
          div(sp - 32, sp, sp - 32);
          continue;
        }
        case 0x05: { // SDIV
          sp -= 32;
          sdiv(sp - 32, sp, sp - 32);
          continue;
        }
        case 0x06: { // MOD
          sp -= 32;
          mod(sp - 32, sp, sp - 32);
          continue;
        }
        case 0x07: { // SMOD
          sp -= 32;
          smod(sp - 32, sp, sp - 32);
          continue;
        }
        case 0x08: { // ADDMOD
          sp -= 64;
          addmod(sp - 32, sp + 32, sp, sp - 32);
          continue;
        }
        case 0x09: { // MULMOD
          sp -= 64;
          mulmod(sp - 32, sp + 32, sp, sp - 32);
          continue;
        }
        case 0x0a: { // EXP
          sp -= 32;
          gas -= <i64>byteLength(sp - 32) * expByteGas(fork);
          if (gas >= 0) exp(sp - 32, sp, sp - 32);
          continue;
        }
        case 0x0b: { // SIGNEXTEND
          sp -= 32;
          signextend(sp - 32, sp, sp - 32);
          continue;
        }
        case 0x10: { // LT
          sp -= 32;
          setU64(sp - 32, u64(lt(sp, sp - 32)));
          continue;
        }
        case 0x11: { // GT
          sp -= 32;
          setU64(sp - 32, u64(lt(sp - 32, sp)));
          continue;
        }
        case 0x12: { // SLT
          sp -= 32;
          setU64(sp - 32, u64(slt(sp, sp - 32)));
          continue;
        }
        case 0x13: { // SGT
          sp -= 32;
          setU64(sp - 32, u64(slt(sp - 32, sp)));
          continue;
        }
        case 0x14: { // EQ
          sp -= 32;
          setU64(sp - 32, u64(eq(sp, sp - 32)));
          continue;
        }
        case 0x15: { // ISZERO
          setU64(sp - 32, u64(isZero(sp - 32)));
          continue;
        }
        case 0x16: { // AND
          sp -= 32;
          and(sp - 32, sp - 32, sp);
          continue;
        }
        case 0x17: { // OR
          sp -= 32;
          or(sp - 32, sp - 32, sp);
          continue;
        }
        case 0x18: { // XOR
          sp -= 32;
          xor(sp - 32, sp - 32, sp);
          continue;
        }
        case 0x19: { // NOT
          not(sp - 32, sp - 32);
          continue;
        }
        case 0x1a: { // BYTE
          sp -= 32;
          byteAt(sp - 32, sp, sp - 32);
          continue;
        }
        case 0x1b: { // SHL
          sp -= 32;
          shl(sp - 32, sp, sp - 32);
          continue;
        }
        case 0x1c: { // SHR
          sp -= 32;
          shr(sp - 32, sp, sp - 32);
          continue;
        }
        case 0x1d: { // SAR
          sp -= 32;
          sar(sp - 32, sp, sp - 32);
          continue;
        }
        case 0x1e: { // CLZ
          leadingZeros(sp - 32, sp - 32);
          continue;
        }
        case 0x20: { // KECCAK256
          sp -= 32;
          gas = hashMemory(frame, sp, sp - 32, sp - 32, gas);
          size = <usize>load<u32>(frame, F_MEMORY_BYTES);
          continue;
        }
        case 0x30: { // ADDRESS
          copy(sp, frame + F_ADDRESS);
          sp += 32;
          continue;
        }
        case 0x31: { // BALANCE
          gas = balance(sp - 32, gas);
          continue;
        }
        case 0x32: { // ORIGIN
          copy(sp, origin);
          sp += 32;
          continue;
        }
        case 0x33: { // CALLER
          copy(sp, frame + F_CALLER);
          sp += 32;
          continue;
        }
        case 0x34: { // CALLVALUE
          copy(sp, frame + F_VALUE);
          sp += 32;
          continue;
        }
        case 0x35: { // CALLDATALOAD
          loadInput(sp - 32, load<u32>(frame, F_INPUT), load<u32>(frame, F_INPUT_BYTES));
          continue;
        }
        case 0x36: { // CALLDATASIZE
          setU64(sp, load<u32>(frame, F_INPUT_BYTES));
          sp += 32;
          continue;
        }
        case 0x37: { // CALLDATACOPY
          sp -= 96;
          gas = copyToMemory(frame, sp, load<u32>(frame, F_INPUT), load<u32>(frame, F_INPUT_BYTES), gas);
          size = <usize>load<u32>(frame, F_MEMORY_BYTES);
          continue;
        }
        case 0x38: { // CODESIZE
          setU64(sp, codeSize);
          sp += 32;
          continue;
        }
        case 0x39: { // CODECOPY
          sp -= 96;
          gas = copyToMemory(frame, sp, load<u32>(frame, F_ORIGINAL), codeSize, gas);
          size = <usize>load<u32>(frame, F_MEMORY_BYTES);
          continue;
        }
        case 0x3a: { // GASPRICE
          copy(sp, gasPrice);
          sp += 32;
          continue;
        }
        case 0x3b: { // EXTCODESIZE
          gas = externalCodeSize(sp - 32, gas);
          continue;
        }
        case 0x3c: { // EXTCODECOPY
          sp -= 128;
          gas = copyExternalCode(frame, sp, gas);
          size = <usize>load<u32>(frame, F_MEMORY_BYTES);
          continue;
        }
        case 0x3d: { // RETURNDATASIZE
          setU64(sp, returnedBytes);
          sp += 32;
          continue;
        }
        case 0x3e: { // RETURNDATACOPY
          sp -= 96;
          gas = copyReturned(frame, sp, gas);
          size = <usize>load<u32>(frame, F_MEMORY_BYTES);
          continue;
        }
        case 0x3f: { // EXTCODEHASH
          gas = externalCodeHash(sp - 32, gas);
          continue;
        }
        case 0x40: { // BLOCKHASH
          blockHash(sp - 32);
          continue;
        }
        case 0x41: { // COINBASE
          copy(sp, ENV_COINBASE);
          sp += 32;
          continue;
        }
        case 0x42: { // TIMESTAMP
          copy(sp, ENV_TIMESTAMP);
          sp += 32;
          continue;
        }
        case 0x43: { // NUMBER
          copy(sp, ENV_NUMBER);
          sp += 32;
          continue;
        }
        case 0x44: { // DIFFICULTY, PREVRANDAO
          copy(sp, ENV_RANDOM);
          sp += 32;
          continue;
        }
        case 0x45: { // GASLIMIT
          copy(sp, ENV_GAS_LIMIT);
          sp += 32;
          continue;
        }
        case 0x46: { // CHAINID
          copy(sp, ENV_CHAIN_ID);
          sp += 32;
          continue;
        }
        case 0x47: { // SELFBALANCE
          copy(sp, balanceOf(<usize>load<u32>(frame, F_SELF)));
          sp += 32;
          continue;
        }
        case 0x48: { // BASEFEE
          copy(sp, ENV_BASE_FEE);
          sp += 32;
          continue;
        }
        case 0x49: { // BLOBHASH
          pushBlobHash(sp - 32);
          continue;
        }
        case 0x4a: { // BLOBBASEFEE
          copy(sp, ENV_BLOB_BASE_FEE);
          sp += 32;
          continue;
        }
        case 0x50: { // POP
          sp -= 32;
          continue;
        }
        case 0x51: { // MLOAD
          if (!within(sp - 32, size)) {
            gas = reachBytes(frame, sp - 32, 32, gas);
            if (gas < 0) continue;
            size = <usize>load<u32>(frame, F_MEMORY_BYTES);
          }
          fromBytes(sp - 32, base + <usize>load<u32>(sp - 32));
          continue;
        }
        case 0x52: { // MSTORE
          sp -= 64;
          if (!within(sp + 32, size)) {
            gas = reachBytes(frame, sp + 32, 32, gas);
            if (gas < 0) continue;
            size = <usize>load<u32>(frame, F_MEMORY_BYTES);
          }
          toBytes(base + <usize>load<u32>(sp + 32), sp);
          continue;
        }
        case 0x53: { // MSTORE8
          sp -= 64;
          gas = reachBytes(frame, sp + 32, 1, gas);
          if (gas < 0) continue;
          size = <usize>load<u32>(frame, F_MEMORY_BYTES);
          store<u8>(base + <usize>load<u32>(sp + 32), load<u8>(sp));
          continue;
        }
        case 0x54: { // SLOAD
          gas = loadSlot(<usize>load<u32>(frame, F_SELF), sp - 32, gas);
          continue;
        }
        case 0x55: { // SSTORE
          sp -= 64;
          gas = storeSlot(frame, sp + 32, sp, gas);
          continue;
        }
        case 0x56: { // JUMP
          sp -= 32;
          if (!mayJump(jumps, codeSize, sp)) {
            ended = FAILED;
            break;
          }
          gas -= LANDING;
          pc = landing(code, sp);
          continue;
        }
        case 0x57: { // JUMPI
          sp -= 64;
          if (isZero(sp)) continue;
          if (!mayJump(jumps, codeSize, sp + 32)) {
            ended = FAILED;
            break;
          }
          gas -= LANDING;
          pc = landing(code, sp + 32);
          continue;
        }
        case 0x58: { // PC
          setU64(sp, pc - code - 1);
          sp += 32;
          continue;
        }
        case 0x59: { // MSIZE
          setU64(sp, size);
          sp += 32;
          continue;
        }
        case 0x5a: { // GAS
          setU64(sp, gas);
          sp += 32;
          continue;
        }
        case 0x5b: { // JUMPDEST
          continue;
        }
        case 0x5c: { // TLOAD
          loadTransient(<usize>load<u32>(frame, F_SELF), sp - 32);
          continue;
        }
        case 0x5d: { // TSTORE
          sp -= 64;
          gas = storeTransient(frame, sp + 32, sp, gas);
          continue;
        }
        case 0x5e: { // MCOPY
          sp -= 96;
          gas = copyMemory(frame, sp, gas);
          size = <usize>load<u32>(frame, F_MEMORY_BYTES);
          continue;
        }
        case 0x5f: { // PUSH0
          setU64(sp, 0);
          sp += 32;
          continue;
        }
        case 0x60: { // PUSH1
          setU64(sp, load<u8>(pc));
          sp += 32;
          pc += 1;
          continue;
        }
        case 0x61: { // PUSH2
          setU64(sp, bswap<u16>(load<u16>(pc)));
          sp += 32;
          pc += 2;
          continue;
        }
        case 0x63: { // PUSH4
          setU64(sp, bswap<u32>(load<u32>(pc)));
          sp += 32;
          pc += 4;
          continue;
        }
        case 0x73: { // PUSH20
          store<u64>(sp, bswap<u64>(load<u64>(pc, 12)));
          store<u64>(sp, bswap<u64>(load<u64>(pc, 4)), 8);
          store<u64>(sp, bswap<u32>(load<u32>(pc)), 16);
          store<u64>(sp, 0, 24);
          sp += 32;
          pc += 20;
          continue;
        }
        case 0x7f: { // PUSH32
          fromBytes(sp, pc);
          sp += 32;
          pc += 32;
          continue;
        }
        case 0x62: // PUSH3
        case 0x64: // PUSH5
        case 0x65: // PUSH6
        case 0x66: // PUSH7
        case 0x67: // PUSH8
        case 0x68: // PUSH9
        case 0x69: // PUSH10
        case 0x6a: // PUSH11
        case 0x6b: // PUSH12
        case 0x6c: // PUSH13
        case 0x6d: // PUSH14
        case 0x6e: // PUSH15
        case 0x6f: // PUSH16
        case 0x70: // PUSH17
        case 0x71: // PUSH18
        case 0x72: // PUSH19
        case 0x74: // PUSH21
        case 0x75: // PUSH22
        case 0x76: // PUSH23
        case 0x77: // PUSH24
        case 0x78: // PUSH25
        case 0x79: // PUSH26
        case 0x7a: // PUSH27
        case 0x7b: // PUSH28
        case 0x7c: // PUSH29
        case 0x7d: // PUSH30
        case 0x7e: { // PUSH31
          // The word that ends with the constant, less what is in front of it.
          const bytes = <usize>(op - 0x5f);
          pc += bytes;
          fromBytes(sp, pc - 32);
          and(sp, sp, PUSH_MASKS + 32 - bytes);
          sp += 32;
          continue;
        }
        case 0x80: // DUP1
        case 0x81: // DUP2
        case 0x82: // DUP3
        case 0x83: // DUP4
        case 0x84: // DUP5
        case 0x85: // DUP6
        case 0x86: // DUP7
        case 0x87: // DUP8
        case 0x88: // DUP9
        case 0x89: // DUP10
        case 0x8a: // DUP11
        case 0x8b: // DUP12
        case 0x8c: // DUP13
        case 0x8d: // DUP14
        case 0x8e: // DUP15
        case 0x8f: { // DUP16
          copy(sp, sp - ((<usize>op - 0x7f) << 5));
          sp += 32;
          continue;
        }
        case 0x90: // SWAP1
        case 0x91: // SWAP2
        case 0x92: // SWAP3
        case 0x93: // SWAP4
        case 0x94: // SWAP5
        case 0x95: // SWAP6
        case 0x96: // SWAP7
        case 0x97: // SWAP8
        case 0x98: // SWAP9
        case 0x99: // SWAP10
        case 0x9a: // SWAP11
        case 0x9b: // SWAP12
        case 0x9c: // SWAP13
        case 0x9d: // SWAP14
        case 0x9e: // SWAP15
        case 0x9f: { // SWAP16
          swap(sp - 32, sp - ((<usize>op - 0x8e) << 5));
          continue;
        }
        case 0xa0: // LOG0
        case 0xa1: // LOG1
        case 0xa2: // LOG2
        case 0xa3: // LOG3
        case 0xa4: { // LOG4
          const topics = <usize>(op - 0xa0);
          gas = log(frame, sp, topics, gas);
          size = <usize>load<u32>(frame, F_MEMORY_BYTES);
          sp -= 64 + (topics << 5);
          continue;
        }
        case PUSH2_JUMP: {
          gas -= LANDING;
          pc = branch(true, code, pc);
          continue;
        }
        case PUSH2_JUMPI: {
          sp -= 32;
          const taken = !isZero(sp);
          gas -= i64(taken) * LANDING;
          pc = branch(taken, code, pc);
          continue;
        }
        case ISZERO_JUMPI: {
          sp -= 32;
          const taken = isZero(sp);
          gas -= i64(taken) * LANDING;
          pc = branch(taken, code, pc + 1);
          continue;
        }
        case EQ_JUMPI: {
          sp -= 64;
          const taken = eq(sp + 32, sp);
          gas -= i64(taken) * LANDING;
          pc = branch(taken, code, pc + 1);
          continue;
        }
        case LT_JUMPI: {
          sp -= 64;
          const taken = lt(sp + 32, sp);
          gas -= i64(taken) * LANDING;
          pc = branch(taken, code, pc + 1);
          continue;
        }
        case GT_JUMPI: {
          sp -= 64;
          const taken = lt(sp, sp + 32);
          gas -= i64(taken) * LANDING;
          pc = branch(taken, code, pc + 1);
          continue;
        }
        case NOT_EQ_JUMPI: {
          sp -= 64;
          const taken = !eq(sp + 32, sp);
          gas -= i64(taken) * LANDING;
          pc = branch(taken, code, pc + 2);
          continue;
        }
        case NOT_LT_JUMPI: {
          sp -= 64;
          const taken = !lt(sp + 32, sp);
          gas -= i64(taken) * LANDING;
          pc = branch(taken, code, pc + 2);
          continue;
        }
        case NOT_GT_JUMPI: {
          sp -= 64;
          const taken = !lt(sp, sp + 32);
          gas -= i64(taken) * LANDING;
          pc = branch(taken, code, pc + 2);
          continue;
        }
        case NOT_SLT_JUMPI: {
          sp -= 64;
          const taken = !slt(sp + 32, sp);
          gas -= i64(taken) * LANDING;
          pc = branch(taken, code, pc + 2);
          continue;
        }
        case SELECTOR_EQ_JUMPI: {
          const selector = <u64>bswap<u32>(load<u32>(pc, 1));
          const taken = load<u64>(sp - 32) == selector && fits64(sp - 32);
          gas -= i64(taken) * LANDING;
          pc = branch(taken, code, pc + 7);
          continue;
        }
        case SELECTOR_GT_JUMPI: {
          const selector = <u64>bswap<u32>(load<u32>(pc, 1));
          const taken = load<u64>(sp - 32) < selector && fits64(sp - 32);
          gas -= i64(taken) * LANDING;
          pc = branch(taken, code, pc + 7);
          continue;
        }
        case DUP1_ISZERO_JUMPI: {
          const taken = isZero(sp - 32);
          gas -= i64(taken) * LANDING;
          pc = branch(taken, code, pc + 2);
          continue;
        }
        case NO_VALUE_JUMPI: {
          copy(sp, frame + F_VALUE);
          const taken = isZero(sp);
          sp += 32;
          gas -= i64(taken) * LANDING;
          pc = branch(taken, code, pc + 3);
          continue;
        }
        case POP2: {
          sp -= 64;
          pc += 1;
          continue;
        }
        case POP3: {
          sp -= 96;
          pc += 2;
          continue;
        }
        case POP4: {
          sp -= 128;
          pc += 3;
          continue;
        }
        case POP_JUMP:
        case POP2_JUMP:
        case POP3_JUMP: {
          sp -= 64 + ((<usize>(op - POP_JUMP)) << 5);
          if (!mayJump(jumps, codeSize, sp)) {
            ended = FAILED;
            break;
          }
          gas -= LANDING;
          pc = landing(code, sp);
          continue;
        }
        case SWAP1_POP: {
          copy(sp - 64, sp - 32);
          sp -= 32;
          pc++;
          continue;
        }
        case SWAP2_POP: {
          copy(sp - 96, sp - 32);
          sp -= 32;
          pc++;
          continue;
        }
        case SWAP3_POP: {
          copy(sp - 128, sp - 32);
          sp -= 32;
          pc++;
          continue;
        }
        case SWAP1_JUMP: {
          sp -= 32;
          if (!mayJump(jumps, codeSize, sp - 32)) {
            ended = FAILED;
            break;
          }
          gas -= LANDING;
          pc = landing(code, sp - 32);
          copy(sp - 32, sp);
          continue;
        }
        case RETURN_ONE: {
          // The top goes three words down, and the word that was there to the top.
          swap(sp - 32, sp - 128);
          copy(sp - 96, sp - 32);
          sp -= 64;
          pc += 3;
          continue;
        }
        case RETURN_ONE_JUMP: {
          sp -= 96;
          if (!mayJump(jumps, codeSize, sp - 32)) {
            ended = FAILED;
            break;
          }
          gas -= LANDING;
          pc = landing(code, sp - 32);
          copy(sp - 32, sp + 64);
          continue;
        }
        case DUP_DUP: {
          const first = <usize>load<u8>(pc) >> 4;
          const second = <usize>load<u8>(pc) & 15;
          if (sp - stack < max<usize>(first + 1, second) << 5) {
            ended = FAILED;
            break;
          }
          copy(sp, sp - 32 - (first << 5));
          copy(sp + 32, sp - (second << 5));
          sp += 64;
          pc++;
          continue;
        }
        case SWAP_SWAP: {
          const first = <usize>load<u8>(pc) >> 4;
          const second = <usize>load<u8>(pc) & 15;
          if (sp - stack < (max<usize>(first, second) + 2) << 5) {
            ended = FAILED;
            break;
          }
          swap(sp - 32, sp - 64 - (first << 5));
          swap(sp - 32, sp - 64 - (second << 5));
          pc++;
          continue;
        }
        case DUP_ADD: {
          const depth = (<usize>load<u8>(pc) + 1) << 5;
          if (sp - stack < depth) {
            ended = FAILED;
            break;
          }
          add(sp - 32, sp - 32, sp - depth);
          pc++;
          continue;
        }
        case DUP_AND: {
          const depth = (<usize>load<u8>(pc) + 1) << 5;
          if (sp - stack < depth) {
            ended = FAILED;
            break;
          }
          and(sp - 32, sp - 32, sp - depth);
          pc++;
          continue;
        }
        case PUSH20_DUP_AND: {
          const depth = (<usize>load<u8>(pc, 20) - 0x80) << 5;
          if (sp - stack < depth) {
            ended = FAILED;
            break;
          }
          const from = sp - depth;
          store<u64>(sp, bswap<u64>(load<u64>(pc, 12)) & load<u64>(from));
          store<u64>(sp, bswap<u64>(load<u64>(pc, 4)) & load<u64>(from, 8), 8);
          store<u64>(sp, <u64>bswap<u32>(load<u32>(pc)) & load<u64>(from, 16), 16);
          store<u64>(sp, 0, 24);
          sp += 32;
          pc += 22;
          continue;
        }
        case PUSH1_MLOAD: {
          const offset = <usize>load<u8>(pc);
          if (offset + 32 > size) {
            setU64(sp, offset);
            gas = reachBytes(frame, sp, 32, gas);
            if (gas < 0) continue;
            size = <usize>load<u32>(frame, F_MEMORY_BYTES);
          }
          fromBytes(sp, base + offset);
          sp += 32;
          pc += 2;
          continue;
        }
        case PUSH1_ADD: {
          addSmall(sp - 32, load<u8>(pc));
          pc += 2;
          continue;
        }
        case PUSH1_PUSH1: {
          setU64(sp, load<u8>(pc));
          setU64(sp + 32, load<u8>(pc, 2));
          sp += 64;
          pc += 3;
          continue;
        }
        case PUSH_MASK: {
          setU64(sp, load<u8>(pc, 2));
          setU64(sp + 32, load<u8>(pc, 4));
          shl(sp, sp + 32, sp);
          setU64(sp + 32, load<u8>(pc));
          sub(sp, sp, sp + 32);
          sp += 32;
          pc += 7;
          continue;
        }
        case MSTORE_PUSH1: {
          sp -= 64;
          if (!within(sp + 32, size)) {
            gas = reachBytes(frame, sp + 32, 32, gas);
            if (gas < 0) continue;
            size = <usize>load<u32>(frame, F_MEMORY_BYTES);
          }
          toBytes(base + <usize>load<u32>(sp + 32), sp);
          setU64(sp, load<u8>(pc, 1));
          sp += 32;
          pc += 2;
          continue;
        }
        case DUP2_MSTORE: {
          sp -= 32;
          if (!within(sp - 32, size)) {
            gas = reachBytes(frame, sp - 32, 32, gas);
            if (gas < 0) continue;
            size = <usize>load<u32>(frame, F_MEMORY_BYTES);
          }
          toBytes(base + <usize>load<u32>(sp - 32), sp);
          pc++;
          continue;
        }
        case SWAP1_DUP2_MSTORE: {
          sp -= 32;
          if (!within(sp, size)) {
            gas = reachBytes(frame, sp, 32, gas);
            if (gas < 0) continue;
            size = <usize>load<u32>(frame, F_MEMORY_BYTES);
          }
          toBytes(base + <usize>load<u32>(sp), sp - 32);
          copy(sp - 32, sp);
          pc += 2;
          continue;
        }
        case MSTORE_AT_0: {
          if (size == 0) {
            setU64(sp, 0);
            gas = reachBytes(frame, sp, 32, gas);
            if (gas < 0) continue;
            size = <usize>load<u32>(frame, F_MEMORY_BYTES);
          }
          toBytes(base, sp - 32);
          setU64(sp - 32, 0);
          pc += 3;
          continue;
        }
        case MSTORE_AT: {
          const offset = <usize>load<u8>(pc);
          if (offset + 32 > size) {
            setU64(sp, offset);
            gas = reachBytes(frame, sp, 32, gas);
            if (gas < 0) continue;
            size = <usize>load<u32>(frame, F_MEMORY_BYTES);
          }
          toBytes(base + offset, sp - 32);
          pc += 4;
          continue;
        }
        case PUSH1_SWAP1_KECCAK: {
          setU64(sp, load<u8>(pc));
          gas = hashMemory(frame, sp - 32, sp, sp - 32, gas);
          size = <usize>load<u32>(frame, F_MEMORY_BYTES);
          pc += 3;
          continue;
        }
        case PUSH2_DUP: {
          const depth = (<usize>load<u8>(pc, 2) - 0x80) << 5;
          if (sp - stack < depth) {
            ended = FAILED;
            break;
          }
          setU64(sp, bswap<u16>(load<u16>(pc)));
          copy(sp + 32, sp - depth);
          sp += 64;
          pc += 3;
          continue;
        }
        case LENGTH_BELOW: {
          sub(sp - 64, sp - 64, sp - 32);
          pc += 3;
          continue;
        }
        case CHECKED_MUL: {
          const taken = !mulOverflows(sp, sp - 64, sp - 32);
          sp += 32;
          gas -= i64(taken) * LANDING;
          pc = branch(taken, code, pc + 11);
          continue;
        }
        case CHECKED_ADD: {
          const taken = add(sp, sp - 64, sp - 32) == 0;
          sp += 32;
          gas -= i64(taken) * LANDING;
          pc = branch(taken, code, pc + 7);
          continue;
        }
        case CHECKED_SUB: {
          const taken = sub(sp, sp - 32, sp - 64) == 0;
          sp += 32;
          gas -= i64(taken) * LANDING;
          pc = branch(taken, code, pc + 7);
          continue;
        }
        case DUP_DUP_SUB: {
          const first = <usize>load<u8>(pc) >> 4;
          const second = <usize>load<u8>(pc) & 15;
          if (sp - stack < max<usize>(first + 1, second) << 5) {
            ended = FAILED;
            break;
          }
          const subtrahend = sp - 32 - (first << 5);
          sub(sp, second ? sp - (second << 5) : subtrahend, subtrahend);
          sp += 32;
          pc += 2;
          continue;
        }
        case PUSH1_DUP_ADD: {
          const depth = (<usize>load<u8>(pc, 1) - 0x80) << 5;
          if (sp - stack < depth) {
            ended = FAILED;
            break;
          }
          copy(sp, sp - depth);
          addSmall(sp, load<u8>(pc));
          sp += 32;
          pc += 3;
          continue;
        }
        case PUSH20_AND: {
          const top = sp - 32;
          store<u64>(top, bswap<u64>(load<u64>(pc, 12)) & load<u64>(top));
          store<u64>(top, bswap<u64>(load<u64>(pc, 4)) & load<u64>(top, 8), 8);
          store<u64>(top, <u64>bswap<u32>(load<u32>(pc)) & load<u64>(top, 16), 16);
          store<u64>(top, 0, 24);
          pc += 21;
          continue;
        }
        case PUSH0_PUSH0: {
          setU64(sp, 0);
          setU64(sp + 32, 0);
          sp += 64;
          pc++;
          continue;
        }
        case LOAD_SELECTOR:
        case LOAD_SELECTOR_PUSH1: {
          setU64(sp, 0);
          loadInput(sp, load<u32>(frame, F_INPUT), load<u32>(frame, F_INPUT_BYTES));
          setU64(sp, load<u64>(sp, 24) >> 32);
          sp += 32;
          pc += <usize>(op - LOAD_SELECTOR) + 4;
          continue;
        }
        case SHORT_INPUT_JUMPI: {
          const taken = load<u32>(frame, F_INPUT_BYTES) < <u32>load<u8>(pc);
          gas -= i64(taken) * LANDING;
          pc = branch(taken, code, pc + 4);
          continue;
        }
        case 0xf0: // CREATE
        case 0xf5: // CREATE2
        case 0xf1: // CALL
        case 0xf2: // CALLCODE
        case 0xf4: // DELEGATECALL
        case 0xfa: { // STATICCALL
          store<u32>(frame, <u32>pc, F_PC);
          store<u32>(frame, <u32>sp, F_SP);
          store<i64>(frame, gas, F_GAS);
          if (!(op == 0xf0 || op == 0xf5 ? create(frame, op) : call(frame, op))) {
            ended = FAILED;
            break;
          }
          if (current == frame) {
            sp = <usize>load<u32>(frame, F_SP);
            gas = load<i64>(frame, F_GAS);
            size = <usize>load<u32>(frame, F_MEMORY_BYTES);
            continue;
          }
          break;
        }
        case 0xf3: // RETURN
        case 0xfd: { // REVERT
          sp -= 64;
          gas = reach(frame, extent(sp + 32, sp), gas);
          if (gas < 0) continue;
          resultBytes = <usize>load<u32>(sp);
          result = base + (resultBytes ? <usize>load<u32>(sp + 32) : 0);
          ended = op == 0xf3 ? SUCCESS : REVERTED;
          break;
        }
        case 0xff: { // SELFDESTRUCT
          store<u32>(frame, <u32>sp, F_SP);
          store<i64>(frame, gas, F_GAS);
          if (!selfdestruct(frame)) {
            ended = FAILED;
            break;
          }
          gas = load<i64>(frame, F_GAS);
          ended = SUCCESS;
          break;
        }
        default:
          // An opcode no fork defines has stopped at the table.
          unreachable();
      }
      break;
    }

    if (ended) {
      if (frame == root) {
        output = result;
        outputBytes = resultBytes;
        gasLeft = gas;
        return ended;
      }
      finish(frame, ended, gas, result, resultBytes);
    }
    frame = current;
    pc = <usize>load<u32>(frame, F_PC);
    sp = <usize>load<u32>(frame, F_SP);
    gas = load<i64>(frame, F_GAS);
    stack = <usize>load<u32>(frame, F_STACK);
    code = <usize>load<u32>(frame, F_CODE);
    codeSize = <usize>load<u32>(frame, F_CODE_BYTES);
    jumps = <usize>load<u32>(frame, F_JUMPS);
    base = <usize>load<u32>(frame, F_MEMORY);
    size = <usize>load<u32>(frame, F_MEMORY_BYTES);
  }
}
