/**
 * Checks the sidecars of blob transactions in network form (EIP-4844; EIP-7594 for cell proofs), where a caller asks for it.
 *
 * A sidecar never reaches a block: it matters to a pool, which must not gossip blobs that do not belong to their hashes.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { LanewiseError } from "../../core/index.ts";
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

const CELLS_PER_BLOB = 128;

/**
 * A verifier on c-kzg-4844 compiled to WebAssembly (`kzg-wasm`), with the trusted setup of Ethereum's ceremony.
 *
 * @throws LanewiseError `ERR_BACKEND_UNAVAILABLE` where the package cannot be loaded.
 */
export async function loadKzgVerifier(): Promise<KzgVerifier> {
  let library: Awaited<ReturnType<typeof import("kzg-wasm")["loadKZG"]>>;
  try {
    const { loadKZG } = await import("kzg-wasm");
    library = await loadKZG();
  } catch (cause) {
    throw new LanewiseError("ERR_BACKEND_UNAVAILABLE", "kzg-wasm: cannot be loaded", { cause });
  }
  const hexOf = (list: readonly Uint8Array[]): string[] => list.map(toHex);
  // The library throws on bytes that are no field element or no point: an invalid proof like any other.
  const holds = (check: () => boolean): boolean => {
    try {
      return check();
    } catch {
      return false;
    }
  };
  return {
    verifyBlobProofs: (blobs, commitments, proofs) =>
      holds(() => library.verifyBlobKZGProofBatch(hexOf(blobs), hexOf(commitments), hexOf(proofs))),
    verifyCellProofs: (blobs, commitments, proofs) =>
      // One blob a call: the library passes its arguments on a small stack.
      blobs.every((blob, i) =>
        holds(() => {
          const cells = library.computeCells(toHex(blob));
          const commitment = toHex(commitments[i]);
          const ofBlob = proofs.slice(i * CELLS_PER_BLOB, (i + 1) * CELLS_PER_BLOB);
          return library.verifyCellKzgProofBatch(
            cells.map(() => commitment),
            cells.map((_, cell) => cell),
            cells,
            hexOf(ofBlob),
          );
        }),
      ),
  };
}
