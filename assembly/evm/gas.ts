/**
 * The fee schedule (Yellow Paper, appendix G, and the EIPs named), and the table of opcodes of one fork.
 */
import { fillFused } from "./fusion";
import {
  BERLIN,
  BYZANTIUM,
  CANCUN,
  CONSTANTINOPLE,
  HOMESTEAD,
  ISTANBUL,
  LONDON,
  OPCODES,
  OSAKA,
  SHANGHAI,
  SPURIOUS_DRAGON,
  TANGERINE_WHISTLE,
} from "./layout";

// EIP-2929. The opcode table holds the warm price from Berlin on; these are what a cold access adds.
export const COLD_ACCOUNT: i64 = 2600;
export const COLD_ACCOUNT_EXTRA: i64 = 2500;
export const COLD_SLOT: i64 = 2100;
export const COLD_SLOT_EXTRA: i64 = 2000;
export const WARM_ACCESS: i64 = 100;

export const COPY_WORD: i64 = 3;
export const KECCAK_WORD: i64 = 6;
export const INITCODE_WORD: i64 = 2; // EIP-3860
export const LOG_BYTE: i64 = 8;
export const CALL_VALUE: i64 = 9000;
export const CALL_STIPEND: i64 = 2300;
export const NEW_ACCOUNT: i64 = 25000;
export const CODE_BYTE: i64 = 200;
export const MAX_CODE_BYTES: usize = 24576; // EIP-170
export const MAX_INITCODE_BYTES: usize = 49152; // EIP-3860
export const SELFDESTRUCT_REFUND: i64 = 24000; // until EIP-3529

/** Cost of `bytes` (a multiple of 32, below 2^33) of memory: 3 a word and the words' square over 512. */
// @ts-ignore: decorator
@inline
export function memoryGas(bytes: i64): i64 {
  const words = bytes >> 5;
  return 3 * words + ((words * words) >> 9);
}

/** Cost of work on each of the words that `bytes` fill. */
// @ts-ignore: decorator
@inline
export function wordGas(bytes: usize, price: i64): i64 {
  return ((<i64>bytes + 31) >> 5) * price;
}

/** Gas of EXP for each byte of the exponent (EIP-160). */
export function expByteGas(fork: i32): i64 {
  return fork >= SPURIOUS_DRAGON ? 50 : 10;
}

function define(op: i32, gas: u32, pops: i32, pushes: i32): void {
  const most = pushes > pops ? 1024 - (pushes - pops) : 1024;
  const at = OPCODES + ((<usize>op) << 3);
  store<u32>(at, gas);
  store<u16>(at, <u16>(pops << 5), 4);
  store<u16>(at, <u16>((most - pops) << 5), 6);
}

/**
 * Fills the table. An opcode that the fork lacks asks for more stack than there can be, so that one comparison finds underflow,
 * overflow and undefined opcodes alike.
 */
export function fillOpcodes(fork: i32): void {
  for (let op: usize = 0; op < 256; op++) store<u64>(OPCODES + (op << 3), 0x0000ffff00000000);
  define(0x00, 0, 0, 0); // STOP
  define(0x01, 3, 2, 1); // ADD
  define(0x02, 5, 2, 1); // MUL
  define(0x03, 3, 2, 1); // SUB
  for (let op = 0x04; op <= 0x07; op++) define(op, 5, 2, 1); // DIV SDIV MOD SMOD
  define(0x08, 8, 3, 1); // ADDMOD
  define(0x09, 8, 3, 1); // MULMOD
  define(0x0a, 10, 2, 1); // EXP
  define(0x0b, 5, 2, 1); // SIGNEXTEND
  for (let op = 0x10; op <= 0x14; op++) define(op, 3, 2, 1); // LT GT SLT SGT EQ
  define(0x15, 3, 1, 1); // ISZERO
  for (let op = 0x16; op <= 0x18; op++) define(op, 3, 2, 1); // AND OR XOR
  define(0x19, 3, 1, 1); // NOT
  define(0x1a, 3, 2, 1); // BYTE
  define(0x20, 30, 2, 1); // KECCAK256
  define(0x30, 2, 0, 1); // ADDRESS
  const balance =
    fork >= BERLIN ? 100 : fork >= ISTANBUL ? 700 : fork >= TANGERINE_WHISTLE ? 400 : 20;
  define(0x31, balance, 1, 1);
  for (let op = 0x32; op <= 0x34; op++) define(op, 2, 0, 1); // ORIGIN CALLER CALLVALUE
  define(0x35, 3, 1, 1); // CALLDATALOAD
  define(0x36, 2, 0, 1); // CALLDATASIZE
  define(0x37, 3, 3, 0); // CALLDATACOPY
  define(0x38, 2, 0, 1); // CODESIZE
  define(0x39, 3, 3, 0); // CODECOPY
  define(0x3a, 2, 0, 1); // GASPRICE
  const external = fork >= BERLIN ? 100 : fork >= TANGERINE_WHISTLE ? 700 : 20;
  define(0x3b, external, 1, 1); // EXTCODESIZE
  define(0x3c, external, 4, 0); // EXTCODECOPY
  define(0x40, 20, 1, 1); // BLOCKHASH
  for (let op = 0x41; op <= 0x45; op++) define(op, 2, 0, 1); // COINBASE TIMESTAMP NUMBER DIFFICULTY GASLIMIT
  define(0x50, 2, 1, 0); // POP
  define(0x51, 3, 1, 1); // MLOAD
  define(0x52, 3, 2, 0); // MSTORE
  define(0x53, 3, 2, 0); // MSTORE8
  const sload =
    fork >= BERLIN ? 100 : fork >= ISTANBUL ? 800 : fork >= TANGERINE_WHISTLE ? 200 : 50;
  define(0x54, sload, 1, 1);
  define(0x55, 0, 2, 0); // SSTORE
  define(0x56, 8, 1, 0); // JUMP
  define(0x57, 10, 2, 0); // JUMPI
  for (let op = 0x58; op <= 0x5a; op++) define(op, 2, 0, 1); // PC MSIZE GAS
  define(0x5b, 1, 0, 0); // JUMPDEST
  for (let op = 0x60; op <= 0x7f; op++) define(op, 3, 0, 1); // PUSH1…32
  for (let n = 1; n <= 16; n++) {
    define(0x7f + n, 3, n, n + 1); // DUP
    define(0x8f + n, 3, n + 1, n + 1); // SWAP
  }
  for (let n = 0; n <= 4; n++) define(0xa0 + n, 375 * (n + 1), n + 2, 0); // LOG
  define(0xf0, 32000, 3, 1); // CREATE
  const call = fork >= BERLIN ? 100 : fork >= TANGERINE_WHISTLE ? 700 : 40;
  define(0xf1, call, 7, 1); // CALL
  define(0xf2, call, 7, 1); // CALLCODE
  define(0xf3, 0, 2, 0); // RETURN
  define(0xff, fork >= TANGERINE_WHISTLE ? 5000 : 0, 1, 0); // SELFDESTRUCT
  if (fork >= HOMESTEAD) define(0xf4, call, 6, 1); // DELEGATECALL, EIP-7
  if (fork >= BYZANTIUM) {
    define(0x3d, 2, 0, 1); // RETURNDATASIZE, EIP-211
    define(0x3e, 3, 3, 0); // RETURNDATACOPY
    define(0xfa, call, 6, 1); // STATICCALL, EIP-214
    define(0xfd, 0, 2, 0); // REVERT, EIP-140
  }
  if (fork >= CONSTANTINOPLE) {
    for (let op = 0x1b; op <= 0x1d; op++) define(op, 3, 2, 1); // SHL SHR SAR, EIP-145
    define(0x3f, fork >= BERLIN ? 100 : fork >= ISTANBUL ? 700 : 400, 1, 1); // EXTCODEHASH, EIP-1052
    define(0xf5, 32000, 4, 1); // CREATE2, EIP-1014
  }
  if (fork >= ISTANBUL) {
    define(0x46, 2, 0, 1); // CHAINID, EIP-1344
    define(0x47, 5, 0, 1); // SELFBALANCE, EIP-1884
  }
  if (fork >= LONDON) define(0x48, 2, 0, 1); // BASEFEE, EIP-3198
  if (fork >= SHANGHAI) define(0x5f, 2, 0, 1); // PUSH0, EIP-3855
  if (fork >= CANCUN) {
    define(0x49, 3, 1, 1); // BLOBHASH, EIP-4844
    define(0x4a, 2, 0, 1); // BLOBBASEFEE, EIP-7516
    define(0x5c, 100, 1, 1); // TLOAD, EIP-1153
    define(0x5d, 100, 2, 0); // TSTORE
    define(0x5e, 3, 3, 0); // MCOPY, EIP-5656
  }
  if (fork >= OSAKA) define(0x1e, 5, 1, 1); // CLZ, EIP-7939
  fillFused();
}
