/**
 * Fork names → `@ethereumjs/common` rule sets, independent of any chain's activation schedule.
 *
 * @module
 */
import { type ChainConfig, Common, Mainnet } from "@ethereumjs/common";
import { FORKS, type Fork } from "../executor.ts";

/** The library's trusted-setup functions; the type it names its own slot with. */
export type Kzg = NonNullable<Common["customCrypto"]["kzg"]>;

const libraryName = (fork: Fork): string => (fork === "frontier" ? "chainstart" : fork);

/** The rules of `fork` on the chain `chainId`, with no block number or time attached to any fork. */
export function createCommon(fork: Fork, chainId: bigint, kzg: Kzg): Common {
  const chain: ChainConfig = {
    ...Mainnet,
    chainId: Number(chainId),
    hardforks: FORKS.map((name) => ({ name: libraryName(name), block: 0 })),
  };
  return new Common({ chain, hardfork: libraryName(fork), customCrypto: { kzg } });
}
