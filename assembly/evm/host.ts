/**
 * What an instance asks of its host, synchronously. Any of these may throw; the exception leaves through the instance, which is
 * then good for the next block only.
 */

/** Account of the 20-byte address: u64 nonce, balance word, 32-byte code hash to `out`. 0 where none exists. */
// @ts-ignore: decorator
@external("host", "readAccount")
export declare function readAccount(address: usize, out: usize): i32;

/** The 32-byte big-endian value of a 32-byte slot to `out`. */
// @ts-ignore: decorator
@external("host", "readStorage")
export declare function readStorage(
  address: usize,
  slot: usize,
  out: usize,
): void;

/** Whether the account had any storage before the block (EIP-7610). */
// @ts-ignore: decorator
@external("host", "hasStorage")
export declare function hasStorage(address: usize): i32;

/** Length of the code with this hash; the host keeps it for `writeCode`. */
// @ts-ignore: decorator
@external("host", "readCode")
export declare function readCode(hash: usize): i32;

/** Writes the code that `readCode` has just read. */
// @ts-ignore: decorator
@external("host", "writeCode")
export declare function writeCode(out: usize): void;

/** Hash of an earlier block, 32 bytes to `out`. */
// @ts-ignore: decorator
@external("host", "readBlockHash")
export declare function readBlockHash(number: u64, out: usize): void;

/**
 * Runs the precompiled contract at address `id`: its output to `out`, gas used to the i64 at `gasUsed`. Returns the output's
 * length, or -1 where the call fails.
 */
// @ts-ignore: decorator
@external("host", "precompile")
export declare function precompile(
  id: i32,
  input: usize,
  inputBytes: usize,
  gas: i64,
  gasUsed: usize,
  out: usize,
): i32;

/**
 * Signer of the ECRECOVER input to `out`; answers 32, or 0 where there is none, and 256 more where that was known. With `mayWait`, one
 * that would have to be worked out may be noted instead, soon after `startClock`: then it throws.
 */
// @ts-ignore: decorator
@external("host", "recoverSigner")
export declare function recoverSigner(
  input: usize,
  inputBytes: usize,
  out: usize,
  mayWait: u32,
): i32;

/** A transaction begins that may be broken off. */
// @ts-ignore: decorator
@external("host", "startClock")
export declare function startClock(): void;

/** Works out what was noted. */
// @ts-ignore: decorator
@external("host", "recoverNoted")
export declare function recoverNoted(): void;

/** The running transaction has to wait until all before it are final. Throws. */
// @ts-ignore: decorator
@external("host", "defer")
export declare function defer(): void;

/** A memory region has run full: 0 block heap or code, 1 EVM memory, 2 view of the state, 3 journal, 4 return data, 5 logs. Throws. */
// @ts-ignore: decorator
@external("host", "limitReached")
export declare function limitReached(region: i32): void;

/** Called before each instruction in builds with EVM_TRACE, for comparing traces with another EVM. */
// @ts-ignore: decorator
@external("host", "traceStep")
export declare function traceStep(
  op: i32,
  pc: usize,
  gas: i64,
  stackBytes: usize,
  frame: usize,
): void;
