/**
 * KZG proofs of EIP-4844 on demand: the trusted setup takes seconds to load, and few blocks call the precompile.
 *
 * @module
 */
import { KzgNotLoaded, type VerifyKzgProof } from "./precompiles.ts";

type Library = Awaited<ReturnType<typeof import("kzg-wasm")["loadKZG"]>>;

let loading: Promise<Library> | undefined;
let loaded: Library | undefined;

/** A verifier, and what loads the setup that it needs. */
export interface Kzg {
  /** @throws KzgNotLoaded before `load` has finished. */
  readonly verify: VerifyKzgProof;
  load(): Promise<void>;
}

/** Creates a verifier over the process's one trusted setup. */
export function createKzg(): Kzg {
  const hex = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString("hex")}`;
  return {
    verify(commitment, z, y, proof) {
      if (loaded === undefined) throw new KzgNotLoaded();
      return loaded.verifyProof(hex(commitment), hex(z), hex(y), hex(proof));
    },
    async load() {
      loading ??= import("kzg-wasm").then(({ loadKZG }) => loadKZG());
      loaded = await loading;
    },
  };
}
