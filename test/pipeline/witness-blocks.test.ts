/** Mainnet blocks of Cancun with a compact witness: executed by every executor, compared with header, receipts and traces. @module */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { blockFromJson, fromHex, toHex } from "../../src/chains/ethereum/index.ts";
import { createEvmExecutor } from "../../src/executor/evm/index.ts";
import { type BlockAccessList, type Executor, executors } from "../../src/executor/index.ts";
import { createOracleExecutor } from "../../src/executor/oracle/index.ts";
import type { BlockInput } from "../../src/pipeline/input.ts";
import { createPipeline } from "../../src/pipeline/pipeline.ts";
import { validateSequentially } from "../../src/pipeline/sequential.ts";
import { witnessState } from "../support/compact-witness.ts";
import { corpusJson, corpusSkip } from "../support/corpus.ts";

interface Trace {
  readonly balance?: string;
  readonly nonce?: string;
  readonly storage_read?: readonly string[];
  readonly storage_written?: Readonly<Record<string, string>>;
  readonly code_usage?: { readonly read?: string };
}

interface WitnessBlock {
  readonly block_trace: {
    readonly trie_pre_images: { readonly combined: { readonly compact: string } };
    readonly txn_info: readonly {
      readonly traces: Readonly<Record<string, Trace>>;
      readonly meta: { readonly byte_code: string; readonly gas_used: number };
    }[];
  };
  readonly other_data: {
    readonly b_data: { readonly b_hashes: { readonly prev_hashes: string[] } };
  };
}

const bytes = (hex: string): Uint8Array => fromHex(hex) ?? new Uint8Array(0);

function readCase(name: string): { witness: WitnessBlock; input: BlockInput; json: object } {
  const folder = ["mainnet-executable", "zk_evm"];
  const [witness] = corpusJson(...folder, `${name}.json`) as WitnessBlock[];
  const [json] = corpusJson(...folder, `${name}_header.json`) as object[];
  const number = BigInt((json as { number: string }).number);
  const codeHashes = new Map<string, Uint8Array>();
  for (const { traces } of witness.block_trace.txn_info) {
    for (const [address, { code_usage }] of Object.entries(traces)) {
      if (code_usage?.read !== undefined) codeHashes.set(address, bytes(code_usage.read));
    }
  }
  const { prev_hashes } = witness.other_data.b_data.b_hashes;
  const hashes = new Map(
    prev_hashes.map((hash, i) => [number - BigInt(prev_hashes.length - i), bytes(hash)]),
  );
  const compact = bytes(witness.block_trace.trie_pre_images.combined.compact);
  const input: BlockInput = {
    label: name,
    content: { kind: "block-json", json },
    stateSource: witnessState(compact, codeHashes, hashes),
  };
  return { witness, input, json };
}

describe("mainnet blocks with a compact witness", { skip: corpusSkip }, () => {
  for (const name of ["b19807080_main", "b19840104_main"]) {
    for (const executor of Object.keys(executors)) {
      it(`${name} × ${executor}: gas, receipts root and bloom agree`, async () => {
        const { input } = readCase(name);
        const pipeline = await createPipeline({ backend: "wasm", executor });
        try {
          for await (const report of pipeline.run([input])) {
            assert.deepEqual(report.failures, []);
            assert.equal(report.depth, "executed", report.note);
          }
        } finally {
          await pipeline.close();
        }
      });
    }

    it(`${name}: the sequential oracle says the same`, async () => {
      for await (const report of validateSequentially([readCase(name).input])) {
        assert.deepEqual([report.ok, report.depth], [true, "executed"], report.note);
      }
    });
  }

  const subjects: readonly (readonly [string, () => Executor])[] = [
    ["oracle", createOracleExecutor],
    ...[1, 2, 3, 4].map((workers): [string, () => Executor] => [
      `evm, ${workers} ${workers === 1 ? "worker" : "workers"}`,
      () => createEvmExecutor({ workers, accessList: true }),
    ]),
  ];
  for (const [title, createSubject] of subjects) {
    it(`b19807080_main, ${title}: raw bytes, gas, reads and writes are those of the traces`, () =>
      compareWithTraces(createSubject()));
  }

  async function compareWithTraces(executor: Executor): Promise<void> {
    const { witness, input, json } = readCase("b19807080_main");
    const { block, claims } = blockFromJson(json);
    const { txn_info } = witness.block_trace;
    assert.deepEqual(
      block.transactions.map(toHex),
      txn_info.map(({ meta }) => meta.byte_code),
    );
    const { header } = block;
    const outcome = await executor.execute(
      {
        environment: {
          fork: "cancun",
          chainId: 1n,
          number: header.number,
          timestamp: header.timestamp,
          gasLimit: header.gasLimit,
          coinbase: header.coinbase,
          difficulty: 0n,
          prevRandao: header.mixHash,
          parentHash: header.parentHash,
          baseFeePerGas: header.baseFeePerGas ?? 0n,
          excessBlobGas: header.excessBlobGas ?? 0n,
          parentBeaconBlockRoot: header.parentBeaconBlockRoot ?? new Uint8Array(32),
        },
        transactions: block.transactions,
        senders: Buffer.concat(claims.map(({ from }) => from ?? new Uint8Array(20))),
        authorities: new Uint8Array(0),
        withdrawals: [],
        ommers: [],
      },
      input.stateSource as NonNullable<BlockInput["stateSource"]>,
    );
    await executor.close();
    assert.ok(outcome.ok);
    const { receipts, stateDiff, accessList } = outcome.result;
    assert.equal(accessList !== undefined, executor.id !== "oracle");
    if (accessList) compareEachTransaction(accessList, txn_info);
    assert.deepEqual(
      receipts.map(({ gasUsed }) => Number(gasUsed)),
      txn_info.map(({ meta }) => meta.gas_used),
    );
    const last = new Map<string, Trace>();
    for (const { traces } of txn_info) {
      for (const [address, trace] of Object.entries(traces)) {
        last.set(address, { ...last.get(address), ...trace });
      }
    }
    let compared = 0;
    for (const [address, { balance, nonce }] of last) {
      const account = stateDiff.get(address)?.account;
      if (balance !== undefined) assert.equal(account?.balance, BigInt(balance), address);
      if (nonce !== undefined) assert.equal(account?.nonce, BigInt(nonce), address);
      compared += Number(balance !== undefined) + Number(nonce !== undefined);
    }
    assert.ok(compared > 10, `${compared} values compared`);
  }
});

const word = (quantity: string): string => `0x${BigInt(quantity).toString(16).padStart(64, "0")}`;

/** Compares what each transaction read and left behind with its trace. */
function compareEachTransaction(
  list: BlockAccessList,
  transactions: WitnessBlock["block_trace"]["txn_info"],
): void {
  const accounts = new Map(list.map((account) => [toHex(account.address), account]));
  let compared = 0;
  for (const [i, { traces }] of transactions.entries()) {
    /** The value after transaction `i`. */
    const after = <Value>(
      changes: readonly { readonly index: number; readonly value: Value }[] = [],
    ): Value | undefined => changes.findLast(({ index }) => index <= i + 1)?.value;
    for (const [address, trace] of Object.entries(traces)) {
      const account = accounts.get(address);
      assert.ok(account, `${address} is listed`);
      if (trace.balance !== undefined) {
        const balance = after(account.balanceChanges);
        if (balance !== undefined) assert.equal(balance, BigInt(trace.balance), address);
      }
      if (trace.nonce !== undefined) {
        assert.equal(after(account.nonceChanges), BigInt(trace.nonce), address);
      }
      const changed = new Map(
        account.storageChanges.map(({ slot, changes }) => [toHex(slot), changes]),
      );
      const read = new Set(account.storageReads.map(toHex));
      for (const slot of trace.storage_read ?? []) {
        assert.ok(changed.has(word(slot)) || read.has(word(slot)), `${address} ${slot}`);
      }
      for (const [slot, value] of Object.entries(trace.storage_written ?? {})) {
        const now = after(changed.get(word(slot)));
        // Written with what it was before, a slot counts as read.
        if (now === undefined) assert.ok(changed.has(word(slot)) || read.has(word(slot)));
        else assert.equal(toHex(now), word(value), `${address} ${slot}`);
        compared++;
      }
    }
  }
  assert.ok(compared > 10, `${compared} slots compared`);
}
