// asc-always: --importMemory --sharedMemory --initialMemory 1 --maximumMemory 65535 --memoryBase 57344 --enable threads
/** The interpreter's building blocks one by one, for tests that compare each with bigint and noble. */
export {
  add,
  addmod,
  byteAt,
  byteLength,
  div,
  exp,
  leadingZeros,
  lt,
  mod,
  mul,
  mulmod,
  mulOverflows,
  multiply64,
  sar,
  sdiv,
  setScratch,
  shl,
  shr,
  signextend,
  slt,
  smod,
  sub,
} from "./u256";
export { keccak256, keccak256Two } from "../lib/keccak-shared";
export { initializeConstants, sha256 } from "../lib/sha256-scalar";
export { compress, initializeVector } from "../lib/blake2f";
export { analyse, bitmapBytes } from "./code";
