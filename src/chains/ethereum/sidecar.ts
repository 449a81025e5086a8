/**
 * Checks the sidecars of blob transactions in network form (EIP-4844; EIP-7594 for cell proofs), where a caller asks for it.
 *
 * A sidecar never reaches a block: it matters to a pool, which must not gossip blobs that do not belong to their hashes.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { LanewiseError } from "../../core/index.ts";
import { blobCells, CELLS_PER_BLOB } from "./blob-cells.ts";
import { toHex } from "./hex.ts";
import type { BlobSidecar, TransactionList } from "./transaction-list.ts";
import { TransactionVerdict } from "./verdict.ts";

const VERSIONED_HASH_VERSION_KZG = 1;

/** The pairing checks behind a sidecar. Malformed points make them false, not throw. */
export interface KzgVerifier {
  /** EIP-4844: one proof a blob. */
  verifyBlobProofs(
    blobs: readonly Uint8Array[],
    commitments: readonly Uint8Array[],
    proofs: readonly Uint8Array[],
  ): boolean;
  /** EIP-7594: 128 proofs a blob, over the cells of its extension. */
  verifyCellProofs(
    blobs: readonly Uint8Array[],
    commitments: readonly Uint8Array[],
    proofs: readonly Uint8Array[],
  ): boolean;
}

/** 0x01 ‖ sha256(commitment)[1:] (EIP-4844). */
export function versionedHash(commitment: Uint8Array): Uint8Array {
  const hash = new Uint8Array(createHash("sha256").update(commitment).digest());
  hash[0] = VERSIONED_HASH_VERSION_KZG;
  return hash;
}

/**
 * Whether a sidecar belongs to its transaction: each commitment to its versioned hash and, where a verifier is given, each blob
 * to its commitment. A transaction without a sidecar is `Valid`.
 */
export function checkSidecar(
  list: TransactionList,
  index: number,
  kzg?: KzgVerifier,
): TransactionVerdict {
  const sidecar = list.sidecar(index);
  if (sidecar === undefined) return TransactionVerdict.Valid;
  for (const [blob, commitment] of sidecar.commitments.entries()) {
    const claimed = list.blobVersionedHash(index, blob);
    if (!versionedHash(commitment).every((byte, i) => byte === claimed[i])) {
      return TransactionVerdict.BlobHashMismatch;
    }
  }
  if (kzg === undefined || proofsHold(sidecar, kzg)) return TransactionVerdict.Valid;
  return TransactionVerdict.BlobProofInvalid;
}

function proofsHold(sidecar: BlobSidecar, kzg: KzgVerifier): boolean {
  const { version, blobs, commitments, proofs } = sidecar;
  return version === 0
    ? kzg.verifyBlobProofs(blobs, commitments, proofs)
    : kzg.verifyCellProofs(blobs, commitments, proofs);
}

/** The functions of the package `kzg-wasm` that a verifier calls; arguments are 0x-prefixed hex. */
export interface KzgLibrary {
  verifyBlobKZGProof(blob: string, commitment: string, proof: string): boolean;
  verifyCellKzgProofBatch(
    commitments: string[],
    cellIndices: number[],
    cells: string[],
    proofs: string[],
  ): boolean;
}

/** A verifier on a library that has its trusted setup loaded. */
export function createKzgVerifier(library: KzgLibrary): KzgVerifier {
  return {
    verifyBlobProofs: (blobs, commitments, proofs) =>
      blobs.every((blob, i) =>
        holds(() =>
          library.verifyBlobKZGProof(toHex(blob), toHex(commitments[i]), toHex(proofs[i])),
        ),
      ),
    verifyCellProofs: (blobs, commitments, proofs) =>
      // One blob a call: the library passes its arguments on a small stack.
      blobs.every((blob, i) =>
        holds(() => {
          const cells = blobCells(toHex(blob).slice(2));
          if (cells === undefined) return false;
          const commitment = toHex(commitments[i]);
          return library.verifyCellKzgProofBatch(
            cells.map(() => commitment),
            cells.map((_, cell) => cell),
            cells.map((cell) => `0x${cell}`),
            proofs.slice(i * CELLS_PER_BLOB, (i + 1) * CELLS_PER_BLOB).map(toHex),
          );
        }),
      ),
  };
}

/** The library throws on bytes that are no field element or no point: an invalid proof like any other. */
function holds(check: () => boolean): boolean {
  try {
    return check();
  } catch {
    return false;
  }
}

/**
 * A verifier on c-kzg-4844 compiled to WebAssembly (`kzg-wasm`), with the trusted setup of Ethereum's ceremony. Loading takes
 * seconds: do it once a process.
 *
 * @throws LanewiseError `ERR_BACKEND_UNAVAILABLE` where the package cannot be loaded.
 */
export async function loadKzgVerifier(): Promise<KzgVerifier> {
  try {
    const { loadKZG } = await import("kzg-wasm");
    return createKzgVerifier(await loadKZG());
  } catch (cause) {
    throw new LanewiseError("ERR_BACKEND_UNAVAILABLE", "kzg-wasm: cannot be loaded", { cause });
  }
}
