/**
 * Debian's libsecp256k1 as a peer: a small C driver (`bench/thirdparty/libsecp256k1.c`), compiled where there are a compiler and
 * the library's headers, and asked for one timing after another.
 *
 * @module
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Workload } from "./workload.ts";

/** A peer outside this process. */
export interface NativePeer {
  /** x coordinate of item 0's key. */
  readonly first: Uint8Array;
  /** Nanoseconds per item, over about this long. */
  sample(timeMs: number): Promise<number>;
  close(): void;
}

/** Starts the driver on the workload's signatures; a string says why there is none. */
export async function startLibsecp256k1(
  source: URL,
  { signatures }: Workload,
  clock: "wall" | "cpu",
): Promise<NativePeer | string> {
  const folder = mkdtempSync(join(tmpdir(), "lanewise-"));
  const program = join(folder, "driver");
  const args = ["-O2", fileURLToPath(source), "-lsecp256k1", "-o", program];
  const compiled = spawnSync("cc", args, { encoding: "utf8" });
  if (compiled.error || compiled.status !== 0) {
    rmSync(folder, { recursive: true });
    return "no C compiler, or no libsecp256k1-dev";
  }
  const child = spawn(program, [clock], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done) throw new Error("bench: the libsecp256k1 driver ended early");
    return value;
  };
  const header = Buffer.alloc(4);
  header.writeUInt32LE(signatures.length);
  child.stdin.write(header);
  for (const { digest, signature, recoveryId } of signatures) {
    child.stdin.write(Buffer.concat([digest, signature, Uint8Array.of(recoveryId)]));
  }
  return {
    first: Buffer.from(await answer(), "hex"),
    async sample(timeMs) {
      header.writeUInt32LE(timeMs);
      child.stdin.write(Buffer.from(header));
      return Number(await answer());
    },
    close() {
      child.stdin.end();
      rmSync(folder, { recursive: true });
    },
  };
}
