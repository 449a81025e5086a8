/**
 * A batch signer for generated transactions: real secp256k1 signatures (SEC 1 v2 §4.1.3, low s) at the cost of one hash and two modular
 * multiplications.
 *
 * **For generated test chains only.** It draws its nonces from a small pool made once, so nonces repeat, and a nonce used twice
 * gives the private key away. The keys it signs with must never hold anything.
 *
 * @module
 */
import { keccak_256 } from "@noble/hashes/sha3.js";
import { SECP256K1 } from "../params/secp256k1.ts";
import { consecutivePoints, scalarFrom, type TestAccount, writeWord } from "./accounts.ts";

const n: bigint = SECP256K1.n;
const HALF_N = n >> 1n;

/** A nonce k, ready to sign with. */
interface Nonce {
  /** k⁻¹ mod n */
  readonly inverse: bigint;
  /** x of k·G, which lies below n. */
  readonly r: bigint;
  readonly rBytes: Uint8Array;
  /** Parity of y of k·G. */
  readonly parity: number;
}

/** A signature in the shape that transactions carry. */
export interface Signature {
  /** 32 bytes, big-endian. */
  readonly r: Uint8Array;
  /** 32 bytes, big-endian, at most n/2. The signer reuses this memory. */
  readonly s: Uint8Array;
  /** 0 or 1. */
  readonly yParity: number;
}

/** Signs 32-byte digests. */
export interface Signer {
  /** Signs with the next nonce of the pool; the result is valid until the next call. */
  sign(digest: Uint8Array, account: TestAccount): Signature;
  /** Keccak-256, as the signer's users need it for the digest. */
  readonly keccak256: (message: Uint8Array) => Uint8Array;
}

const mod = (value: bigint): bigint => {
  const rest = value % n;
  return rest < 0n ? rest + n : rest;
};

/** a⁻¹ mod n by the extended Euclidean algorithm. */
function invert(a: bigint): bigint {
  let [low, high] = [mod(a), n];
  let [x, y] = [1n, 0n];
  while (low > 1n) {
    const quotient = high / low;
    [low, high] = [high - quotient * low, low];
    [x, y] = [y - quotient * x, x];
  }
  return mod(x);
}

function createNonces(seed: string | number, count: number): Nonce[] {
  const first = scalarFrom(`lanewise nonce ${seed}`);
  const nonces: Nonce[] = [];
  consecutivePoints(first, count, (index, x, y) => {
    if (x >= n) return; // would need recovery id 2 or 3, which a transaction cannot say
    const rBytes = new Uint8Array(32);
    writeWord(rBytes, x);
    const inverse = invert(first + BigInt(index));
    nonces.push({ inverse, r: x, rBytes, parity: Number(y & 1n) });
  });
  return nonces;
}

/**
 * A signer with its own pool of nonces; equal seeds give equal signatures for equal calls.
 *
 * @param options.nonces size of the pool; 256 unless told
 */
export function createSigner(
  options: { readonly seed?: string | number; readonly nonces?: number } = {},
): Signer {
  const nonces = createNonces(options.seed ?? 0, options.nonces ?? 256);
  let next = 0;
  const s = new Uint8Array(32);
  return {
    keccak256: keccak_256,
    sign(digest, { privateKey }) {
      const view = new DataView(digest.buffer, digest.byteOffset, 32);
      const z =
        (view.getBigUint64(0) << 192n) |
        (view.getBigUint64(8) << 128n) |
        (view.getBigUint64(16) << 64n) |
        view.getBigUint64(24);
      for (;;) {
        const nonce = nonces[next];
        next = next + 1 === nonces.length ? 0 : next + 1;
        let value = (nonce.inverse * ((z + nonce.r * privateKey) % n)) % n;
        if (value === 0n) continue; // SEC 1 asks for another nonce
        let { parity } = nonce;
        if (value > HALF_N) {
          value = n - value;
          parity ^= 1;
        }
        writeWord(s, value);
        return { r: nonce.rBytes, s, yParity: parity };
      }
    },
  };
}
