/**
 * Modular exponentiation, 0x05: EIP-198, repriced by EIP-2565 (Berlin) and EIP-7883 (Osaka), bounded by EIP-7823 (Osaka).
 *
 * @module
 */
import { bytesToBigint, writeBigint } from "./bytes.ts";

/** The rules in force. */
export type ModexpRules = "eip198" | "eip2565" | "eip7883";

/** Most bytes of any operand from Osaka on. */
const MAX_OPERAND_BYTES = 1024n;

/** `length` bytes of the input from `start`, zeros past its end. */
function slice(input: Uint8Array, start: bigint, length: number): Uint8Array {
  const out = new Uint8Array(length);
  if (start < BigInt(input.length)) out.set(input.subarray(Number(start), Number(start) + length));
  return out;
}

/** Squarings and multiplications that the exponent costs, as priced: at least 1. */
function iterations(input: Uint8Array, base: bigint, exponent: bigint, factor: bigint): bigint {
  const headBytes = exponent < 32n ? Number(exponent) : 32;
  const head = bytesToBigint(slice(input, 96n + base, headBytes));
  const bits = head === 0n ? 0n : BigInt(head.toString(2).length - 1);
  const count = exponent > 32n ? factor * (exponent - 32n) + bits : bits;
  return count > 1n ? count : 1n;
}

function gasOf(
  rules: ModexpRules,
  input: Uint8Array,
  base: bigint,
  exponent: bigint,
  modulus: bigint,
): bigint {
  const longest = base > modulus ? base : modulus;
  const words = (longest + 7n) / 8n;
  if (rules === "eip7883") {
    const complexity = longest > 32n ? 2n * words * words : 16n;
    const gas = complexity * iterations(input, base, exponent, 16n);
    return gas > 500n ? gas : 500n;
  }
  if (rules === "eip2565") {
    const gas = (words * words * iterations(input, base, exponent, 8n)) / 3n;
    return gas > 200n ? gas : 200n;
  }
  const square = longest * longest;
  const complexity =
    longest <= 64n
      ? square
      : longest <= 1024n
        ? square / 4n + 96n * longest - 3072n
        : square / 16n + 480n * longest - 199680n;
  return (complexity * iterations(input, base, exponent, 8n)) / 20n;
}

/** base^exponent mod modulus, the exponent taken bit by bit from its bytes. */
function power(base: bigint, exponent: Uint8Array, modulus: bigint): bigint {
  const reduced = base % modulus;
  let result = 1n % modulus;
  let started = false;
  for (const byte of exponent) {
    if (!started && byte === 0) continue;
    for (let bit = 7; bit >= 0; bit--) {
      if (started) result = (result * result) % modulus;
      if ((byte >> bit) & 1) {
        result = (result * reduced) % modulus;
        started = true;
      }
    }
  }
  return result;
}

/** Output and gas, or `undefined` where the gas does not suffice or an operand is too long. */
export function modexp(
  input: Uint8Array,
  gasLimit: bigint,
  rules: ModexpRules,
): { gas: bigint; output: Uint8Array } | undefined {
  const lengthAt = (at: bigint): bigint => bytesToBigint(slice(input, at, 32));
  const base = lengthAt(0n);
  const exponent = lengthAt(32n);
  const modulus = lengthAt(64n);
  if (rules === "eip7883" && [base, exponent, modulus].some((n) => n > MAX_OPERAND_BYTES)) return;
  const gas = gasOf(rules, input, base, exponent, modulus);
  if (gas > gasLimit) return;
  // What could be paid for is of a length that fits a number, but for the base and exponent of an empty modulus.
  if (modulus === 0n) return { gas, output: new Uint8Array(0) };
  const output = new Uint8Array(Number(modulus));
  const m = bytesToBigint(slice(input, 96n + base + exponent, output.length));
  if (m !== 0n) {
    const b = bytesToBigint(slice(input, 96n, Number(base)));
    const e = slice(input, 96n + base, Number(exponent));
    writeBigint(output, 0, output.length, power(b, e, m));
  }
  return { gas, output };
}
