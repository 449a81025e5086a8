/**
 * Entry point of a pool worker, in Node (`worker_threads`) and in browsers (a module worker).
 *
 * @module
 */
import type { WorkerSetup } from "./messages.ts";
import { serve } from "./serve.ts";
import { openChannel } from "./threads.ts";

const { channel, setup } = await openChannel();
await serve(channel, setup as WorkerSetup);
