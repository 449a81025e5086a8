/**
 * Looks for a usable adapter in a child process with a time limit: a driver that crashes or hangs is a reason, not a crash. In a
 * browser the page itself looks: there the browser keeps the driver in a process of its own.
 *
 * @module
 */
import type { BackendStatus } from "../../core/index.ts";
import { type AdapterDescription, adapterName } from "./adapter.ts";
import { checkAdapter, type ProbeReport } from "./adapter-check.ts";

// No static import of Node's modules: browsers load this file too.
const processes = globalThis.process?.getBuiltinModule?.("node:child_process");
const urls = globalThis.process?.getBuiltinModule?.("node:url");

/** A cold driver load takes 0.3 s, on a loaded machine ten times that; waking GPUs of a server that nothing keeps awake, 20 s. */
const PROBE_TIMEOUT_MS = 60_000;

/** What the probe runs; tests put a misbehaving driver in its place. */
export interface ProbeCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly timeoutMs: number;
}

const unavailable = (reason: string): BackendStatus => ({
  id: "webgpu",
  available: false,
  reason,
  details: {},
});

/** The command of the real probe. */
function probeCommand(allowSoftwareAdapter: boolean): ProbeCommand {
  const child = urls!.fileURLToPath(new URL("./probe-child.js", import.meta.url));
  return {
    file: process.execPath,
    args: [child, ...(allowSoftwareAdapter ? ["--allow-software"] : [])],
    timeoutMs: PROBE_TIMEOUT_MS,
  };
}

/** What each command found: a machine's adapters do not change while a process runs. */
const known = new Map<string, Promise<BackendStatus>>();

/** Runs the probe, or the command in its place, once a process. Never rejects. */
export function probeAdapter(
  allowSoftwareAdapter: boolean,
  command?: ProbeCommand,
): Promise<BackendStatus> {
  const key = JSON.stringify(command ?? allowSoftwareAdapter);
  let status = known.get(key);
  if (!status) {
    status = processes
      ? findAdapter(command ?? probeCommand(allowSoftwareAdapter))
      : checkAdapter(allowSoftwareAdapter).then((report) =>
          report.ok ? availableStatus(report.adapter) : unavailable(report.reason),
        );
    known.set(key, status);
  }
  return status;
}

const availableStatus = (adapter: AdapterDescription): BackendStatus => ({
  id: "webgpu",
  available: true,
  reason: `${adapter.software ? "software adapter" : "GPU"}: ${adapterName(adapter)}`,
  details: { ...adapter },
});

async function findAdapter(command: ProbeCommand): Promise<BackendStatus> {
  const { output, errors, ending, clean } = await runProbe(command);
  const report = parseReport(output);
  // A driver that answers and then crashes as it is unloaded would do the same to the host.
  if (report?.ok && clean) return availableStatus(report.adapter);
  if (report && !report.ok) return unavailable(report.reason);
  // Dawn and drivers write why they gave up to stderr; the last line that says something is the nearest cause.
  const said = errors.trim().split("\n").at(-1)?.trim();
  return unavailable(`the GPU driver's probe ${ending}${said ? `: ${said.slice(0, 300)}` : ""}`);
}

function parseReport(output: string): ProbeReport | undefined {
  for (const line of output.split("\n").reverse()) {
    if (!line.startsWith('{"ok":')) continue;
    try {
      return JSON.parse(line) as ProbeReport;
    } catch {
      return undefined;
    }
  }
  return undefined;
}

interface ProbeOutcome {
  readonly output: string;
  readonly errors: string;
  /** How the process ended, in words. */
  readonly ending: string;
  readonly clean: boolean;
}

function runProbe({ file, args, timeoutMs }: ProbeCommand): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    let output = "";
    let errors = "";
    let late = false;
    const child = processes!.spawn(file, args, { stdio: ["ignore", "pipe", "pipe"] });
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, timeoutMs);
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      errors = (errors + text).slice(-4096);
    });
    child.on("error", (error) => {
      clearTimeout(timer);
      resolve({ output, errors, ending: `could not start (${error.message})`, clean: false });
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const ending = late
        ? `did not end within ${timeoutMs} ms`
        : signal
          ? `crashed with ${signal}`
          : `ended with exit code ${code}`;
      resolve({ output, errors, ending, clean: code === 0 });
    });
  });
}
