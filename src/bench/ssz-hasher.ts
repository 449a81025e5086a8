/**
 * The SSZ hasher beside those that come with `@chainsafe/persistent-merkle-tree`: as-sha256 (WebAssembly), hashtree (native) and
 * noble (JavaScript), each behind the same interface, in turns in one process.
 *
 * @module
 */
import { cpus } from "node:os";
import { createSszHasher, type SszHasher, type SszHashObject } from "../node/ssz.ts";
import { createRandom } from "../workloads/random.ts";

/** Nanoseconds a node, the median of the rounds. */
export interface SszHasherRow {
  readonly name: string;
  /** 1024 pairs in one call of `hashInto`. */
  readonly hashIntoNs: number;
  /** A tree of 4096 leaves by `executeHashComputations`. */
  readonly treeNs: number;
  /** One pair by `digest64HashObjects`. */
  readonly singleNs: number;
}

/** What `lanewise bench ssz-hasher --json` prints. */
export interface SszHasherReport {
  readonly id: "ssz-hasher";
  readonly machine: string;
  readonly node: string;
  readonly rows: readonly SszHasherRow[];
  /** Peers that were not measured, and why. */
  readonly absent: Readonly<Record<string, string>>;
}

const PEERS = ["as-sha256", "hashtree", "noble"] as const;
const PAIRS = 1024;
const LEAVES = 4096;

interface Operation {
  readonly nodes: number;
  run(): void;
}

/** Measures every hasher that is installed. @param roundMs length of one turn. */
export async function benchSszHasher(rounds = 7, roundMs = 100): Promise<SszHasherReport> {
  const absent: Record<string, string> = {};
  const hashers: { readonly name: string; readonly hasher: SszHasher }[] = [
    { name: "lanewise", hasher: await createSszHasher() },
  ];
  for (const name of PEERS) {
    // A name that the compiler cannot see through: the package is not one of ours.
    const path = `@chainsafe/persistent-merkle-tree/hasher/${name}`;
    try {
      hashers.push({ name, hasher: (await import(path)).hasher });
    } catch (error) {
      absent[name] = `not installed: ${String(error).split("\n", 1)[0]}`;
    }
  }
  const operations = hashers.map(({ hasher }) => operationsOf(hasher));
  const samples = operations.map((list) => list.map(() => [] as number[]));
  for (let round = -1; round < rounds; round++) {
    for (const [h, list] of operations.entries()) {
      for (const [o, operation] of list.entries()) {
        const ns = timed(operation, roundMs);
        if (round >= 0) samples[h][o].push(ns);
      }
    }
  }
  const median = (values: number[]): number => {
    const sorted = [...values].sort((a, b) => a - b);
    return Math.round(sorted[sorted.length >> 1] * 10) / 10;
  };
  return {
    id: "ssz-hasher",
    machine: `${cpus()[0]?.model ?? process.arch}, ${cpus().length} cores, ${process.platform}`,
    node: process.version,
    rows: hashers.map(({ name }, h) => ({
      name,
      hashIntoNs: median(samples[h][0]),
      treeNs: median(samples[h][1]),
      singleNs: median(samples[h][2]),
    })),
    absent,
  };
}

/** The three operations of one hasher, on inputs of its own. */
function operationsOf(hasher: SszHasher): readonly Operation[] {
  const random = createRandom("ssz hasher");
  const input = random.bytes(64 * PAIRS);
  const output = new Uint8Array(32 * PAIRS);
  const leaves = Array.from({ length: LEAVES }, () => nodeOf(random.bytes(32)));
  const levels = levelsOver(leaves);
  const [left, right] = leaves;
  const parent = nodeOf(new Uint8Array(32));
  return [
    { nodes: PAIRS, run: () => hasher.hashInto(input, output) },
    { nodes: LEAVES - 1, run: () => hasher.executeHashComputations(levels) },
    {
      nodes: 64,
      run() {
        for (let i = 0; i < 64; i++) hasher.digest64HashObjects(left, right, parent);
      },
    },
  ];
}

/** A node as ChainSafe's tree has it: peers hand a hash over by `applyHash`. */
class BenchNode implements SszHashObject {
  h0 = 0;
  h1 = 0;
  h2 = 0;
  h3 = 0;
  h4 = 0;
  h5 = 0;
  h6 = 0;
  h7 = 0;

  applyHash(hash: SszHashObject): void {
    this.h0 = hash.h0;
    this.h1 = hash.h1;
    this.h2 = hash.h2;
    this.h3 = hash.h3;
    this.h4 = hash.h4;
    this.h5 = hash.h5;
    this.h6 = hash.h6;
    this.h7 = hash.h7;
  }
}

function nodeOf(bytes: Uint8Array): BenchNode {
  const words = new Int32Array(bytes.slice().buffer);
  const node = new BenchNode();
  [node.h0, node.h1, node.h2, node.h3, node.h4, node.h5, node.h6, node.h7] = words;
  return node;
}

interface Computation {
  readonly src0: BenchNode;
  readonly src1: BenchNode;
  readonly dest: BenchNode;
}

/** Computations of a full tree, the root's level first. */
function levelsOver(leaves: readonly BenchNode[]): Computation[][] {
  const levels: Computation[][] = [];
  let below = leaves;
  while (below.length > 1) {
    const level: Computation[] = [];
    for (let i = 0; i < below.length; i += 2) {
      const dest = nodeOf(new Uint8Array(32));
      level.push({ src0: below[i], src1: below[i + 1], dest });
    }
    levels.unshift(level);
    below = level.map(({ dest }) => dest);
  }
  return levels;
}

/** Nanoseconds a node over at least `roundMs`. */
function timed({ nodes, run }: Operation, roundMs: number): number {
  const startMs = performance.now();
  let calls = 0;
  let elapsedMs = 0;
  while (elapsedMs < roundMs) {
    run();
    calls++;
    elapsedMs = performance.now() - startMs;
  }
  return (elapsedMs * 1e6) / (calls * nodes);
}
