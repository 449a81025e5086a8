/**
 * `lanewise doctor`: what each back end found on this machine, whether it computes known answers, and how long a GPU's driver takes
 * to compile the shaders.
 *
 * @module
 */
import { availableParallelism } from "node:os";
import type { CAC } from "cac";
import { algorithms } from "../algorithms/index.ts";
import { backends, createWebgpuBackend } from "../backends/index.ts";
import { BACKEND_CHOICES } from "../backends/select.ts";
import type { BackendId, BackendStatus } from "../core/index.ts";
import { type CompileTime, compileTimes } from "../report/compile-times.ts";
import { duration, printable, type Style, styleFor, table } from "../report/table.ts";
import { writeResult } from "./result-file.ts";
import { selfTest } from "./self-test.ts";
import { backendOption, EXIT, integerOption } from "./usage.ts";

/** One back end's row. */
interface Finding extends BackendStatus {
  /** Whether `auto` takes it. */
  readonly chosen: boolean;
  /** `passed`, why it failed, or why it did not run. */
  readonly selfTest: string;
  /** Of back ends whose kernels a driver compiles. */
  readonly compile?: readonly CompileTime[];
}

/** Adds the command. */
export function registerDoctorCommand(cli: CAC): void {
  cli
    .command("doctor", "Probe every back end and test it with known answers")
    .option("--backend <id>", "Fail where this one cannot run (default: auto)")
    .option("--compile-timeout <s>", "Longest to compile one algorithm's shaders (default: 120)")
    .option("--out <file>", "Write the findings so far to this JSON file after every step")
    .option("--json", "One JSON object instead of the table")
    .action(doctor);
}

/**
 * The WebGPU column: compile times first, on a back end that has compiled nothing yet.
 *
 * @param onFinding given what is known after each step: a driver may hang.
 */
async function examineWebgpu(
  compileTimeoutMs: number,
  onFinding: (finding: Omit<Finding, "chosen">) => void,
): Promise<Omit<Finding, "chosen">> {
  const open = () => createWebgpuBackend({ allowSoftwareAdapter: true, compileTimeoutMs });
  const [first, second] = [open(), open()];
  try {
    const status = await first.probe();
    if (!status.available) return { ...status, selfTest: "not run" };
    const hasCache = status.details.software !== true;
    const onTimes = (compile: readonly CompileTime[]): void =>
      onFinding({ ...status, selfTest: "not run yet", compile });
    onTimes([]);
    const compile = await compileTimes(first, hasCache ? second : undefined, algorithms, onTimes);
    return { ...status, selfTest: await selfTest(first, algorithms), compile };
  } finally {
    await first.close();
    await second.close();
  }
}

async function examine(id: BackendId): Promise<Omit<Finding, "chosen">> {
  const backend = backends[id]?.({ allowSoftwareAdapter: true });
  if (backend === undefined) {
    const status = { id, available: false, reason: "not part of this build", details: {} };
    return { ...status, selfTest: "not run" };
  }
  try {
    const status = await backend.probe();
    if (!status.available) return { ...status, selfTest: "not run" };
    return { ...status, selfTest: await selfTest(backend, algorithms) };
  } finally {
    await backend.close();
  }
}

async function doctor(options: {
  readonly json?: unknown;
  readonly backend?: unknown;
  readonly compileTimeout?: unknown;
  readonly out?: unknown;
}): Promise<void> {
  const wanted = backendOption(options.backend);
  const compileTimeout = integerOption("--compile-timeout", options.compileTimeout) ?? 120n;
  const found: Omit<Finding, "chosen">[] = [];
  for (const id of BACKEND_CHOICES) {
    if (id === "webgpu") {
      found.push(
        await examineWebgpu(Number(compileTimeout) * 1000, (finding) => {
          if (options.out !== undefined) {
            writeResult(String(options.out), { backends: [...found, finding] });
          }
        }),
      );
    } else if (id !== "auto") found.push(await examine(id));
  }
  const works = (finding: Omit<Finding, "chosen">): boolean =>
    finding.available && finding.selfTest === "passed";
  // A software adapter works and is still passed over by `auto`.
  const best = found.find((finding) => works(finding) && finding.details.software !== true);
  const findings = found.map((finding) => ({ ...finding, chosen: finding === best }));
  const ok =
    wanted === "auto"
      ? best !== undefined
      : findings.some((finding) => finding.id === wanted && works(finding));
  const machine = {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cores: availableParallelism(),
  };
  process.exitCode = ok ? EXIT.ok : EXIT.operation;
  const result = { ok, machine, backends: findings };
  if (options.out !== undefined) writeResult(String(options.out), { ...result, complete: true });
  const text = options.json
    ? JSON.stringify(result)
    : doctorTable(machine, findings, styleFor(process.stdout));
  process.stdout.write(`${text}\n`);
}

function compileText({ coldMs, warmMs, failure }: CompileTime): string {
  if (failure !== undefined) return printable(failure);
  const warm = warmMs === undefined ? "" : `, again in ${duration(warmMs)}`;
  return `${duration(coldMs)}${warm}`;
}

function doctorTable(
  machine: { readonly node: string; readonly platform: string; readonly cores: number },
  findings: readonly Finding[],
  style: Style,
): string {
  const rows = findings.map((finding) => [
    `${finding.chosen ? style.bold("→") : " "} ${finding.id}`,
    finding.available ? style.green("available") : style.yellow("unavailable"),
    finding.selfTest === "passed" ? style.green("passed") : printable(finding.selfTest),
    printable(finding.reason),
  ]);
  const lines = [
    `Node ${machine.node} on ${machine.platform}, ${machine.cores} cores`,
    "",
    table(
      [{ title: "  back end" }, { title: "status" }, { title: "self-test" }, { title: "reason" }],
      rows,
      style,
    ),
  ];
  for (const { id, details, compile = [] } of findings) {
    const facts = Object.entries(details);
    if (facts.length === 0) continue;
    lines.push("", style.bold(id));
    for (const [name, value] of facts) lines.push(`  ${name}: ${printable(String(value))}`);
    for (const time of compile) lines.push(`  compile ${time.algorithm}: ${compileText(time)}`);
  }
  return lines.join("\n");
}
