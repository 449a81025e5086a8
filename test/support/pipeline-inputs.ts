/** Inputs for pipeline tests: corpus blocks, a generated chain, bare transactions valid and broken. @module */

import { encodeBlock } from "../../src/chains/ethereum/index.ts";
import { readGenesis } from "../../src/node/genesis.ts";
import { transactionUnits } from "../../src/node/transaction-stream.ts";
import type { BlockInput } from "../../src/pipeline/input.ts";
import { generateChain } from "../../src/workloads/chain.ts";
import { generateTransactions } from "../../src/workloads/transaction-stream.ts";
import { corpusJson } from "./corpus.ts";
import { createChooser } from "./flip.ts";

/** Blocks of the corpus with few transactions, of many forks. */
export const SMALL_BLOCKS = ["1150000", "2462997", "2674998", "4369999", "15537393", "19923400"];

export function corpusInput(number: string): BlockInput {
  const json = corpusJson("mainnet-signed-blocks", number, "block.json");
  return { label: number, content: { kind: "block-json", json } };
}

/** A chain of generated blocks from its genesis on, as raw RLP. */
export async function generatedChain(
  blocks: number,
  transactionsPerBlock: number,
): Promise<BlockInput[]> {
  const chain = await generateChain({ seed: "pipeline", blocks, transactionsPerBlock });
  const genesis = readGenesis(chain.genesis, "genesis");
  const inputs: BlockInput[] = [];
  for await (const { block } of chain.blocks()) {
    const first = inputs.length === 0;
    inputs.push({
      label: `generated ${block.header.number}`,
      content: { kind: "block-rlp", bytes: encodeBlock(block) },
      chain: genesis.chain,
      ...(first ? { state: genesis.state } : { follows: true }),
    });
  }
  return inputs;
}

/** Generated transactions, every `breakEvery`-th with a few bytes changed, cut or added. */
export function bareTransactions(count: number, breakEvery: number, seed = 1): BlockInput[] {
  const choose = createChooser(seed);
  const raws: Uint8Array[] = [];
  for (const raw of generateTransactions({ seed, count, chainId: 1 })) {
    raws.push(raws.length % breakEvery === 0 ? broken(raw, choose) : Uint8Array.from(raw));
  }
  return [...transactionUnits(raws, "bare")];
}

/** A copy with one thing wrong. */
export function broken(raw: Uint8Array, choose: (below: number) => number): Uint8Array {
  const copy = Uint8Array.from(raw);
  switch (choose(4)) {
    case 0:
      return copy.subarray(0, choose(copy.length));
    case 1:
      return Uint8Array.from([...copy, choose(256)]);
    case 2:
      copy[choose(copy.length)] ^= 1 << choose(8);
      return copy;
    default:
      // The last 33 bytes are s and its header: an s above n / 2, or not below n.
      copy.fill(0xff, Math.max(0, copy.length - 1 - choose(32)));
      return copy;
  }
}
