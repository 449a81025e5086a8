/**
 * A device and its life: every wait on it ends, with an answer, a typed error or a time limit.
 *
 * @module
 */
import { LanewiseError, type LanewiseErrorCode } from "../../core/index.ts";
import {
  type AdapterDescription,
  describeAdapter,
  firstLine,
  openAdapter,
  openDevice,
} from "./adapter.ts";

/** A device with its failure, once it has one. */
export interface Session {
  readonly device: GPUDevice;
  readonly adapter: AdapterDescription;
  /** Set once the device is lost, hangs or reports an error; nothing more runs on it then. */
  readonly failure: LanewiseError | undefined;
  /**
   * Waits for `work`, for the session to fail, or for the time limit, whichever is first.
   *
   * @param late the failure to record when the time is up; the device is given up.
   */
  wait<T>(work: Promise<T>, timeoutMs: number, late: () => LanewiseError): Promise<T>;
  /** Runs synchronous calls under error scopes and waits until the device has judged them. */
  checked<T>(what: string, calls: () => T): Promise<T>;
  /** Ends the session with this error: all waits reject with it. */
  fail(error: LanewiseError): void;
  /** Ends the session in peace. */
  destroy(): void;
}

const SCOPES: readonly GPUErrorFilter[] = ["validation", "out-of-memory", "internal"];

/** Judging submitted calls takes microseconds; a driver that needs this long hangs. */
const SCOPE_TIMEOUT_MS = 60_000;

/**
 * Opens an adapter and a device on it.
 *
 * @param onDevice sees the device first; see `WebgpuOptions`.
 * @throws LanewiseError `ERR_BACKEND_UNAVAILABLE`.
 */
export async function openSession(
  allowSoftwareAdapter: boolean,
  onDevice?: (device: GPUDevice) => void,
): Promise<Session> {
  const adapter = await openAdapter(allowSoftwareAdapter);
  let device: GPUDevice;
  try {
    device = await openDevice(adapter);
  } catch (cause) {
    throw new LanewiseError(
      "ERR_BACKEND_UNAVAILABLE",
      `the adapter gave no device: ${firstLine(cause)}`,
      { cause },
    );
  }
  onDevice?.(device);
  return createSession(device, describeAdapter(adapter));
}

function createSession(device: GPUDevice, adapter: AdapterDescription): Session {
  let failure: LanewiseError | undefined;
  const waiting = new Set<(error: LanewiseError) => void>();

  function fail(error: LanewiseError): void {
    if (failure) return;
    failure = error;
    for (const reject of waiting) reject(error);
    waiting.clear();
    // Not at once: Dawn reports errors while it holds the lock that destroying takes.
    setTimeout(() => device.destroy(), 0);
  }

  void device.lost.then((info) => {
    fail(new LanewiseError("ERR_DEVICE_LOST", `GPU device lost (${info.reason}): ${info.message}`));
  });
  device.addEventListener("uncapturederror", (event) => {
    fail(failed("ERR_BACKEND_FAILED", "GPU error", event.error));
  });

  function wait<T>(work: Promise<T>, timeoutMs: number, late: () => LanewiseError): Promise<T> {
    if (failure) {
      work.catch(() => {});
      return Promise.reject(failure);
    }
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => fail(late()), timeoutMs);
      const settle = (): void => {
        clearTimeout(timer);
        waiting.delete(abandon);
      };
      const abandon = (error: LanewiseError): void => {
        settle();
        reject(error);
      };
      waiting.add(abandon);
      work.then(
        (value) => {
          settle();
          resolve(value);
        },
        (error: unknown) => {
          settle();
          // An operation aborted by the loss of the device settles before `lost` does: report the loss.
          setTimeout(() => reject(failure ?? error), 0);
        },
      );
    });
  }

  async function checked<T>(what: string, calls: () => T): Promise<T> {
    for (const filter of SCOPES) device.pushErrorScope(filter);
    let result: T | undefined;
    let thrown: unknown;
    try {
      result = calls();
    } catch (error) {
      thrown = error ?? new Error("unknown");
    }
    const verdicts = Promise.all(SCOPES.map(() => device.popErrorScope()));
    const errors = await wait(
      verdicts,
      SCOPE_TIMEOUT_MS,
      () => new LanewiseError("ERR_DEVICE_LOST", `GPU hangs: ${what}`),
    );
    const error = thrown ?? errors.find((found) => found !== null);
    if (error) throw failed("ERR_BACKEND_FAILED", what, error);
    return result as T;
  }

  return {
    device,
    adapter,
    get failure() {
      return failure;
    },
    wait,
    checked,
    fail,
    destroy() {
      fail(new LanewiseError("ERR_CLOSED", "webgpu back end: closed"));
      device.destroy();
    },
  };
}

/** A typed error from whatever the API gave. */
export function failed(code: LanewiseErrorCode, what: string, cause: unknown): LanewiseError {
  if (cause instanceof LanewiseError) return cause;
  const message = (cause as { message?: string }).message ?? String(cause);
  const kind = (cause as object).constructor?.name ?? "error";
  return new LanewiseError(code, `${what}: ${kind}: ${message.trim().replaceAll("\n", " ")}`, {
    cause,
  });
}
