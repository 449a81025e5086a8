/**
 * Which back end runs: the one asked for, or the best that the machine has, and why.
 *
 * @module
 */
import type { Algorithm, Backend, BackendId, BackendStatus } from "../core/index.ts";
import { LanewiseError } from "../core/index.ts";
import { type BackendOptions, backends } from "./index.ts";

/** Names that a user may ask for. */
export type BackendChoice = "auto" | BackendId;

/** All choices, `auto` first. */
export const BACKEND_CHOICES: readonly BackendChoice[] = ["auto", "webgpu", "wasm", "reference"];

/** The back end chosen, those that stand behind it, and the reason. */
export interface Selection {
  readonly backend: Backend;
  /** One sentence: what was chosen, and what was passed over and why. */
  readonly reason: string;
  /** What each probe found, in the order of preference. */
  readonly statuses: readonly BackendStatus[];
  /** Creates the next back end in line, for batches that the chosen one fails; `undefined` after the last. */
  nextAfter(id: BackendId): Promise<Backend | undefined>;
}

/** Preference of `auto`. */
const ORDER: readonly BackendId[] = ["webgpu", "wasm", "reference"];

function create(id: BackendId, options: BackendOptions): Backend | undefined {
  return backends[id]?.(options);
}

function notBuilt(id: BackendId): BackendStatus {
  return { id, available: false, reason: "not part of this build", details: {} };
}

/** Probes every back end, in the order of preference. Software adapters count where `allowSoftwareAdapter` is set. */
export async function probeBackends(options: BackendOptions = {}): Promise<BackendStatus[]> {
  const statuses: BackendStatus[] = [];
  for (const id of ORDER) {
    const backend = create(id, options);
    if (backend === undefined) {
      statuses.push(notBuilt(id));
      continue;
    }
    statuses.push(await backend.probe());
    await backend.close();
  }
  return statuses;
}

/**
 * Chooses and prepares a back end. `auto` takes the first of webgpu (with a real adapter), wasm and reference that is
 * available and has a kernel for each of `algorithms`; a named choice takes that one, software adapters included.
 *
 * @throws LanewiseError `ERR_BACKEND_UNAVAILABLE`, saying why, where a named back end cannot run here.
 */
export async function selectBackend(
  choice: BackendChoice,
  algorithms: readonly Algorithm[],
  options: BackendOptions = {},
): Promise<Selection> {
  const statuses: BackendStatus[] = [];
  const passedOver: string[] = [];
  const chosenOptions = choice === "webgpu" ? { ...options, allowSoftwareAdapter: true } : options;
  for (const id of choice === "auto" ? ORDER : [choice]) {
    const attempt = await tryBackend(id, algorithms, chosenOptions);
    statuses.push(attempt.status);
    if (attempt.backend === undefined) {
      passedOver.push(`${id}: ${attempt.status.reason}`);
      continue;
    }
    const why = choice === "auto" ? "best available" : "asked for";
    const behind = passedOver.length === 0 ? "" : ` (passed over ${passedOver.join("; ")})`;
    return {
      backend: attempt.backend,
      reason: `${why}: ${attempt.status.reason}${behind}`,
      statuses,
      nextAfter: (failed) => nextAfter(failed, algorithms, options),
    };
  }
  throw new LanewiseError("ERR_BACKEND_UNAVAILABLE", `back end ${passedOver.join("; ")}`);
}

async function tryBackend(
  id: BackendId,
  algorithms: readonly Algorithm[],
  options: BackendOptions,
): Promise<{ readonly status: BackendStatus; readonly backend?: Backend }> {
  const backend = create(id, options);
  if (backend === undefined) return { status: notBuilt(id) };
  const status = await backend.probe();
  const unavailable = async (reason: string) => {
    await backend.close();
    return { status: { ...status, available: false, reason } };
  };
  if (!status.available) return unavailable(status.reason);
  const lacking = algorithms.filter((algorithm) => !backend.supports(algorithm));
  if (lacking.length > 0) {
    return unavailable(`no kernel for ${lacking.map(({ id: name }) => name).join(", ")}`);
  }
  try {
    await backend.prepare(algorithms);
  } catch (error) {
    if (!(error instanceof LanewiseError)) throw error;
    return unavailable(error.message);
  }
  return { status, backend };
}

async function nextAfter(
  failed: BackendId,
  algorithms: readonly Algorithm[],
  options: BackendOptions,
): Promise<Backend | undefined> {
  for (const id of ORDER.slice(ORDER.indexOf(failed) + 1)) {
    const { backend } = await tryBackend(id, algorithms, options);
    if (backend !== undefined) return backend;
  }
  return undefined;
}
