/**
 * Precompiled contracts. Identity and SHA-256 run here; the others, elliptic curves and big integers, in the host's libraries.
 */
import { sha256 } from "../lib/sha256-scalar";
import { keepReturned, setReturnedBytes } from "./calls";
import { wordGas } from "./gas";
import { precompile } from "./host";
import { returned, SHA256_CONSTANTS, shaState, words } from "./layout";

/** Runs one; its output becomes the return data. Answers the gas left, or -1 where it fails. */
export function runPrecompile(id: i32, input: usize, bytes: usize, gas: i64): i64 {
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
  const gasUsed = words + 576;
  const length = precompile(id, input, bytes, gas, gasUsed, returned);
  if (length < 0) return -1;
  setReturnedBytes(<usize>length);
  return gas - load<i64>(gasUsed);
}
