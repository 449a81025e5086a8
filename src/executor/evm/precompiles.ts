/**
 * Precompiled contracts that run in the host: what WebAssembly asks for, by address, with well-kept libraries behind it.
 *
 * SHA-256, identity and BLAKE2 run inside the interpreter (assembly/evm/precompiles.ts); signers are recovered by `signers.ts`.
 *
 * @module
 */
import { p256 } from "@noble/curves/nist.js";
import { ripemd160 } from "@noble/hashes/legacy.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { type Fork, forkAtLeast } from "../../chains/ethereum/forks.ts";
import { bls12381Contracts } from "./bls12-381.ts";
import { bn254Add, bn254Multiply, bn254Pairing } from "./bn254.ts";
import { verifyKzgProof } from "./kzg.ts";
import { type ModexpRules, modexp } from "./modexp.ts";

/** What a contract used and returned. */
export interface PrecompileOutcome {
  readonly gas: bigint;
  readonly output: Uint8Array;
}

/** Runs the contract at an address; `undefined` where the call fails and its gas is gone. */
export type RunPrecompile = (
  address: number,
  input: Uint8Array,
  gasLimit: bigint,
) => PrecompileOutcome | undefined;

const NOTHING = new Uint8Array(0);

function padded(input: Uint8Array, bytes: number): Uint8Array {
  const out = new Uint8Array(bytes);
  out.set(input.subarray(0, bytes));
  return out;
}

/** 0x100: 1 where the P-256 signature is valid, else nothing (EIP-7951). */
function verifyP256(input: Uint8Array): Uint8Array {
  if (input.length !== 160) return NOTHING;
  const publicKey = new Uint8Array(65);
  publicKey[0] = 4;
  publicKey.set(input.subarray(96), 1);
  try {
    const valid = p256.verify(input.slice(32, 96), input.slice(0, 32), publicKey, {
      lowS: false,
      prehash: false,
    });
    if (!valid) return NOTHING;
  } catch {
    return NOTHING;
  }
  return padded(NOTHING, 32).fill(1, 31);
}

/** 0x0a: FIELD_ELEMENTS_PER_BLOB and BLS_MODULUS, as EIP-4844 returns them. */
const POINT_EVALUATION_OUTPUT = Uint8Array.from(
  Buffer.from(
    `${"1000".padStart(64, "0")}73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001`,
    "hex",
  ),
);

function evaluatePoint(input: Uint8Array): Uint8Array {
  if (input.length !== 192) throw new RangeError("input: expected 192 bytes");
  const commitment = input.slice(96, 144);
  const hash = sha256(commitment);
  hash[0] = 1;
  if (Buffer.compare(hash, input.subarray(0, 32)) !== 0) throw new RangeError("versioned hash");
  if (!verifyKzgProof(commitment, input.slice(32, 64), input.slice(64, 96), input.slice(144, 192)))
    throw new RangeError("proof: not valid");
  return POINT_EVALUATION_OUTPUT;
}

/** Runs `work` where the gas suffices; an exception fails the call. */
function priced(
  gas: number,
  gasLimit: bigint,
  work: () => Uint8Array,
): PrecompileOutcome | undefined {
  const price = BigInt(gas);
  if (price > gasLimit) return;
  try {
    return { gas: price, output: work() };
  } catch {
    return;
  }
}

/** The contracts of a fork. */
export function createPrecompiles(fork: Fork): RunPrecompile {
  const at = (since: Fork): boolean => forkAtLeast(fork, since);
  const istanbul = at("istanbul");
  const rules: ModexpRules = at("osaka") ? "eip7883" : at("berlin") ? "eip2565" : "eip198";
  return (address, input, gasLimit) => {
    switch (address) {
      case 0x03: {
        const words = Math.ceil(input.length / 32);
        return priced(600 + 120 * words, gasLimit, () => {
          const output = new Uint8Array(32);
          output.set(ripemd160(input), 12);
          return output;
        });
      }
      case 0x05:
        return modexp(input, gasLimit, rules);
      case 0x06:
        return priced(istanbul ? 150 : 500, gasLimit, () => bn254Add(input));
      case 0x07:
        return priced(istanbul ? 6000 : 40000, gasLimit, () => bn254Multiply(input));
      case 0x08: {
        const pairs = Math.floor(input.length / 192);
        const gas = istanbul ? 45000 + 34000 * pairs : 100000 + 80000 * pairs;
        return priced(gas, gasLimit, () => bn254Pairing(input));
      }
      case 0x0a:
        return priced(50000, gasLimit, () => evaluatePoint(input));
      case 0x100:
        return priced(6900, gasLimit, () => verifyP256(input));
      default: {
        const contract = bls12381Contracts.get(address);
        if (contract === undefined) throw new RangeError(`precompile: no contract at ${address}`);
        return priced(contract.gas(input.length), gasLimit, () => contract.run(input));
      }
    }
  };
}
