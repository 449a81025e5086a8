/**
 * Precompiled contracts. Identity, SHA-256 and BLAKE2 run here; the others, elliptic curves and big integers, in the host's libraries.
 */
import { compress } from "../lib/blake2f";
import { sha256 } from "../lib/sha256-scalar";
import { keepReturned, setReturnedBytes } from "./calls";
import { wordGas } from "./gas";
import { precompile } from "./host";
import { BLAKE2_VECTOR, returned, SHA256_CONSTANTS, shaState, words } from "./layout";
import { recover } from "./recoveries";

/** Runs one; its output becomes the return data. Answers the gas left, or -1 where it fails. */
export function runPrecompile(id: i32, input: usize, bytes: usize, gas: i64): i64 {
  if (id == 1) return recover(input, bytes, gas);
  if (id == 4) {
    gas -= 15 + wordGas(bytes, 3);
    if (gas < 0) return -1;
    keepReturned(input, bytes);
    return gas;
  }
  if (id == 2) {
    gas -= 60 + wordGas(bytes, 12);
    if (gas < 0) return -1;
    sha256(input, bytes, returned, shaState, SHA256_CONSTANTS);
    setReturnedBytes(32);
    return gas;
  }
  if (id == 9) return blake2f(input, bytes, gas);
  const gasUsed = words + 576;
  const length = precompile(id, input, bytes, gas, gasUsed, returned);
  if (length < 0) return -1;
  setReturnedBytes(<usize>length);
  return gas - load<i64>(gasUsed);
}

/** EIP-152: 4 bytes rounds (big-endian), 64 state, 128 message, 16 offset counters (all little-endian), 1 final flag. */
function blake2f(input: usize, bytes: usize, gas: i64): i64 {
  if (bytes != 213 || load<u8>(input, 212) > 1) return -1;
  const rounds = bswap<u32>(load<u32>(input));
  if (<i64>rounds > gas) return -1;
  memory.copy(returned, input + 4, 64);
  const last = load<u8>(input, 212) != 0;
  compress(
    returned,
    input + 68,
    load<u64>(input, 196),
    load<u64>(input, 204),
    last,
    rounds,
    BLAKE2_VECTOR,
  );
  setReturnedBytes(64);
  return gas - <i64>rounds;
}
