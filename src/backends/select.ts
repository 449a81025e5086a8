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

/** A back end that still compiles when another is chosen. */
export interface Better {
  readonly backend: Backend;
  /** Milliseconds until it was ready. Rejects with a LanewiseError where it gives up or is closed first. */
  readonly ready: Promise<number>;
}

/** The back end chosen, those that stand behind it, and the reason. */
export interface Selection {
  readonly backend: Backend;
  /** One sentence: what was chosen, and what was passed over and why. */
  readonly reason: string;
  /** What each probe found, in the order of preference. */
  readonly statuses: readonly BackendStatus[];
  /** The back end that is preferred to `backend` and compiles while that one serves; the selection's owner closes it too. */
  readonly better?: Better;
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
 * available and has a kernel for each of `algorithms`; a named choice takes that one, software adapters included. A driver may
 * compile shaders for a minute: under `auto` the next in line is chosen meanwhile, and webgpu follows in `better`.
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
  let better: Better | undefined;
  for (const id of choice === "auto" ? ORDER : [choice]) {
    const attempt = await openBackend(id, algorithms, chosenOptions);
    if (choice === "auto" && id === "webgpu" && attempt.backend !== undefined) {
      better = { backend: attempt.backend, ready: preparedLater(attempt.backend, algorithms) };
      better.ready.catch(() => {}); // its owner learns of it
      statuses.push(attempt.status);
      passedOver.push(`${id}: ${attempt.status.reason}, compiling`);
      continue;
    }
    const found = await prepared(attempt, algorithms);
    statuses.push(found.status);
    if (found.backend === undefined) {
      passedOver.push(`${id}: ${found.status.reason}`);
      continue;
    }
    const why = choice === "auto" ? "best available" : "asked for";
    const behind = passedOver.length === 0 ? "" : ` (passed over ${passedOver.join("; ")})`;
    return {
      backend: found.backend,
      reason: `${why}: ${found.status.reason}${behind}`,
      statuses,
      ...(better === undefined ? {} : { better }),
      nextAfter: (failed) => nextAfter(failed, algorithms, options),
    };
  }
  throw new LanewiseError("ERR_BACKEND_UNAVAILABLE", `back end ${passedOver.join("; ")}`);
}

interface Attempt {
  readonly status: BackendStatus;
  /** Absent where it cannot run; `status` has the reason. */
  readonly backend?: Backend;
}

/** A back end that is there and has every kernel, not yet prepared. */
async function openBackend(
  id: BackendId,
  algorithms: readonly Algorithm[],
  options: BackendOptions,
): Promise<Attempt> {
  const backend = create(id, options);
  if (backend === undefined) return { status: notBuilt(id) };
  const status = await backend.probe();
  if (!status.available) return closed(backend, status, status.reason);
  const lacking = algorithms.filter((algorithm) => !backend.supports(algorithm));
  if (lacking.length > 0) {
    return closed(
      backend,
      status,
      `no kernel for ${lacking.map(({ id: name }) => name).join(", ")}`,
    );
  }
  return { status, backend };
}

async function closed(backend: Backend, status: BackendStatus, reason: string): Promise<Attempt> {
  await backend.close();
  return { status: { ...status, available: false, reason } };
}

async function prepared(attempt: Attempt, algorithms: readonly Algorithm[]): Promise<Attempt> {
  const { backend, status } = attempt;
  if (backend === undefined) return attempt;
  try {
    await backend.prepare(algorithms);
    return attempt;
  } catch (error) {
    if (!(error instanceof LanewiseError)) throw error;
    return closed(backend, status, error.message);
  }
}

async function preparedLater(backend: Backend, algorithms: readonly Algorithm[]): Promise<number> {
  const start = performance.now();
  await backend.prepare(algorithms);
  return performance.now() - start;
}

async function nextAfter(
  failed: BackendId,
  algorithms: readonly Algorithm[],
  options: BackendOptions,
): Promise<Backend | undefined> {
  for (const id of ORDER.slice(ORDER.indexOf(failed) + 1)) {
    const { backend } = await prepared(await openBackend(id, algorithms, options), algorithms);
    if (backend !== undefined) return backend;
  }
  return undefined;
}
