/**
 * Serves the browser build and a page on the local machine: `lanewise bench --web`, and the browser's tests.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, extname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { LanewiseError } from "../core/index.ts";
import { benchPage } from "./browser-page.ts";

/** A running server. */
export interface BrowserServer {
  /** `http://127.0.0.1:PORT/` */
  readonly url: string;
  close(): Promise<void>;
}

const dist = fileURLToPath(new URL("../../", import.meta.url));

/** Packages that the browser build imports by name. */
const PACKAGES = ["@noble/curves", "@noble/hashes", "@noble/post-quantum", "@noble/ciphers"];

const TYPES: Readonly<Record<string, string>> = {
  ".js": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
  ".wgsl": "text/plain; charset=utf-8",
  ".bin": "application/octet-stream",
};

/** The folder of an installed package, found as Node finds it. */
function packageFolder(name: string): string | undefined {
  for (let folder = dist; ; folder = dirname(folder)) {
    const candidate = join(folder, "node_modules", name);
    if (existsSync(candidate)) return candidate;
    if (folder === dirname(folder)) return undefined;
  }
}

/**
 * Starts it. Only built files and the packages above are served, to this machine alone, with the headers that cross-origin isolation
 * asks for (COOP `same-origin`, COEP `require-corp`).
 *
 * @param port 0: any.
 * @throws LanewiseError `ERR_SOURCE` where the port cannot be had.
 */
export async function serveBrowser(port = 0): Promise<BrowserServer> {
  const folders = new Map([["dist", join(dist, ".")]]);
  const imports: Record<string, string> = { "lanewise/browser": "/dist/src/browser.js" };
  for (const name of PACKAGES) {
    const folder = packageFolder(name);
    if (folder === undefined) continue;
    folders.set(name, folder);
    imports[`${name}/`] = `/${name}/`;
  }
  const page = benchPage(imports);

  /** The file behind a path, or `undefined` where it is none of ours. */
  function fileOf(path: string): string | undefined {
    for (const [prefix, folder] of folders) {
      if (!path.startsWith(`/${prefix}/`)) continue;
      const file = join(folder, path.slice(prefix.length + 2));
      return file.startsWith(join(folder, sep)) && extname(file) in TYPES ? file : undefined;
    }
    return undefined;
  }

  const server = createServer(async (request, response) => {
    response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
    response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
    response.setHeader("Cache-Control", "no-store");
    const path = decodePath(request.url ?? "/");
    if (path === "/") {
      response.setHeader("Content-Type", "text/html; charset=utf-8");
      response.end(page);
      return;
    }
    const file = path === undefined ? undefined : fileOf(path);
    try {
      if (file === undefined) throw new Error("not served");
      const bytes = await readFile(file);
      response.setHeader("Content-Type", TYPES[extname(file)]);
      response.end(bytes);
    } catch {
      response.statusCode = 404;
      response.end("not found\n");
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      const message = `port ${port}: ${(cause as Error).message}`;
      reject(new LanewiseError("ERR_SOURCE", message, { cause }));
    });
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function decodePath(url: string): string | undefined {
  try {
    return decodeURIComponent(new URL(url, "http://localhost").pathname);
  } catch {
    return undefined;
  }
}
