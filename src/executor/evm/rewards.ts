/**
 * Rewards of blocks before Paris (Yellow Paper §11.3, EIP-649, EIP-1234).
 *
 * @module
 */
import { type Fork, forkAtLeast } from "../../chains/ethereum/forks.ts";

const ETHER = 10n ** 18n;

/** wei for a block before Paris. */
export function blockReward(fork: Fork): bigint {
  if (forkAtLeast(fork, "paris")) return 0n;
  if (forkAtLeast(fork, "constantinople")) return 2n * ETHER;
  return forkAtLeast(fork, "byzantium") ? 3n * ETHER : 5n * ETHER;
}
