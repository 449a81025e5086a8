/** A headless Chromium with a software GPU, from the npm package @sparticuz/chromium, driven over the DevTools protocol. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync } from "node:zlib";
import { WebSocket } from "ws";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const archives = join(root, "node_modules/@sparticuz/chromium/bin");
const drivers = join(root, ".gpu");
const folder = join(drivers, "chromium");

/** Why there is no Chromium here, or `false`. */
export const noChromium: string | false =
  process.platform !== "linux" || process.arch !== "x64"
    ? "Chromium comes for Linux on x86-64 only"
    : !existsSync(join(archives, "chromium.br")) || !existsSync(drivers)
      ? "@sparticuz/chromium is not installed"
      : false;

/** Regular files of a tar archive. */
function* tarFiles(tar: Buffer): Generator<[string, Buffer]> {
  const text = (from: number, length: number): string =>
    tar.toString("latin1", from, from + length).split("\0")[0];
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0; ) {
    const size = Number.parseInt(text(at + 124, 12).trim(), 8);
    const type = text(at + 156, 1);
    if (type === "0" || type === "") yield [text(at, 100), tar.subarray(at + 512, at + 512 + size)];
    at += 512 + Math.ceil(size / 512) * 512;
  }
}

/** Unpacks the browser once, with the libraries that a bare system lacks and the software driver beside it. */
async function unpack(): Promise<void> {
  if (existsSync(folder)) return;
  const partial = `${folder}.${process.pid}`;
  await mkdir(join(partial, "lib"), { recursive: true });
  const unbrotli = async (name: string): Promise<Buffer> =>
    brotliDecompressSync(await readFile(join(archives, name)));
  await writeFile(join(partial, "chromium"), await unbrotli("chromium.br"));
  await chmod(join(partial, "chromium"), 0o755);
  for (const [name, bytes] of tarFiles(await unbrotli("al2023.tar.br"))) {
    await writeFile(join(partial, "lib", basename(name)), bytes);
  }
  for (const name of ["libEGL.so", "libGLESv2.so", "libvk_swiftshader.so", "libvulkan.so.1"]) {
    await copyFile(join(drivers, name), join(partial, name));
  }
  await copyFile(
    join(drivers, "vk_swiftshader_icd.json"),
    join(partial, "vk_swiftshader_icd.json"),
  );
  try {
    await rename(partial, folder);
  } catch {
    await rm(partial, { recursive: true, force: true }); // another process unpacked it first
  }
}

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--no-first-run",
  "--no-zygote",
  "--disable-dev-shm-usage",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-extensions",
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--enable-unsafe-swiftshader",
  "--remote-debugging-port=0",
];

/** A page of a running browser. */
export interface Page {
  /** Runs an expression in the page, waits for its promise, and gives its value as plain data. */
  evaluate<T>(expression: string): Promise<T>;
  close(): Promise<void>;
}

/**
 * Starts the browser on this address.
 *
 * @throws Error with the browser's last words where it does not start.
 */
export async function openPage(url: string): Promise<Page> {
  await unpack();
  // An empty VK_DRIVER_FILES would mean no driver at all.
  const { VK_DRIVER_FILES: _ours, ...environment } = process.env;
  const profile = await mkdtemp(join(tmpdir(), "lanewise-chromium-"));
  const browser = spawn(
    join(folder, "chromium"),
    [...FLAGS, `--user-data-dir=${profile}`, "about:blank"],
    {
      stdio: ["ignore", "ignore", "pipe"],
      env: {
        ...environment,
        LD_LIBRARY_PATH: `${folder}:${join(folder, "lib")}`,
      },
    },
  );
  const close = async (): Promise<void> => {
    if (browser.exitCode === null && browser.signalCode === null) {
      browser.kill("SIGKILL");
      await once(browser, "exit");
    }
    await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  try {
    const devtools = new URL(await devtoolsAddress(browser));
    const targets = await fetch(`http://${devtools.host}/json/list`);
    const list = (await targets.json()) as { type: string; webSocketDebuggerUrl: string }[];
    const target = list.find(({ type }) => type === "page");
    if (!target) throw new Error("Chromium has no page");
    const send = await connect(target.webSocketDebuggerUrl);
    await send("Page.navigate", { url });
    return {
      async evaluate<T>(expression: string): Promise<T> {
        const answer = await send("Runtime.evaluate", {
          expression,
          awaitPromise: true,
          returnByValue: true,
        });
        const { result, exceptionDetails } = answer as {
          result: { value: T };
          exceptionDetails?: { text: string; exception?: { description?: string } };
        };
        if (exceptionDetails) {
          throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
        }
        return result.value;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const START_TIMEOUT_MS = 60_000;

/** The address that the browser prints when it listens. */
function devtoolsAddress(browser: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    const fail = (what: string): void => {
      clearTimeout(timer);
      reject(new Error(`Chromium ${what}: ${said.trim().split("\n").slice(-3).join(" | ")}`));
    };
    const timer = setTimeout(() => fail("did not start in time"), START_TIMEOUT_MS);
    browser.on("error", (error) => fail(`could not start (${error.message})`));
    browser.on("exit", (code, signal) => fail(`ended with ${signal ?? code}`));
    browser.stderr?.on("data", (chunk) => {
      said = (said + chunk).slice(-4096);
      const found = /DevTools listening on (ws:\S+)/.exec(said);
      if (!found) return;
      clearTimeout(timer);
      resolve(found[1]);
    });
  });
}

/** A DevTools session: sends a command, gives its result. */
async function connect(
  address: string,
): Promise<(method: string, parameters: object) => Promise<unknown>> {
  const socket = new WebSocket(address, { perMessageDeflate: false, maxPayload: 2 ** 28 });
  await once(socket, "open");
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let last = 0;
  socket.on("message", (data) => {
    const { id, result, error } = JSON.parse(String(data));
    const call = waiting.get(id);
    waiting.delete(id);
    if (error) call?.reject(new Error(error.message));
    else call?.resolve(result);
  });
  socket.on("close", () => {
    for (const { reject } of waiting.values()) reject(new Error("Chromium went away"));
  });
  return (method, params) =>
    new Promise((resolve, reject) => {
      waiting.set(++last, { resolve, reject });
      socket.send(JSON.stringify({ id: last, method, params }));
    });
}
