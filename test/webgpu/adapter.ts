/** Whether the WebGPU back end can run here, for tests: the software driver counts. */
import { type BackendStatus, createWebgpuBackend } from "../../src/index.ts";

export const status: BackendStatus = await createWebgpuBackend({
  allowSoftwareAdapter: true,
}).probe();

/** For `describe`: skipped with the probe's reason where there is no adapter. */
export const needsAdapter = { skip: status.available ? false : `no adapter: ${status.reason}` };
