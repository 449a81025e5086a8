/**
 * The rivals: npm packages of `bench/thirdparty` (installed apart), each called the fastest way its documentation gives.
 *
 * @module
 */
import { createHash, hash as hashOnce } from "node:crypto";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import type { SignatureInput, Workload } from "./workload.ts";

/** Computes item `index`; a digest, or a key of which the x coordinate is compared. */
type PerItem = (index: number) => Uint8Array;

/** What a peer does with a workload. */
export interface PeerRun {
  /** Items of one call of `run`. */
  readonly items: number;
  run(): void;
  /** What the peer answers for item 0. */
  first(): Uint8Array;
}

/** A package and the algorithms it can be compared in. */
interface Peer {
  readonly name: string;
  readonly runs: Readonly<Record<string, (work: Workload) => Promise<PeerRun | undefined>>>;
}

/** The folder of rivals, seen from `dist/src/bench/`. */
export const thirdparty = new URL("../../../bench/thirdparty/", import.meta.url);

// biome-ignore lint/suspicious/noExplicitAny: packages of a folder that may be absent have no types here
async function load(name: string): Promise<any> {
  const path = createRequire(new URL("package.json", thirdparty)).resolve(name);
  const module = await import(pathToFileURL(path).href);
  return module.default ?? module;
}

/** Like {@link load}, for packages whose default export is not the whole. */
// biome-ignore lint/suspicious/noExplicitAny: as above
async function loadNamed(name: string): Promise<any> {
  const path = createRequire(new URL("package.json", thirdparty)).resolve(name);
  return import(pathToFileURL(path).href);
}

/** Items a call: enough that the loop around them does not show, few enough for the slowest peer. */
const ITEMS_PER_CALL = 32;

function perItem(compute: PerItem): PeerRun {
  return {
    items: ITEMS_PER_CALL,
    run() {
      for (let i = 0; i < ITEMS_PER_CALL; i++) compute(i);
    },
    first: () => compute(0),
  };
}

/** A peer that digests one message at a time. */
const digests =
  (open: () => Promise<(message: Uint8Array) => Uint8Array>) =>
  async ({ messages }: Workload): Promise<PeerRun> => {
    const digest = await open();
    return perItem((i) => digest(messages[i]));
  };

/** A peer that recovers one key at a time. */
const recovers =
  (open: () => Promise<(input: SignatureInput) => Uint8Array>) =>
  async ({ signatures }: Workload): Promise<PeerRun> => {
    const recover = await open();
    return perItem((i) => recover(signatures[i]));
  };

/** SHA-256 of node:crypto: the one-call form where this Node has it. */
const nodeSha256 = (message: Uint8Array): Uint8Array =>
  typeof hashOnce === "function"
    ? hashOnce("sha256", message, "buffer")
    : createHash("sha256").update(message).digest();

/** A batch interface over 64-byte messages: `hashInto(inputs, outputs)`. */
const hashesInto =
  (open: () => Promise<(input: Uint8Array, output: Uint8Array) => void>) =>
  async ({ messages }: Workload): Promise<PeerRun | undefined> => {
    if (messages[0].length !== 64) return undefined;
    const hashInto = await open();
    const input = Buffer.concat(messages);
    const output = new Uint8Array(messages.length * 32);
    return {
      items: messages.length,
      run: () => hashInto(input, output),
      first() {
        hashInto(input, output);
        return output.slice(0, 32);
      },
    };
  };

const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Every rival, in the order that tables print them. */
export const peers: readonly Peer[] = [
  {
    name: "secp256k1",
    runs: {
      "secp256k1-recover": recovers(async () => {
        const { ecdsaRecover } = await load("secp256k1");
        const out = new Uint8Array(65);
        return ({ digest, signature, recoveryId }) =>
          ecdsaRecover(signature, recoveryId, digest, false, out);
      }),
    },
  },
  {
    name: "bcrypto",
    runs: {
      "secp256k1-recover": recovers(async () => {
        const secp256k1 = await load("bcrypto/lib/secp256k1");
        return ({ digest, signature, recoveryId }) =>
          secp256k1.recover(asBuffer(digest), asBuffer(signature), recoveryId, false);
      }),
      keccak256: digests(async () => {
        const keccak256 = await load("bcrypto/lib/keccak256");
        return (message) => keccak256.digest(asBuffer(message));
      }),
    },
  },
  {
    name: "tiny-secp256k1",
    runs: {
      "secp256k1-recover": recovers(async () => {
        const { recover } = await loadNamed("tiny-secp256k1");
        return ({ digest, signature, recoveryId }) => recover(digest, signature, recoveryId, false);
      }),
    },
  },
  {
    name: "@noble/curves",
    runs: {
      "secp256k1-recover": recovers(async () => {
        const { secp256k1 } = await loadNamed("@noble/curves/secp256k1.js");
        return ({ digest, signature, recoveryId }) => {
          const recovered = Uint8Array.of(recoveryId, ...signature);
          return secp256k1.recoverPublicKey(recovered, digest, { prehash: false });
        };
      }),
    },
  },
  {
    name: "ethereum-cryptography",
    runs: {
      "secp256k1-recover": recovers(async () => {
        const { secp256k1 } = await loadNamed("ethereum-cryptography/secp256k1");
        return ({ digest, signature, recoveryId }) =>
          secp256k1.Signature.fromCompact(signature)
            .addRecoveryBit(recoveryId)
            .recoverPublicKey(digest)
            .toRawBytes(false);
      }),
      keccak256: digests(async () => {
        const { keccak256 } = await loadNamed("ethereum-cryptography/keccak");
        return keccak256;
      }),
    },
  },
  {
    name: "hash-wasm",
    runs: {
      keccak256: digests(async () => {
        const { createKeccak } = await loadNamed("hash-wasm");
        const hasher = await createKeccak(256);
        return (message) => hasher.init().update(message).digest("binary");
      }),
      sha256: digests(async () => {
        const { createSHA256 } = await loadNamed("hash-wasm");
        const hasher = await createSHA256();
        return (message) => hasher.init().update(message).digest("binary");
      }),
    },
  },
  {
    name: "keccak",
    runs: {
      keccak256: digests(async () => {
        const createKeccakHash = await load("keccak");
        return (message) => createKeccakHash("keccak256").update(asBuffer(message)).digest();
      }),
    },
  },
  {
    name: "@noble/hashes",
    runs: {
      keccak256: digests(async () => (await loadNamed("@noble/hashes/sha3.js")).keccak_256),
      sha256: digests(async () => (await loadNamed("@noble/hashes/sha2.js")).sha256),
      sha256d: digests(async () => {
        const { sha256 } = await loadNamed("@noble/hashes/sha2.js");
        return (message) => sha256(sha256(message));
      }),
    },
  },
  {
    name: "@chainsafe/as-sha256",
    runs: {
      sha256: async (work) => {
        const { digest, hashInto } = await loadNamed("@chainsafe/as-sha256");
        return (await hashesInto(async () => hashInto)(work)) ?? digests(async () => digest)(work);
      },
      sha256d: digests(async () => {
        const { digest } = await loadNamed("@chainsafe/as-sha256");
        return (message) => digest(digest(message));
      }),
    },
  },
  {
    name: "@chainsafe/hashtree",
    runs: {
      sha256: hashesInto(async () => (await load("@chainsafe/hashtree")).hashInto),
    },
  },
  {
    name: "node:crypto",
    runs: {
      sha256: digests(async () => nodeSha256),
      sha256d: digests(async () => (message) => nodeSha256(nodeSha256(message))),
    },
  },
];
