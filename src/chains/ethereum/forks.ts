/**
 * Fork names of Ethereum's execution layer and the schedules that say which one is active at a block.
 *
 * Mainnet's activation points are those of the execution-specs repository; before Paris forks start at a block number, from
 * Shanghai on at a timestamp.
 *
 * @module
 */

/** Execution rules by name, oldest first. A blob-parameter-only fork (EIP-7892) changes blob limits alone. */
export const FORKS = [
  "frontier",
  "homestead",
  "tangerineWhistle",
  "spuriousDragon",
  "byzantium",
  "constantinople",
  "petersburg",
  "istanbul",
  "muirGlacier",
  "berlin",
  "london",
  "arrowGlacier",
  "grayGlacier",
  "paris",
  "shanghai",
  "cancun",
  "prague",
  "osaka",
  "bpo1",
  "bpo2",
] as const;

/** One of {@link FORKS}. */
export type Fork = (typeof FORKS)[number];

/** Whether `fork` is `other` or a later one. */
export function forkAtLeast(fork: Fork, other: Fork): boolean {
  return FORKS.indexOf(fork) >= FORKS.indexOf(other);
}

/** What the blob market of one fork allows (EIP-4844, EIP-7691, EIP-7892), in blobs. */
export interface BlobParameters {
  /** Blobs per block that leave the blob base fee unchanged. */
  readonly target: number;
  /** Most blobs in a block. */
  readonly max: number;
  /** `BLOB_BASE_FEE_UPDATE_FRACTION`: how slowly the blob base fee answers to excess blob gas. */
  readonly updateFraction: bigint;
}

const CANCUN_BLOBS: BlobParameters = { target: 3, max: 6, updateFraction: 3_338_477n };
const PRAGUE_BLOBS: BlobParameters = { target: 6, max: 9, updateFraction: 5_007_716n };
const BPO1_BLOBS: BlobParameters = { target: 10, max: 15, updateFraction: 8_346_193n };
const BPO2_BLOBS: BlobParameters = { target: 14, max: 21, updateFraction: 11_684_671n };

/** Mainnet's blob parameters at a fork; `undefined` before Cancun. */
export function blobParametersOf(fork: Fork): BlobParameters | undefined {
  if (forkAtLeast(fork, "bpo2")) return BPO2_BLOBS;
  if (forkAtLeast(fork, "bpo1")) return BPO1_BLOBS;
  if (forkAtLeast(fork, "prague")) return PRAGUE_BLOBS;
  if (forkAtLeast(fork, "cancun")) return CANCUN_BLOBS;
  return undefined;
}

/** Where a fork starts: at a block number, or at a timestamp in seconds since 1970. */
export type ForkActivation =
  | { readonly fork: Fork; readonly block: bigint }
  | { readonly fork: Fork; readonly timestamp: bigint };

/** A chain's identity and the forks it went through. */
export interface ChainSchedule {
  readonly name: string;
  readonly chainId: bigint;
  /** In the order of {@link FORKS}; the first is active from genesis. */
  readonly activations: readonly ForkActivation[];
}

/**
 * The fork active at a block: the last activation that its number and timestamp have reached.
 *
 * @throws RangeError where the schedule has no fork at that block.
 */
export function forkAt(
  schedule: ChainSchedule,
  block: { readonly number: bigint; readonly timestamp: bigint },
): Fork {
  for (let i = schedule.activations.length - 1; i >= 0; i--) {
    const activation = schedule.activations[i];
    const reached =
      "block" in activation
        ? block.number >= activation.block
        : block.timestamp >= activation.timestamp;
    if (reached) return activation.fork;
  }
  throw new RangeError(
    `forkAt: expected ${schedule.name} to have a fork at block ${block.number}, got none`,
  );
}

/** A chain that has had one fork's rules since genesis, as development nodes and test suites use. */
export function singleForkSchedule(fork: Fork, chainId: bigint): ChainSchedule {
  return { name: `${fork} only`, chainId, activations: [{ fork, block: 0n }] };
}

/** Ethereum mainnet, chain id 1. */
export const MAINNET: ChainSchedule = {
  name: "mainnet",
  chainId: 1n,
  activations: [
    { fork: "frontier", block: 0n },
    { fork: "homestead", block: 1_150_000n },
    { fork: "tangerineWhistle", block: 2_463_000n },
    { fork: "spuriousDragon", block: 2_675_000n },
    { fork: "byzantium", block: 4_370_000n },
    { fork: "constantinople", block: 7_280_000n },
    { fork: "petersburg", block: 7_280_000n },
    { fork: "istanbul", block: 9_069_000n },
    { fork: "muirGlacier", block: 9_200_000n },
    { fork: "berlin", block: 12_244_000n },
    { fork: "london", block: 12_965_000n },
    { fork: "arrowGlacier", block: 13_773_000n },
    { fork: "grayGlacier", block: 15_050_000n },
    { fork: "paris", block: 15_537_394n },
    { fork: "shanghai", timestamp: 1_681_338_455n },
    { fork: "cancun", timestamp: 1_710_338_135n },
    { fork: "prague", timestamp: 1_746_612_311n },
    { fork: "osaka", timestamp: 1_764_798_551n },
    { fork: "bpo1", timestamp: 1_765_290_071n },
    { fork: "bpo2", timestamp: 1_767_747_671n },
  ],
};
