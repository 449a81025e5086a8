import { createEvmExecutor } from "../../src/executor/evm/index.ts";
import { gradeStateCase, readStateCases, runStateCase } from "./state-test.ts";

const ex = createEvmExecutor({ transactionsOnly: true });
const fork: Record<string, [number, number]> = {};
const fails: Record<string, number> = {};
let n = 0;
const t0 = performance.now();
for (const c of readStateCases(process.argv[2])) {
  if (process.argv[3] && !c.name.includes(process.argv[3])) continue;
  let why: string | undefined;
  const t = performance.now();
  try {
    why = gradeStateCase(c, await runStateCase(ex, c));
  } catch (e) {
    why = `THROW ${(e as Error).message.slice(0, 100)}`;
  }
  const d = performance.now() - t;
  if (d > 1500) console.log("slow", d | 0, c.name.slice(0, 150));
  n++;
  fork[c.forkName] ??= [0, 0];
  fork[c.forkName][why ? 1 : 0]++;
  if (why) {
    const k = c.name.split(" ")[0] + " :: " + why.replace(/\d{3,}/g, "N").slice(0, 90);
    fails[k] = (fails[k] ?? 0) + 1;
    if (process.argv[4] && n) console.log(c.name, why);
  }
}
console.log(n, fork, ((performance.now() - t0) / 1000).toFixed(1) + "s");
const F = Object.entries(fails).sort((a, b) => b[1] - a[1]);
console.log(F.length);
for (const [k, v] of F.slice(0, 60)) console.log(v, k);
process.exit(0);
