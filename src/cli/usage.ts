/**
 * What the commands share: exit codes, usage errors, and reading of options.
 *
 * @module
 */
import { BACKEND_CHOICES, type BackendChoice } from "../backends/select.ts";
import {
  type ChainSchedule,
  FORKS,
  type Fork,
  MAINNET,
  singleForkSchedule,
} from "../chains/ethereum/index.ts";

/** Exit codes of every command. */
export const EXIT = { ok: 0, invalid: 1, operation: 2 } as const;

/** Stands for a lone `-`, which the parser would drop as an option without a name. */
const STDIN_WORD = "\u0000-";

/** The command line with every lone `-` made fit for the parser. */
export function readableArguments(argv: readonly string[]): string[] {
  return argv.map((word) => (word === "-" ? STDIN_WORD : word));
}

/** The path that the user wrote. */
export function pathArgument(word: string | undefined): string | undefined {
  return word === STDIN_WORD ? "-" : word;
}

/** The command line is wrong. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The last value of an option that may have been given more than once. */
function last(value: unknown): unknown {
  return Array.isArray(value) ? value[value.length - 1] : value;
}

/** `--backend`. */
export function backendOption(value: unknown): BackendChoice {
  const choice = last(value) ?? "auto";
  const found = BACKEND_CHOICES.find((name) => name === choice);
  if (found !== undefined) return found;
  throw new UsageError(`--backend: expected ${BACKEND_CHOICES.join(", ")}, got ${String(choice)}`);
}

/** Whether an option's value is meant as the address of a node. */
const isUrl = (value: string): boolean => /^[a-z]+:\/\//i.test(value);

/** The URL of a node. */
export function urlOption(name: string, value: unknown): string {
  const url = String(last(value));
  if (/^https?:\/\//.test(url) && URL.canParse(url)) return url;
  throw new UsageError(`${name}: expected an http:// or https:// URL, got ${url}`);
}

/** `--fork`: the name of a fork, the URL of a node whose state to run on, or one of each. */
export function forkOption(value: unknown): { readonly fork?: Fork; readonly url?: string } {
  let chosen: { fork?: Fork; url?: string } = {};
  for (const given of value === undefined ? [] : [value].flat().map(String)) {
    const fork = FORKS.find((name) => name === given);
    if (isUrl(given)) chosen = { ...chosen, url: urlOption("--fork", given) };
    else if (fork !== undefined) chosen = { ...chosen, fork };
    else {
      throw new UsageError(`--fork: expected a URL or one of ${FORKS.join(", ")}, got ${given}`);
    }
  }
  return chosen;
}

/** A non-negative integer, decimal or hex, below 2⁶⁴. */
export function integerOption(name: string, value: unknown): bigint | undefined {
  const given = last(value);
  if (given === undefined) return undefined;
  const text = String(given);
  if (/^([0-9]{1,20}|0x[0-9a-fA-F]{1,16})$/.test(text) && BigInt(text) < 2n ** 64n) {
    return BigInt(text);
  }
  throw new UsageError(`${name}: expected an integer from 0 to 2^64 - 1, got ${text}`);
}

/**
 * `--chain-id` and `--fork`; `undefined` leaves it to the input.
 *
 * @param forkUrl whether `--fork` may also be the URL of a node, which says nothing about the chain's rules.
 */
export function chainOption(
  options: { readonly chainId?: unknown; readonly fork?: unknown },
  forkUrl: "allowed" | "refused" = "refused",
): ChainSchedule | undefined {
  const chainId = integerOption("--chain-id", options.chainId);
  const { fork, url } = forkOption(options.fork);
  if (url !== undefined && forkUrl === "refused") {
    throw new UsageError("--fork: expected the name of a fork, got a URL");
  }
  if (fork !== undefined) return singleForkSchedule(fork, chainId ?? MAINNET.chainId);
  if (chainId === undefined) return undefined;
  return chainId === MAINNET.chainId ? MAINNET : singleForkSchedule("prague", chainId);
}

/** `--workers`. */
export function workersOption(value: unknown): number | undefined {
  const workers = integerOption("--workers", value);
  if (workers === undefined) return undefined;
  if (workers < 1n || workers > 1024n) {
    throw new UsageError(`--workers: expected 1 to 1024, got ${workers}`);
  }
  return Number(workers);
}
