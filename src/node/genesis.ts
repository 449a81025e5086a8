/**
 * A chain's start as execution clients write it: `genesis.json` with `config` (fork activations) and `alloc` (accounts).
 *
 * @module
 */
import type { ChainSchedule, Fork, ForkActivation } from "../chains/ethereum/index.ts";
import { LanewiseError } from "../core/index.ts";
import { type MemoryStateData, readMemoryState } from "../state/memory.ts";

/** Keys of `config` and the forks they start, oldest first; a time is in seconds since 1970. */
const BLOCK_KEYS: readonly (readonly [string, Fork])[] = [
  ["homesteadBlock", "homestead"],
  ["eip150Block", "tangerineWhistle"],
  ["eip158Block", "spuriousDragon"],
  ["byzantiumBlock", "byzantium"],
  ["constantinopleBlock", "constantinople"],
  ["petersburgBlock", "petersburg"],
  ["istanbulBlock", "istanbul"],
  ["muirGlacierBlock", "muirGlacier"],
  ["berlinBlock", "berlin"],
  ["londonBlock", "london"],
  ["arrowGlacierBlock", "arrowGlacier"],
  ["grayGlacierBlock", "grayGlacier"],
  ["mergeNetsplitBlock", "paris"],
];
const TIME_KEYS: readonly (readonly [string, Fork])[] = [
  ["shanghaiTime", "shanghai"],
  ["cancunTime", "cancun"],
  ["pragueTime", "prague"],
  ["osakaTime", "osaka"],
  ["bpo1Time", "bpo1"],
  ["bpo2Time", "bpo2"],
];

/** A chain and its first state. */
export interface Genesis {
  readonly chain: ChainSchedule;
  readonly state: MemoryStateData;
}

/** Whether parsed JSON looks like a genesis document. */
export function isGenesis(json: unknown): boolean {
  return typeof json === "object" && json !== null && "alloc" in json && "config" in json;
}

/**
 * Reads a parsed `genesis.json`. `terminalTotalDifficulty: 0` starts Paris with the chain.
 *
 * @throws LanewiseError `ERR_INPUT` naming the field.
 */
export function readGenesis(json: unknown, where: string): Genesis {
  const { config, alloc } = json as { config: unknown; alloc: unknown };
  if (typeof config !== "object" || config === null) {
    throw new LanewiseError("ERR_INPUT", `${where}.config: expected an object`);
  }
  const fields = config as Record<string, unknown>;
  const integer = (key: string): bigint | undefined => {
    const value = fields[key];
    if (value === undefined || value === null) return undefined;
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0)
      return BigInt(value);
    if (typeof value === "string" && /^(0x[0-9a-fA-F]{1,64}|[0-9]{1,77})$/.test(value)) {
      return BigInt(value);
    }
    throw new LanewiseError("ERR_INPUT", `${where}.config.${key}: expected an integer`);
  };
  const chainId = integer("chainId");
  if (chainId === undefined) {
    throw new LanewiseError("ERR_INPUT", `${where}.config.chainId: expected an integer, got none`);
  }
  const activations: ForkActivation[] = [{ fork: "frontier", block: 0n }];
  for (const [key, fork] of BLOCK_KEYS) {
    const merged = fork === "paris" && integer("terminalTotalDifficulty") === 0n;
    const block = integer(key) ?? (merged ? 0n : undefined);
    if (block !== undefined) activations.push({ fork, block });
  }
  for (const [key, fork] of TIME_KEYS) {
    const timestamp = integer(key);
    if (timestamp !== undefined) activations.push({ fork, timestamp });
  }
  return {
    chain: { name: where, chainId, activations },
    state: { ...readMemoryState(alloc, `${where}.alloc`), complete: true },
  };
}
