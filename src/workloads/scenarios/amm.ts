/**
 * Swaps against constant-product pools through a router: nine in ten are swaps (every eighth over two pools), one in ten adds
 * liquidity. Contention is the number of pools and how evenly they are used.
 *
 * @module
 */
import { encodeCall } from "../abi.ts";
import { type Contention, drawUniform, drawZipf } from "../draw.ts";
import { Pair, Router, Token } from "../generated/contracts.ts";
import { layApprovals, layTokens } from "../layout.ts";
import type { Random } from "../random.ts";
import type { PlannedTransaction, Scenario, Stage } from "../scenario.ts";

const RESERVE = 10n ** 24n;
const PURSE = 10n ** 21n;
/** Bounds of what is sold in one swap. */
const SMALLEST = 10n ** 15n;
const STEP = 10n ** 12n;
const SWAP_GAS = 450_000;
const NO_DEADLINE = (1n << 64n) - 1n;

/** Pools in a ring: pool i trades token i against token i + 1. */
interface Market {
  readonly router: Uint8Array;
  readonly tokens: readonly Uint8Array[];
  readonly pools: readonly Uint8Array[];
}

function openMarket(stage: Stage, poolCount: number): Market {
  const router = stage.deploy(Router);
  const tokenCount = Math.max(2, poolCount);
  const tokens = Array.from({ length: tokenCount }, (_, i) =>
    stage.deploy(Token, `Lanewise Token ${i}`, `LW${i}`),
  );
  const pools = Array.from({ length: poolCount }, (_, i) => {
    const sides = [tokens[i], tokens[(i + 1) % tokenCount]];
    const pool = stage.deploy(Pair, ...sides);
    for (const token of sides)
      stage.call(token, encodeCall(Token, "mint(address[],uint256)", [pool], RESERVE));
    stage.call(pool, encodeCall(Pair, "deposit(address)", stage.operator.address));
    return pool;
  });
  return { router, tokens, pools };
}

type Draw = (random: Random, count: number) => number;

function exchange(poolsFor: (count: number) => number, draw: Draw): Scenario {
  return (stage, count) => {
    const { random } = stage;
    const { router, tokens, pools } = openMarket(stage, poolsFor(count));
    const traders = stage.accounts(count);
    /** Holders by token: only those who will sell it. */
    const sellers = tokens.map(() => [] as Uint8Array[]);
    const planned = traders.map((from, index): PlannedTransaction => {
      const first = draw(random, pools.length);
      const amount = SMALLEST + STEP * BigInt(random.below(1_000_000));
      const upwards = random.below(2) === 0;
      const sold = (first + (upwards ? 0 : 1)) % tokens.length;
      sellers[sold].push(from.address);
      if (index % 10 === 9) {
        sellers[(first + (upwards ? 1 : 0)) % tokens.length].push(from.address);
        const data = encodeCall(
          Router,
          "deposit(address,uint256,uint256,uint256,address,uint256)",
          ...[pools[first], amount, amount, 1, from.address, NO_DEADLINE],
        );
        return { from, to: router, data, gasLimit: SWAP_GAS };
      }
      const path = [pools[first]];
      if (index % 8 === 7 && pools.length > 2)
        path.push(pools[(first + (upwards ? 1 : pools.length - 1)) % pools.length]);
      const data = encodeCall(
        Router,
        "swap(address[],address,uint256,uint256,address,uint256)",
        ...[path, tokens[sold], amount, 1, from.address, NO_DEADLINE],
      );
      return { from, to: router, data, gasLimit: SWAP_GAS };
    });
    stage.lay((state) => {
      for (const [i, token] of tokens.entries()) {
        layTokens(state, token, sellers[i], PURSE);
        layApprovals(state, token, sellers[i], router);
      }
    });
    return planned;
  };
}

/** Cold pools; a few pools of which some are hot; one pool. */
export const amm: Readonly<Record<Contention, Scenario>> = {
  low: exchange((count) => Math.max(4, Math.min(256, count >> 2)), drawUniform),
  medium: exchange((count) => Math.max(4, Math.min(32, count >> 3)), drawZipf),
  high: exchange(() => 1, drawUniform),
};
