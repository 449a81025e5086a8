/**
 * Entry point of a pool worker, in Node (`worker_threads`) and in browsers (a module worker).
 *
 * @module
 */
import type { WorkerSetup } from "./messages.ts";
import { serve } from "./serve.ts";
import { openChannel, yieldToOthers } from "./threads.ts";

const { channel, setup } = await openChannel();
if ((setup as WorkerSetup).background) yieldToOthers();
await serve(channel, setup as WorkerSetup);
