/**
 * The interpreter: one loop over all frames of a transaction (Yellow Paper §9, appendix H).
 *
 * Program counter, stack pointer, gas and memory bounds live in locals; calls put them into the frame record, work on it and take
 * them from whatever frame is then current. Static gas, stack bounds and the opcodes a fork has come from one table (`gas.ts`).
 * A stack word is four little-endian limbs; `sp` points past the top, so that the top word is at `sp - 32`.
 */
import {
  create,
  current,
  call,
  delegate,
  FAILED,
  finish,
  refund,
  returnedBytes,
  addRefund,
  REVERTED,
  selfdestruct,
  SUCCESS,
} from "./calls";
import { codeBytes, codeLength } from "./code";
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
  F_PC,
  F_SELF,
  F_SP,
  F_STACK,
  F_STATIC,
  F_VALUE,
  grow,
  growthGas,
} from "./frame";
import {
  COLD_ACCOUNT_EXTRA,
  COLD_SLOT_EXTRA,
  COPY_WORD,
  expByteGas,
  KECCAK_WORD,
  LOG_BYTE,
  wordGas,
} from "./gas";
import { keccak, keccakOfSlot } from "./hash";
import { readBlockHash, traceStep } from "./host";
import {
  BERLIN,
  BLOCK_HASHES,
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
  returned,
  words,
} from "./layout";
import { appendLog } from "./logs";
import {
  accountKeyOfWord,
  balanceOf,
  codeHashOf,
  codeOf,
  hasCode,
  isEmpty,
  makeWarm,
  readAccountEntry,
  readSlotEntry,
  setValue,
  slotKey,
  transientSlot,
  VALUE,
} from "./state";
import { storeSlot } from "./sstore";
import {
  add,
  addmod,
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
  sar,
  sdiv,
  setU64,
  shl,
  shr,
  signextend,
  slt,
  smod,
  sub,
  toBytes,
} from "./u256";

/** What the transaction brings along; set by `transaction.ts`. */
export let origin: usize = 0;
export let gasPrice: usize = 0;
/** Versioned hashes of blobs, 32 bytes each, and their number. */
let blobHashes: usize = 0;
let blobCount: u32 = 0;

export function setTransactionContext(
  sender: usize,
  price: usize,
  hashes: usize,
  count: u32,
): void {
  origin = sender;
  gasPrice = price;
  blobHashes = hashes;
  blobCount = count;
}

/** Output of the first frame. */
export let output: usize = 0;
export let outputBytes: usize = 0;
/** Gas the first frame has left. */
export let gasLeft: i64 = 0;

/** Whether `at` is a jump destination. */
// @ts-ignore: decorator
@inline
function mayJump(jumps: usize, codeSize: usize, at: u64): bool {
  return at < <u64>codeSize && ((load<u8>(jumps + (<usize>at >> 3)) >> (<u8>at & 7)) & 1) != 0;
}

/** Copies `length` bytes from `offset` of a source to memory; what lies past the source's end reads as zeros. */
function copyPadded(
  to: usize,
  source: usize,
  sourceBytes: usize,
  offset: usize,
  length: usize,
): void {
  let available: usize = 0;
  if (fits64(offset) && load<u64>(offset) < <u64>sourceBytes) {
    const from = <usize>load<u64>(offset);
    available = min<usize>(sourceBytes - from, length);
    memory.copy(to, source + from, available);
  }
  memory.fill(to + available, 0, length - available);
}

/** The word at `offset` of the call data, zeros past its end. */
function loadInput(word: usize, input: usize, inputBytes: usize): void {
  const offset = load<u64>(word);
  if (!fits64(word) || offset >= <u64>inputBytes) return setU64(word, 0);
  const at = <usize>offset;
  if (at + 32 <= inputBytes) return fromBytes(word, input + at);
  const padded = words + 640;
  memory.fill(padded, 0, 32);
  memory.copy(padded, input + at, inputBytes - at);
  fromBytes(word, padded);
}

/** BLOCKHASH: one of the 256 blocks before this one, else zero. */
function blockHash(word: usize): void {
  const number = load<u64>(ENV_NUMBER);
  const asked = load<u64>(word);
  if (!fits64(word) || asked >= number || number - asked > 256) return setU64(word, 0);
  const entry = BLOCK_HASHES + ((<usize>(asked & 255)) << 6);
  if (!atomic.load<u32>(entry)) {
    readBlockHash(asked, entry + 32);
    atomic.store<u32>(entry, 1);
  }
  fromBytes(word, entry + 32);
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
          if (gas < 0) {
            ended = FAILED;
            break;
          }
          exp(sp - 32, sp, sp - 32);
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
          v128.store(sp - 32, v128.and(v128.load(sp - 32), v128.load(sp)));
          v128.store(sp - 32, v128.and(v128.load(sp - 32, 16), v128.load(sp, 16)), 16);
          continue;
        }
        case 0x17: { // OR
          sp -= 32;
          v128.store(sp - 32, v128.or(v128.load(sp - 32), v128.load(sp)));
          v128.store(sp - 32, v128.or(v128.load(sp - 32, 16), v128.load(sp, 16)), 16);
          continue;
        }
        case 0x18: { // XOR
          sp -= 32;
          v128.store(sp - 32, v128.xor(v128.load(sp - 32), v128.load(sp)));
          v128.store(sp - 32, v128.xor(v128.load(sp - 32, 16), v128.load(sp, 16)), 16);
          continue;
        }
        case 0x19: { // NOT
          v128.store(sp - 32, v128.not(v128.load(sp - 32)));
          v128.store(sp - 32, v128.not(v128.load(sp - 32, 16)), 16);
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
          const end = extent(sp, sp - 32);
          if (end > <i64>size || end < 0) {
            gas -= growthGas(size, end);
            if (gas < 0) {
              ended = FAILED;
              break;
            }
            size = grow(base, size, end);
          }
          const bytes = <usize>load<u32>(sp - 32);
          gas -= wordGas(bytes, KECCAK_WORD);
          if (gas < 0) {
            ended = FAILED;
            break;
          }
          if (bytes == 64) {
            const input = load<u32>(frame, F_INPUT);
            const inputBytes = load<u32>(frame, F_INPUT_BYTES);
            keccakOfSlot(
              base + <usize>load<u32>(sp),
              sp - 32,
              frame + F_CALLER,
              input,
              inputBytes,
            );
            continue;
          }
          keccak(base + <usize>load<u32>(sp), bytes, sp - 32);
          fromBytes(sp - 32, sp - 32);
          continue;
        }
        case 0x30: { // ADDRESS
          copy(sp, frame + F_ADDRESS);
          sp += 32;
          continue;
        }
        case 0x31: { // BALANCE
          const entry = accountKeyOfWord(sp - 32);
          if (fork >= BERLIN && makeWarm(entry)) {
            gas -= COLD_ACCOUNT_EXTRA;
            if (gas < 0) {
              ended = FAILED;
              break;
            }
          }
          readAccountEntry(entry);
          copy(sp - 32, balanceOf(entry));
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
          const end = extent(sp + 64, sp);
          if (end > <i64>size || end < 0) {
            gas -= growthGas(size, end);
            if (gas < 0) {
              ended = FAILED;
              break;
            }
            size = grow(base, size, end);
          }
          const bytes = <usize>load<u32>(sp);
          gas -= wordGas(bytes, COPY_WORD);
          if (gas < 0) {
            ended = FAILED;
            break;
          }
          if (bytes)
            copyPadded(
              base + <usize>load<u32>(sp + 64),
              load<u32>(frame, F_INPUT),
              load<u32>(frame, F_INPUT_BYTES),
              sp + 32,
              bytes,
            );
          continue;
        }
        case 0x38: { // CODESIZE
          setU64(sp, codeSize);
          sp += 32;
          continue;
        }
        case 0x39: { // CODECOPY
          sp -= 96;
          const end = extent(sp + 64, sp);
          if (end > <i64>size || end < 0) {
            gas -= growthGas(size, end);
            if (gas < 0) {
              ended = FAILED;
              break;
            }
            size = grow(base, size, end);
          }
          const bytes = <usize>load<u32>(sp);
          gas -= wordGas(bytes, COPY_WORD);
          if (gas < 0) {
            ended = FAILED;
            break;
          }
          if (bytes) copyPadded(base + <usize>load<u32>(sp + 64), code, codeSize, sp + 32, bytes);
          continue;
        }
        case 0x3a: { // GASPRICE
          copy(sp, gasPrice);
          sp += 32;
          continue;
        }
        case 0x3b: { // EXTCODESIZE
          const entry = accountKeyOfWord(sp - 32);
          if (fork >= BERLIN && makeWarm(entry)) {
            gas -= COLD_ACCOUNT_EXTRA;
            if (gas < 0) {
              ended = FAILED;
              break;
            }
          }
          readAccountEntry(entry);
          setU64(sp - 32, hasCode(entry) ? codeLength(codeOf(entry)) : 0);
          continue;
        }
        case 0x3c: { // EXTCODECOPY
          sp -= 128;
          const end = extent(sp + 64, sp);
          if (end > <i64>size || end < 0) {
            gas -= growthGas(size, end);
            if (gas < 0) {
              ended = FAILED;
              break;
            }
            size = grow(base, size, end);
          }
          const bytes = <usize>load<u32>(sp);
          gas -= wordGas(bytes, COPY_WORD);
          if (gas < 0) {
            ended = FAILED;
            break;
          }
          const entry = accountKeyOfWord(sp + 96);
          if (fork >= BERLIN && makeWarm(entry)) {
            gas -= COLD_ACCOUNT_EXTRA;
            if (gas < 0) {
              ended = FAILED;
              break;
            }
          }
          readAccountEntry(entry);
          if (bytes) {
            const external = codeOf(entry);
            copyPadded(
              base + <usize>load<u32>(sp + 64),
              codeBytes(external),
              codeLength(external),
              sp + 32,
              bytes,
            );
          }
          continue;
        }
        case 0x3d: { // RETURNDATASIZE
          setU64(sp, returnedBytes);
          sp += 32;
          continue;
        }
        case 0x3e: { // RETURNDATACOPY
          sp -= 96;
          // Reading past the end is an exceptional halt, not zeros.
          const from = load<u64>(sp + 32);
          if (
            !fits64(sp + 32) ||
            !fits64(sp) ||
            from > <u64>returnedBytes ||
            load<u64>(sp) > <u64>returnedBytes - from
          ) {
            ended = FAILED;
            break;
          }
          const end = extent(sp + 64, sp);
          if (end > <i64>size || end < 0) {
            gas -= growthGas(size, end);
            if (gas < 0) {
              ended = FAILED;
              break;
            }
            size = grow(base, size, end);
          }
          const bytes = <usize>load<u32>(sp);
          gas -= wordGas(bytes, COPY_WORD);
          if (gas < 0) {
            ended = FAILED;
            break;
          }
          if (bytes) memory.copy(base + <usize>load<u32>(sp + 64), returned + <usize>from, bytes);
          continue;
        }
        case 0x3f: { // EXTCODEHASH
          const entry = accountKeyOfWord(sp - 32);
          if (fork >= BERLIN && makeWarm(entry)) {
            gas -= COLD_ACCOUNT_EXTRA;
            if (gas < 0) {
              ended = FAILED;
              break;
            }
          }
          readAccountEntry(entry);
          if (isEmpty(entry)) setU64(sp - 32, 0);
          else fromBytes(sp - 32, codeHashOf(entry));
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
          if (fits64(sp - 32) && load<u64>(sp - 32) < <u64>blobCount)
            fromBytes(sp - 32, blobHashes + ((<usize>load<u32>(sp - 32)) << 5));
          else setU64(sp - 32, 0);
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
          const offset = load<u64>(sp - 32);
          const end = <i64>offset + 32;
          if (!fits64(sp - 32) || offset > 0xffffffff || end > <i64>size) {
            if (!fits64(sp - 32) || offset > 0xffffffff) {
              ended = FAILED;
              break;
            }
            gas -= growthGas(size, end);
            if (gas < 0) {
              ended = FAILED;
              break;
            }
            size = grow(base, size, end);
          }
          fromBytes(sp - 32, base + <usize>offset);
          continue;
        }
        case 0x52: { // MSTORE
          sp -= 64;
          const offset = load<u64>(sp + 32);
          const end = <i64>offset + 32;
          if (!fits64(sp + 32) || offset > 0xffffffff || end > <i64>size) {
            if (!fits64(sp + 32) || offset > 0xffffffff) {
              ended = FAILED;
              break;
            }
            gas -= growthGas(size, end);
            if (gas < 0) {
              ended = FAILED;
              break;
            }
            size = grow(base, size, end);
          }
          toBytes(base + <usize>offset, sp);
          continue;
        }
        case 0x53: { // MSTORE8
          sp -= 64;
          const offset = load<u64>(sp + 32);
          const end = <i64>offset + 1;
          if (!fits64(sp + 32) || offset > 0xffffffff || end > <i64>size) {
            if (!fits64(sp + 32) || offset > 0xffffffff) {
              ended = FAILED;
              break;
            }
            gas -= growthGas(size, end);
            if (gas < 0) {
              ended = FAILED;
              break;
            }
            size = grow(base, size, end);
          }
          store<u8>(base + <usize>offset, load<u8>(sp));
          continue;
        }
        case 0x54: { // SLOAD
          const entry = slotKey(<usize>load<u32>(frame, F_SELF), sp - 32);
          if (fork >= BERLIN && makeWarm(entry)) {
            gas -= COLD_SLOT_EXTRA;
            if (gas < 0) {
              ended = FAILED;
              break;
            }
          }
          readSlotEntry(entry);
          copy(sp - 32, entry + VALUE);
          continue;
        }
        case 0x55: { // SSTORE
          sp -= 64;
          if (load<u32>(frame, F_STATIC)) {
            ended = FAILED;
            break;
          }
          gas = storeSlot(<usize>load<u32>(frame, F_SELF), sp + 32, sp, gas);
          if (gas < 0) {
            ended = FAILED;
            break;
          }
          continue;
        }
        case 0x56: { // JUMP
          sp -= 32;
          const target = load<u64>(sp);
          if (!fits64(sp) || !mayJump(jumps, codeSize, target)) {
            ended = FAILED;
            break;
          }
          pc = code + <usize>target;
          continue;
        }
        case 0x57: { // JUMPI
          sp -= 64;
          if (!isZero(sp)) {
            const target = load<u64>(sp + 32);
            if (!fits64(sp + 32) || !mayJump(jumps, codeSize, target)) {
              ended = FAILED;
              break;
            }
            pc = code + <usize>target;
          }
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
          const entry = transientSlot(<usize>load<u32>(frame, F_SELF), sp - 32);
          copy(sp - 32, entry + VALUE);
          continue;
        }
        case 0x5d: { // TSTORE
          sp -= 64;
          if (load<u32>(frame, F_STATIC)) {
            ended = FAILED;
            break;
          }
          setValue(transientSlot(<usize>load<u32>(frame, F_SELF), sp + 32), sp);
          continue;
        }
        case 0x5e: { // MCOPY
          sp -= 96;
          const end = max<i64>(extent(sp + 64, sp), extent(sp + 32, sp));
          if (extent(sp + 64, sp) < 0 || extent(sp + 32, sp) < 0) {
            ended = FAILED;
            break;
          }
          gas -= growthGas(size, end);
          const bytes = <usize>load<u32>(sp);
          gas -= wordGas(bytes, COPY_WORD);
          if (gas < 0) {
            ended = FAILED;
            break;
          }
          size = grow(base, size, end);
          if (bytes)
            memory.copy(base + <usize>load<u32>(sp + 64), base + <usize>load<u32>(sp + 32), bytes);
          continue;
        }
        case 0x5f: { // PUSH0
          setU64(sp, 0);
          sp += 32;
          continue;
        }
        case 0x60: { // PUSH1
          store<u64>(sp, load<u8>(pc));
          store<u64>(sp, 0, 8);
          store<u64>(sp, 0, 16);
          store<u64>(sp, 0, 24);
          sp += 32;
          pc += 1;
          continue;
        }
        case 0x61: { // PUSH2
          store<u64>(sp, bswap<u16>(load<u16>(pc)));
          store<u64>(sp, 0, 8);
          store<u64>(sp, 0, 16);
          store<u64>(sp, 0, 24);
          sp += 32;
          pc += 2;
          continue;
        }
        case 0x62: { // PUSH3
          store<u64>(sp, bswap<u64>(load<u64>(pc)) >> 40);
          store<u64>(sp, 0, 8);
          store<u64>(sp, 0, 16);
          store<u64>(sp, 0, 24);
          sp += 32;
          pc += 3;
          continue;
        }
        case 0x63: { // PUSH4
          store<u64>(sp, bswap<u32>(load<u32>(pc)));
          store<u64>(sp, 0, 8);
          store<u64>(sp, 0, 16);
          store<u64>(sp, 0, 24);
          sp += 32;
          pc += 4;
          continue;
        }
        case 0x64: { // PUSH5
          store<u64>(sp, bswap<u64>(load<u64>(pc)) >> 24);
          store<u64>(sp, 0, 8);
          store<u64>(sp, 0, 16);
          store<u64>(sp, 0, 24);
          sp += 32;
          pc += 5;
          continue;
        }
        case 0x65: { // PUSH6
          store<u64>(sp, bswap<u64>(load<u64>(pc)) >> 16);
          store<u64>(sp, 0, 8);
          store<u64>(sp, 0, 16);
          store<u64>(sp, 0, 24);
          sp += 32;
          pc += 6;
          continue;
        }
        case 0x66: { // PUSH7
          store<u64>(sp, bswap<u64>(load<u64>(pc)) >> 8);
          store<u64>(sp, 0, 8);
          store<u64>(sp, 0, 16);
          store<u64>(sp, 0, 24);
          sp += 32;
          pc += 7;
          continue;
        }
        case 0x67: { // PUSH8
          store<u64>(sp, bswap<u64>(load<u64>(pc, 0)));
          store<u64>(sp, 0, 8);
          store<u64>(sp, 0, 16);
          store<u64>(sp, 0, 24);
          sp += 32;
          pc += 8;
          continue;
        }
        case 0x68: { // PUSH9
          store<u64>(sp, bswap<u64>(load<u64>(pc, 1)));
          store<u64>(sp, load<u8>(pc), 8);
          store<u64>(sp, 0, 16);
          store<u64>(sp, 0, 24);
          sp += 32;
          pc += 9;
          continue;
        }
        case 0x69: { // PUSH10
          store<u64>(sp, bswap<u64>(load<u64>(pc, 2)));
          store<u64>(sp, bswap<u16>(load<u16>(pc)), 8);
          store<u64>(sp, 0, 16);
          store<u64>(sp, 0, 24);
          sp += 32;
          pc += 10;
          continue;
        }
        case 0x6a: { // PUSH11
          store<u64>(sp, bswap<u64>(load<u64>(pc, 3)));
          store<u64>(sp, bswap<u64>(load<u64>(pc)) >> 40, 8);
          store<u64>(sp, 0, 16);
          store<u64>(sp, 0, 24);
          sp += 32;
          pc += 11;
          continue;
        }
        case 0x6b: { // PUSH12
          store<u64>(sp, bswap<u64>(load<u64>(pc, 4)));
          store<u64>(sp, bswap<u32>(load<u32>(pc)), 8);
          store<u64>(sp, 0, 16);
          store<u64>(sp, 0, 24);
          sp += 32;
          pc += 12;
          continue;
        }
        case 0x6c: { // PUSH13
          store<u64>(sp, bswap<u64>(load<u64>(pc, 5)));
          store<u64>(sp, bswap<u64>(load<u64>(pc)) >> 24, 8);
          store<u64>(sp, 0, 16);
          store<u64>(sp, 0, 24);
          sp += 32;
          pc += 13;
          continue;
        }
        case 0x6d: { // PUSH14
          store<u64>(sp, bswap<u64>(load<u64>(pc, 6)));
          store<u64>(sp, bswap<u64>(load<u64>(pc)) >> 16, 8);
          store<u64>(sp, 0, 16);
          store<u64>(sp, 0, 24);
          sp += 32;
          pc += 14;
          continue;
        }
        case 0x6e: { // PUSH15
          store<u64>(sp, bswap<u64>(load<u64>(pc, 7)));
          store<u64>(sp, bswap<u64>(load<u64>(pc)) >> 8, 8);
          store<u64>(sp, 0, 16);
          store<u64>(sp, 0, 24);
          sp += 32;
          pc += 15;
          continue;
        }
        case 0x6f: { // PUSH16
          store<u64>(sp, bswap<u64>(load<u64>(pc, 8)));
          store<u64>(sp, bswap<u64>(load<u64>(pc, 0)), 8);
          store<u64>(sp, 0, 16);
          store<u64>(sp, 0, 24);
          sp += 32;
          pc += 16;
          continue;
        }
        case 0x70: { // PUSH17
          store<u64>(sp, bswap<u64>(load<u64>(pc, 9)));
          store<u64>(sp, bswap<u64>(load<u64>(pc, 1)), 8);
          store<u64>(sp, load<u8>(pc), 16);
          store<u64>(sp, 0, 24);
          sp += 32;
          pc += 17;
          continue;
        }
        case 0x71: { // PUSH18
          store<u64>(sp, bswap<u64>(load<u64>(pc, 10)));
          store<u64>(sp, bswap<u64>(load<u64>(pc, 2)), 8);
          store<u64>(sp, bswap<u16>(load<u16>(pc)), 16);
          store<u64>(sp, 0, 24);
          sp += 32;
          pc += 18;
          continue;
        }
        case 0x72: { // PUSH19
          store<u64>(sp, bswap<u64>(load<u64>(pc, 11)));
          store<u64>(sp, bswap<u64>(load<u64>(pc, 3)), 8);
          store<u64>(sp, bswap<u64>(load<u64>(pc)) >> 40, 16);
          store<u64>(sp, 0, 24);
          sp += 32;
          pc += 19;
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
        case 0x74: { // PUSH21
          store<u64>(sp, bswap<u64>(load<u64>(pc, 13)));
          store<u64>(sp, bswap<u64>(load<u64>(pc, 5)), 8);
          store<u64>(sp, bswap<u64>(load<u64>(pc)) >> 24, 16);
          store<u64>(sp, 0, 24);
          sp += 32;
          pc += 21;
          continue;
        }
        case 0x75: { // PUSH22
          store<u64>(sp, bswap<u64>(load<u64>(pc, 14)));
          store<u64>(sp, bswap<u64>(load<u64>(pc, 6)), 8);
          store<u64>(sp, bswap<u64>(load<u64>(pc)) >> 16, 16);
          store<u64>(sp, 0, 24);
          sp += 32;
          pc += 22;
          continue;
        }
        case 0x76: { // PUSH23
          store<u64>(sp, bswap<u64>(load<u64>(pc, 15)));
          store<u64>(sp, bswap<u64>(load<u64>(pc, 7)), 8);
          store<u64>(sp, bswap<u64>(load<u64>(pc)) >> 8, 16);
          store<u64>(sp, 0, 24);
          sp += 32;
          pc += 23;
          continue;
        }
        case 0x77: { // PUSH24
          store<u64>(sp, bswap<u64>(load<u64>(pc, 16)));
          store<u64>(sp, bswap<u64>(load<u64>(pc, 8)), 8);
          store<u64>(sp, bswap<u64>(load<u64>(pc, 0)), 16);
          store<u64>(sp, 0, 24);
          sp += 32;
          pc += 24;
          continue;
        }
        case 0x78: { // PUSH25
          store<u64>(sp, bswap<u64>(load<u64>(pc, 17)));
          store<u64>(sp, bswap<u64>(load<u64>(pc, 9)), 8);
          store<u64>(sp, bswap<u64>(load<u64>(pc, 1)), 16);
          store<u64>(sp, load<u8>(pc), 24);
          sp += 32;
          pc += 25;
          continue;
        }
        case 0x79: { // PUSH26
          store<u64>(sp, bswap<u64>(load<u64>(pc, 18)));
          store<u64>(sp, bswap<u64>(load<u64>(pc, 10)), 8);
          store<u64>(sp, bswap<u64>(load<u64>(pc, 2)), 16);
          store<u64>(sp, bswap<u16>(load<u16>(pc)), 24);
          sp += 32;
          pc += 26;
          continue;
        }
        case 0x7a: { // PUSH27
          store<u64>(sp, bswap<u64>(load<u64>(pc, 19)));
          store<u64>(sp, bswap<u64>(load<u64>(pc, 11)), 8);
          store<u64>(sp, bswap<u64>(load<u64>(pc, 3)), 16);
          store<u64>(sp, bswap<u64>(load<u64>(pc)) >> 40, 24);
          sp += 32;
          pc += 27;
          continue;
        }
        case 0x7b: { // PUSH28
          store<u64>(sp, bswap<u64>(load<u64>(pc, 20)));
          store<u64>(sp, bswap<u64>(load<u64>(pc, 12)), 8);
          store<u64>(sp, bswap<u64>(load<u64>(pc, 4)), 16);
          store<u64>(sp, bswap<u32>(load<u32>(pc)), 24);
          sp += 32;
          pc += 28;
          continue;
        }
        case 0x7c: { // PUSH29
          store<u64>(sp, bswap<u64>(load<u64>(pc, 21)));
          store<u64>(sp, bswap<u64>(load<u64>(pc, 13)), 8);
          store<u64>(sp, bswap<u64>(load<u64>(pc, 5)), 16);
          store<u64>(sp, bswap<u64>(load<u64>(pc)) >> 24, 24);
          sp += 32;
          pc += 29;
          continue;
        }
        case 0x7d: { // PUSH30
          store<u64>(sp, bswap<u64>(load<u64>(pc, 22)));
          store<u64>(sp, bswap<u64>(load<u64>(pc, 14)), 8);
          store<u64>(sp, bswap<u64>(load<u64>(pc, 6)), 16);
          store<u64>(sp, bswap<u64>(load<u64>(pc)) >> 16, 24);
          sp += 32;
          pc += 30;
          continue;
        }
        case 0x7e: { // PUSH31
          store<u64>(sp, bswap<u64>(load<u64>(pc, 23)));
          store<u64>(sp, bswap<u64>(load<u64>(pc, 15)), 8);
          store<u64>(sp, bswap<u64>(load<u64>(pc, 7)), 16);
          store<u64>(sp, bswap<u64>(load<u64>(pc)) >> 8, 24);
          sp += 32;
          pc += 31;
          continue;
        }
        case 0x7f: { // PUSH32
          store<u64>(sp, bswap<u64>(load<u64>(pc, 24)));
          store<u64>(sp, bswap<u64>(load<u64>(pc, 16)), 8);
          store<u64>(sp, bswap<u64>(load<u64>(pc, 8)), 16);
          store<u64>(sp, bswap<u64>(load<u64>(pc, 0)), 24);
          sp += 32;
          pc += 32;
          continue;
        }
        case 0x80: { // DUP1
          copy(sp, sp - 32);
          sp += 32;
          continue;
        }
        case 0x81: { // DUP2
          copy(sp, sp - 64);
          sp += 32;
          continue;
        }
        case 0x82: { // DUP3
          copy(sp, sp - 96);
          sp += 32;
          continue;
        }
        case 0x83: { // DUP4
          copy(sp, sp - 128);
          sp += 32;
          continue;
        }
        case 0x84: { // DUP5
          copy(sp, sp - 160);
          sp += 32;
          continue;
        }
        case 0x85: { // DUP6
          copy(sp, sp - 192);
          sp += 32;
          continue;
        }
        case 0x86: { // DUP7
          copy(sp, sp - 224);
          sp += 32;
          continue;
        }
        case 0x87: { // DUP8
          copy(sp, sp - 256);
          sp += 32;
          continue;
        }
        case 0x88: { // DUP9
          copy(sp, sp - 288);
          sp += 32;
          continue;
        }
        case 0x89: { // DUP10
          copy(sp, sp - 320);
          sp += 32;
          continue;
        }
        case 0x8a: { // DUP11
          copy(sp, sp - 352);
          sp += 32;
          continue;
        }
        case 0x8b: { // DUP12
          copy(sp, sp - 384);
          sp += 32;
          continue;
        }
        case 0x8c: { // DUP13
          copy(sp, sp - 416);
          sp += 32;
          continue;
        }
        case 0x8d: { // DUP14
          copy(sp, sp - 448);
          sp += 32;
          continue;
        }
        case 0x8e: { // DUP15
          copy(sp, sp - 480);
          sp += 32;
          continue;
        }
        case 0x8f: { // DUP16
          copy(sp, sp - 512);
          sp += 32;
          continue;
        }
        case 0x90: { // SWAP1
          swap(sp - 32, sp - 64);
          continue;
        }
        case 0x91: { // SWAP2
          swap(sp - 32, sp - 96);
          continue;
        }
        case 0x92: { // SWAP3
          swap(sp - 32, sp - 128);
          continue;
        }
        case 0x93: { // SWAP4
          swap(sp - 32, sp - 160);
          continue;
        }
        case 0x94: { // SWAP5
          swap(sp - 32, sp - 192);
          continue;
        }
        case 0x95: { // SWAP6
          swap(sp - 32, sp - 224);
          continue;
        }
        case 0x96: { // SWAP7
          swap(sp - 32, sp - 256);
          continue;
        }
        case 0x97: { // SWAP8
          swap(sp - 32, sp - 288);
          continue;
        }
        case 0x98: { // SWAP9
          swap(sp - 32, sp - 320);
          continue;
        }
        case 0x99: { // SWAP10
          swap(sp - 32, sp - 352);
          continue;
        }
        case 0x9a: { // SWAP11
          swap(sp - 32, sp - 384);
          continue;
        }
        case 0x9b: { // SWAP12
          swap(sp - 32, sp - 416);
          continue;
        }
        case 0x9c: { // SWAP13
          swap(sp - 32, sp - 448);
          continue;
        }
        case 0x9d: { // SWAP14
          swap(sp - 32, sp - 480);
          continue;
        }
        case 0x9e: { // SWAP15
          swap(sp - 32, sp - 512);
          continue;
        }
        case 0x9f: { // SWAP16
          swap(sp - 32, sp - 544);
          continue;
        }
        case 0xa0: // LOG0
        case 0xa1: // LOG1
        case 0xa2: // LOG2
        case 0xa3: // LOG3
        case 0xa4: { // LOG4
          if (load<u32>(frame, F_STATIC)) {
            ended = FAILED;
            break;
          }
          const end = extent(sp - 32, sp - 64);
          if (end > <i64>size || end < 0) {
            gas -= growthGas(size, end);
            if (gas < 0) {
              ended = FAILED;
              break;
            }
            size = grow(base, size, end);
          }
          const bytes = <usize>load<u32>(sp - 64);
          gas -= <i64>bytes * LOG_BYTE;
          if (gas < 0) {
            ended = FAILED;
            break;
          }
          const topics = <usize>(op - 0xa0);
          const data = base + (bytes ? <usize>load<u32>(sp - 32) : 0);
          appendLog(frame + F_ADDRESS, sp - 96, topics, data, bytes);
          sp -= 64 + (topics << 5);
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
          store<u32>(frame, <u32>size, F_MEMORY_BYTES);
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
        case 0xf3: { // RETURN
          sp -= 64;
          const end = extent(sp + 32, sp);
          if (end > <i64>size || end < 0) {
            gas -= growthGas(size, end);
            if (gas < 0) {
              ended = FAILED;
              break;
            }
            size = grow(base, size, end);
          }
          resultBytes = <usize>load<u32>(sp);
          result = base + (resultBytes ? <usize>load<u32>(sp + 32) : 0);
          ended = SUCCESS;
          break;
        }
        case 0xfd: { // REVERT
          sp -= 64;
          const end = extent(sp + 32, sp);
          if (end > <i64>size || end < 0) {
            gas -= growthGas(size, end);
            if (gas < 0) {
              ended = FAILED;
              break;
            }
            size = grow(base, size, end);
          }
          resultBytes = <usize>load<u32>(sp);
          result = base + (resultBytes ? <usize>load<u32>(sp + 32) : 0);
          ended = REVERTED;
          break;
        }
        case 0xff: { // SELFDESTRUCT
          store<u32>(frame, <u32>pc, F_PC);
          store<u32>(frame, <u32>sp, F_SP);
          store<i64>(frame, gas, F_GAS);
          store<u32>(frame, <u32>size, F_MEMORY_BYTES);
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

// @ts-ignore: decorator
@inline
function swap(a: usize, b: usize): void {
  const a0 = v128.load(a);
  const a1 = v128.load(a, 16);
  v128.store(a, v128.load(b));
  v128.store(a, v128.load(b, 16), 16);
  v128.store(b, a0);
  v128.store(b, a1, 16);
}
