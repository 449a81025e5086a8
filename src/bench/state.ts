/**
 * `bench state`: how fast state roots and stores keep up with a chain.
 *
 * Everything runs in one process on one thread, unless the row says otherwise. Keys and values are seeded; times are medians
 * and minima over several batches. `@ethereumjs/mpt` runs on a smaller trie, which favours it.
 *
 * @module
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { MerklePatriciaTrie } from "@ethereumjs/mpt";
import { createStateCommitment } from "../state/commitment.ts";
import { EMPTY_CODE_HASH } from "../state/memory.ts";
import { orderedTrieRootSync } from "../state/ordered-root.ts";
import type { AccountChange, StateDiff } from "../state/source.ts";
import { openPipelinedState } from "../state/store/pipelined-state.ts";
import { createMemoryStore, openStateStore, type StateStore } from "../state/store/state-store.ts";
import { TrieModule } from "../state/trie/module.ts";
import { UpdateBatch } from "../state/trie/update-batch.ts";

/** Options of {@link benchState}. */
export interface StateBenchOptions {
  /** Leaves of the trie, default 1 000 000. */
  readonly leaves?: number;
  /** Updates of one batch, default 100 000. */
  readonly updates?: number;
  /** Batches timed, default 7. */
  readonly rounds?: number;
  /** Blocks of the store rows, default 40. */
  readonly blocks?: number;
  /** Token holders of the store rows, default 200 000. */
  readonly holders?: number;
}

/** One measurement. */
export interface StateBenchRow {
  readonly workload: string;
  /** Updates of one batch, or accounts and slots of one block. */
  readonly updates: number;
  /** Of one batch or block. */
  readonly medianMs: number;
  readonly minMs: number;
  readonly microsPerUpdate: number;
  readonly updatesPerSecond: number;
  /** Times faster than `@ethereumjs/mpt` per update, where that was measured. */
  readonly ratioToMpt?: number;
  /** What else is worth saying: memory, size on disk, sizes of the peer. */
  readonly note: string;
}

/** Uniform 32-bit integers from a seed. */
function createSeeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let x = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    return (x ^ (x >>> 16)) >>> 0;
  };
}

function fillRandom(bytes: Uint8Array, next: () => number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + 4 <= bytes.length; at += 4) view.setUint32(at, next());
  return bytes;
}

/** An account's RLP as they mostly are: a small nonce, eight bytes of balance, no code. */
function accountValue(next: () => number): Uint8Array {
  const value = fillRandom(new Uint8Array(80), next);
  value.set([0xf8, 78, 0x82, 1 + (next() & 0x7f), 0x05, 0x88, 1]);
  value[14] = value[47] = 0xa0;
  return value;
}

function row(
  workload: string,
  updates: number,
  times: readonly number[],
  note: string,
  mptMicros?: number,
): StateBenchRow {
  const sorted = times.toSorted((a, b) => a - b);
  const medianMs = sorted[sorted.length >> 1];
  const microsPerUpdate = (medianMs * 1000) / updates;
  return {
    workload,
    updates,
    medianMs,
    minMs: sorted[0],
    microsPerUpdate,
    updatesPerSecond: 1e6 / microsPerUpdate,
    ...(mptMicros !== undefined && { ratioToMpt: mptMicros / microsPerUpdate }),
    note,
  };
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;

/** Microseconds of one put into `@ethereumjs/mpt`, median over batches; the root is fresh after each put. */
async function mptMicrosPerPut(leaves: number): Promise<number> {
  const next = createSeeded(7);
  const keys = Array.from({ length: leaves }, () => fillRandom(new Uint8Array(32), next));
  const trie = new MerklePatriciaTrie();
  for (const key of keys) await trie.put(key, accountValue(next));
  const times: number[] = [];
  for (let round = 0; round < 5; round++) {
    const updates = Array.from({ length: 300 }, () => [keys[next() % leaves], accountValue(next)]);
    const start = performance.now();
    for (const [key, value] of updates) await trie.put(key, value);
    times.push(((performance.now() - start) * 1000) / updates.length);
  }
  return times.sort((a, b) => a - b)[2];
}

/** Rows of the trie alone. `hashed`: the keys' digests are part of the work. */
function benchTrie(
  hashed: boolean,
  { leaves, updates, rounds }: Required<StateBenchOptions>,
  mptMicros: number,
): StateBenchRow[] {
  const next = createSeeded(1);
  const keyBytes = hashed ? 20 : 32;
  const keys = fillRandom(new Uint8Array(leaves * keyBytes), next);
  const keyAt = (index: number) => keys.subarray(index * keyBytes, (index + 1) * keyBytes);
  const module = new TrieModule();
  const trie = module.open(0);
  const batch = new UpdateBatch();
  for (let i = 0; i < leaves; i++) batch.put(keyAt(i), accountValue(next));
  const apply = () => {
    const start = performance.now();
    module.update(trie, batch, { hashed });
    module.commit([trie]);
    return performance.now() - start;
  };
  const kind = hashed ? "20-byte keys hashed" : "32-byte keys";
  const built = row(`build trie, ${kind}`, leaves, [apply()], megabytes(module.memoryBytes));
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    batch.clear();
    for (let i = 0; i < updates; i++) batch.put(keyAt(next() % leaves), accountValue(next));
    times.push(apply());
  }
  const note = `into ${leaves} leaves`;
  return [built, row(`update trie, ${kind}`, updates, times, note, mptMicros)];
}

const addressOf = (index: number): string => `0x${index.toString(16).padStart(40, "0")}`;
const slotOf = (index: number): string => `0x${index.toString(16).padStart(64, "0")}`;
const TOKENS = 8;

/**
 * A block of ERC-20 transfers: each sender's account changes, and two balances of one of a few tokens.
 *
 * @param holders accounts to draw from.
 */
function transferBlock(transfers: number, holders: number, next: () => number): StateDiff {
  const diff = new Map<string, AccountChange>();
  const word = () => fillRandom(new Uint8Array(32), next);
  const account = () => ({
    nonce: BigInt(next()),
    balance: BigInt(next()) * 1_000_000_007n,
    codeHash: EMPTY_CODE_HASH,
  });
  const none = new Map<string, Uint8Array>();
  const balances = Array.from({ length: TOKENS }, () => new Map<string, Uint8Array>());
  for (let i = 0; i < transfers; i++) {
    const sender = TOKENS + (next() % holders);
    const token = balances[next() % TOKENS];
    diff.set(addressOf(sender), { account: account(), storageCleared: false, storage: none });
    token.set(slotOf(sender), word());
    token.set(slotOf(TOKENS + (next() % holders)), word());
  }
  for (const [token, storage] of balances.entries()) {
    diff.set(addressOf(token), { account: account(), storageCleared: false, storage });
  }
  return diff;
}

const sizeOf = (diff: StateDiff): number =>
  [...diff.values()].reduce((size, { storage }) => size + 1 + storage.size, 0);

const TRANSFERS = 2_000;

async function benchStore(
  name: string,
  open: () => Promise<StateStore>,
  { blocks, holders }: Required<StateBenchOptions>,
  note: () => string,
): Promise<StateBenchRow> {
  const store = await open();
  try {
    const next = createSeeded(3);
    const hash = new Uint8Array(32);
    // Not kept in a variable: what is alive is marked by every collection that follows.
    await store.commit({ number: 0n, hash, diff: transferBlock(holders, holders, next) });
    const times: number[] = [];
    let updates = 0;
    for (let number = 1n; number <= blocks; number++) {
      const diff = transferBlock(TRANSFERS, holders, next);
      updates += sizeOf(diff);
      const start = performance.now();
      await store.commit({ number, hash, diff });
      times.push(performance.now() - start);
    }
    return row(name, Math.round(updates / blocks), times, note());
  } finally {
    await store.close();
  }
}

/** Time that the executing thread loses to a commit that runs in a worker. */
async function benchPipelined({
  blocks,
  holders,
}: Required<StateBenchOptions>): Promise<StateBenchRow> {
  const state = await openPipelinedState();
  try {
    const next = createSeeded(3);
    const hash = new Uint8Array(32);
    await state.commit({ number: 0n, hash, diff: transferBlock(holders, holders, next) });
    const times: number[] = [];
    let updates = 0;
    for (let number = 1n; number <= blocks; number++) {
      const diff = transferBlock(TRANSFERS, holders, next);
      updates += sizeOf(diff);
      const start = performance.now();
      const outcome = state.commit({ number, hash, diff });
      state.source().close();
      times.push(performance.now() - start);
      await outcome;
    }
    const note = `time of the executing thread, ${TRANSFERS} transfers a block`;
    return row("commit block, worker thread", Math.round(updates / blocks), times, note);
  } finally {
    await state.close();
  }
}

function folderBytes(folder: string): number {
  return readdirSync(folder).reduce((size, name) => size + statSync(join(folder, name)).size, 0);
}

/** Measures everything; `report` is told each row as it is known. */
export async function benchState(
  options: StateBenchOptions = {},
  report: (row: StateBenchRow) => void = () => {},
): Promise<StateBenchRow[]> {
  const { leaves = 1_000_000, updates = 100_000, rounds = 7, blocks = 40 } = options;
  const { holders = 200_000 } = options;
  const all = { leaves, updates, rounds, blocks, holders };
  const rows: StateBenchRow[] = [];
  const add = (...more: StateBenchRow[]) => {
    rows.push(...more);
    more.forEach(report);
  };
  const mptLeaves = Math.min(leaves, 20_000);
  const mptMicros = await mptMicrosPerPut(mptLeaves);
  add(row("@ethereumjs/mpt put", 1, [mptMicros / 1000], `into ${mptLeaves} leaves`));
  add(...benchTrie(false, all, mptMicros));
  add(...benchTrie(true, all, mptMicros));

  const next = createSeeded(5);
  const receipts = Array.from({ length: 1_000 }, () => fillRandom(new Uint8Array(500), next));
  const ordered = Array.from({ length: 20 }, () => {
    const start = performance.now();
    orderedTrieRootSync(receipts);
    return performance.now() - start;
  });
  add(row("ordered root, 500-byte items", receipts.length, ordered, "receipts, transactions"));

  const commitment = createStateCommitment();
  const seeded = createSeeded(3);
  commitment.apply(transferBlock(holders, holders, seeded));
  let touched = 0;
  const commits = Array.from({ length: blocks }, () => {
    const diff = transferBlock(TRANSFERS, holders, seeded);
    touched += sizeOf(diff);
    const start = performance.now();
    commitment.apply(diff);
    return performance.now() - start;
  });
  const transfers = `${TRANSFERS} ERC-20 transfers a block`;
  add(row("state root", Math.round(touched / blocks), commits, `${transfers}, ${holders} holders`));

  add(
    await benchStore(
      "commit block, memory",
      async () => createMemoryStore(),
      all,
      () => transfers,
    ),
  );
  for (const sync of [false, true]) {
    const folder = mkdtempSync(join(tmpdir(), "lanewise-bench-"));
    const name = `commit block, disk${sync ? ", synced" : ""}`;
    try {
      const note = () => `${transfers}; ${megabytes(folderBytes(folder))} on disk`;
      add(await benchStore(name, () => openStateStore(folder, { sync }), all, note));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  add(await benchPipelined(all));
  return rows;
}
