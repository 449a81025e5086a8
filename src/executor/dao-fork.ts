/**
 * Main net's block of the DAO fork (EIP-779), which changes balances by a list that no other block needs.
 *
 * @module
 */
import { LanewiseError } from "../core/index.ts";
import type { BlockEnvironment } from "./executor.ts";

const DAO_BLOCK = 1_920_000n;

/** @throws LanewiseError `ERR_UNSUPPORTED` on that block, which no executor runs. */
export function refuseDaoFork({ chainId, number }: BlockEnvironment): void {
  if (chainId !== 1n || number !== DAO_BLOCK) return;
  throw new LanewiseError("ERR_UNSUPPORTED", "block 1920000: the DAO fork is not executed");
}
