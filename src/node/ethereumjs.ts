/**
 * EthereumJS plug-in (`lanewise/ethereumjs`): senders of blocks and pool transactions recovered in batches, and `Common.customCrypto`
 * functions that serve them from a cache, with a synchronous kernel behind every miss.
 *
 * `@ethereumjs/tx` recovers one sender at a time, synchronously, inside `runBlock` and the transaction pool. A batch ahead of it
 * leaves nothing to recover there.
 *
 * @module
 */
import type { Block } from "@ethereumjs/block";
import type { CustomCrypto } from "@ethereumjs/common";
import { RLP } from "@ethereumjs/rlp";
import { Capability, type TypedTransaction } from "@ethereumjs/tx";
import { keccak256, REQUIRE_LOW_S, secp256k1Recover } from "../algorithms/index.ts";
import { createInlineKernel } from "../backends/wasm/inline.ts";
import { Verdict, verdictName } from "../core/index.ts";
import type { Verifier } from "../verifier/index.ts";

/** How the plug-in is set up. */
export interface EthereumjsPluginOptions {
  /** Runs the batches; made with (at least) `keccak256` and `secp256k1Recover`. */
  readonly verifier: Verifier;
  /** Recovered keys kept for `customCrypto.ecrecover`. Default 65 536. */
  readonly cacheEntries?: number;
}

/** What is plugged in. */
export interface EthereumjsPlugin {
  /** For `new Common({ …, customCrypto })`. Synchronous, as EthereumJS calls it. */
  readonly customCrypto: Required<Pick<CustomCrypto, "keccak256" | "ecrecover">>;
  /** Recovers the senders of a block's own transactions (not of copies handed to `createBlock`). */
  prefillBlock(block: Block): Promise<number>;
  /**
   * Recovers the senders of transactions that have none cached; call it before the pool's `add`.
   *
   * @returns how many were filled in. A transaction whose signature is invalid is left for EthereumJS to refuse in its own words.
   */
  prefill(
    transactions: readonly TypedTransaction[],
    priority?: "block" | "gossip",
  ): Promise<number>;
  /** Calls of `customCrypto.ecrecover` answered from the cache, and those that ran a kernel. */
  readonly stats: { hits: number; misses: number };
}

const { fields, byteLength: RECORD_BYTES } = secp256k1Recover.record;
const hashRecord = new Uint8Array(keccak256.record.byteLength);

/**
 * Compiles the synchronous kernels and returns the plug-in.
 *
 * @throws LanewiseError `ERR_BACKEND_UNAVAILABLE` where the engine has no WebAssembly SIMD.
 *
 * @example
 * const plugin = await createEthereumjsPlugin({ verifier });
 * const common = new Common({ chain: Mainnet, customCrypto: plugin.customCrypto });
 * await plugin.prefillBlock(block);
 * await runBlock(vm, { block });
 */
export async function createEthereumjsPlugin({
  verifier,
  cacheEntries = 65_536,
}: EthereumjsPluginOptions): Promise<EthereumjsPlugin> {
  const hash = await createInlineKernel(keccak256);
  const recover = await createInlineKernel(secp256k1Recover);
  const keys = new Map<string, Uint8Array>();
  const stats = { hits: 0, misses: 0 };
  const latin1 = new TextDecoder("latin1");

  function remember(record: Uint8Array, publicKey: Uint8Array): void {
    keys.set(latin1.decode(record), publicKey);
    if (keys.size <= cacheEntries) return;
    for (const oldest of keys.keys()) {
      keys.delete(oldest);
      break;
    }
  }

  async function prefill(
    transactions: readonly TypedTransaction[],
    priority: "block" | "gossip" = "gossip",
  ): Promise<number> {
    const missing = transactions.filter(
      (tx) => tx.isSigned() && tx.cache.senderPubKey === undefined,
    );
    if (missing.length === 0) return 0;
    const digests = await hashAll(verifier, missing.map(signedMessage), priority);
    const records = new Uint8Array(missing.length * RECORD_BYTES);
    for (const [i, tx] of missing.entries()) {
      writeRecord(records.subarray(i * RECORD_BYTES, (i + 1) * RECORD_BYTES), {
        z: digests.subarray(i * 32, i * 32 + 32),
        r: tx.r!,
        s: tx.s!,
        recoveryId: recoveryId(tx.v!, replayChainId(tx)),
        lowS: tx.common.gteHardfork("homestead"),
      });
    }
    const { verdicts, results } = await verifier.submit(secp256k1Recover, records, { priority });
    let filled = 0;
    for (const [i, tx] of missing.entries()) {
      if (verdicts[i] !== Verdict.Valid) continue;
      const result = i * secp256k1Recover.result.byteLength;
      const publicKey = results.slice(result, result + 64);
      tx.cache.senderPubKey = publicKey;
      const record = records.slice(i * RECORD_BYTES, (i + 1) * RECORD_BYTES);
      record.fill(0, fields.flags.offset);
      remember(record, publicKey);
      filled++;
    }
    return filled;
  }

  return {
    stats,
    prefill,
    prefillBlock: (block) => prefill(block.transactions, "block"),
    customCrypto: {
      keccak256: (message) => hash.run(hashRecord, message).result.slice(),
      ecrecover(z, v, r, s, chainId) {
        const record = new Uint8Array(RECORD_BYTES);
        const id = recoveryId(v, chainId);
        writeRecord(record, { z, r: toBigInt(r), s: toBigInt(s), recoveryId: id, lowS: false });
        const known = keys.get(latin1.decode(record));
        if (known !== undefined) {
          stats.hits++;
          return known.slice();
        }
        stats.misses++;
        const { verdict, result } = recover.run(record);
        if (verdict !== Verdict.Valid) {
          throw new Error(`ecrecover: invalid signature: ${verdictName(verdict)}`);
        }
        const publicKey = result.slice(0, 64);
        remember(record, publicKey);
        return publicKey.slice();
      },
    },
  };
}

/** What a signature signs, as bytes to be hashed. */
function signedMessage(tx: TypedTransaction): Uint8Array {
  const message = tx.getMessageToSign();
  return message instanceof Uint8Array ? message : RLP.encode(message);
}

/** The chain id that v carries, for a legacy transaction with replay protection (EIP-155). */
function replayChainId(tx: TypedTransaction): bigint | undefined {
  return tx.supports(Capability.EIP155ReplayProtection) ? tx.common.chainId() : undefined;
}

/** y's parity from v: 0/1 as typed transactions carry it, 27/28, or 35/36 + 2 × chain id. Other values of v give no valid id. */
function recoveryId(v: bigint, chainId: bigint | undefined): number {
  if (v === 0n || v === 1n) return Number(v);
  const id = chainId === undefined ? v - 27n : v - (chainId * 2n + 35n);
  return id === 0n || id === 1n ? Number(id) : 0xff;
}

/** Writes one record of `secp256k1-recover`. An r or s of more than 256 bits becomes zero, which is as invalid. */
function writeRecord(
  record: Uint8Array,
  signature: { z: Uint8Array; r: bigint; s: bigint; recoveryId: number; lowS: boolean },
): void {
  record.set(signature.z, fields.z.offset);
  writeInteger(record, fields.r.offset, signature.r);
  writeInteger(record, fields.s.offset, signature.s);
  record[fields.recoveryId.offset] = signature.recoveryId;
  record[fields.flags.offset] = signature.lowS ? REQUIRE_LOW_S : 0;
}

function writeInteger(record: Uint8Array, offset: number, value: bigint): void {
  if (value >> 256n !== 0n) return;
  const hex = value.toString(16).padStart(64, "0");
  for (let i = 0; i < 32; i++)
    record[offset + i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
}

function toBigInt(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value;
}

/** Digests of all messages, through the verifier: 32 bytes each. */
async function hashAll(
  verifier: Verifier,
  messages: readonly Uint8Array[],
  priority: "block" | "gossip",
): Promise<Uint8Array> {
  const arena = new Uint8Array(messages.reduce((sum, { length }) => sum + length, 0));
  const records = new Uint8Array(messages.length * keccak256.record.byteLength);
  const view = new DataView(records.buffer);
  let at = 0;
  for (const [i, message] of messages.entries()) {
    const record = i * keccak256.record.byteLength;
    arena.set(message, at);
    view.setUint32(record + keccak256.record.fields.offset.offset, at, true);
    view.setUint32(record + keccak256.record.fields.length.offset, message.length, true);
    at += message.length;
  }
  return (await verifier.submit(keccak256, records, { arena, priority })).results;
}
