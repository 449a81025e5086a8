/**
 * How many transactions a second does the serial EVM execute? One block of a workload on one thread, by phase: inputs copied and decoded;
 * executed with validity, fees, receipts and blooms (in WebAssembly; every account and slot is read once from a state in JavaScript
 * maps); receipts and state changes made into objects. CPU time counts, since other work may share the machine.
 *
 * Usage: `node dist/bench/executor-serial.js [transactions] [workload…]`
 *
 * @module
 */
import { loadAsset } from "../src/backends/assets.ts";
import { createEvmExecutor } from "../src/executor/evm/index.ts";
import { prepare, setEnvironment } from "../src/executor/evm/inputs.ts";
import { Machine } from "../src/executor/evm/machine.ts";
import { readReceipts, readStateDiff } from "../src/executor/evm/outcome.ts";
import { createPrecompiles } from "../src/executor/evm/precompiles.ts";
import { createMemoryState } from "../src/state/memory.ts";
import type { StateSource } from "../src/state/source.ts";
import { generateWorkload } from "../src/workloads/workload.ts";

const RUNS = 25;
const count = Number(process.argv[2] ?? 10_000);
const names = process.argv.length > 3 ? process.argv.slice(3) : ["erc20-independent", "erc20-zipf"];

/** The same source, answers remembered by position: what is left is the cost of executing, not of looking state up. */
function replaying(source: StateSource): StateSource {
  const answers: unknown[] = [];
  let next = -1;
  const remember = <T>(read: () => T): T => {
    if (next < 0) {
      const answer = read();
      answers.push(answer);
      return answer;
    }
    return answers[next++] as T;
  };
  return {
    account: (address) => remember(() => source.account(address)),
    storage: (address, slot) => remember(() => source.storage(address, slot)),
    code: (hash) => source.code(hash),
    blockHash: (number) => source.blockHash(number),
    hasStorage() {
      next = 0;
      return false;
    },
  };
}

const module = await WebAssembly.compile(await loadAsset("kernels/evm.wasm"));
for (const name of names) {
  const executor = createEvmExecutor();
  const workload = await generateWorkload({
    name,
    transactions: count,
    transactionsPerBlock: count,
    executor,
  });
  await executor.close();
  const [block] = workload.blocks;
  const machine = new Machine(module);
  const { evm } = machine;
  const runPrecompile = createPrecompiles(block.environment.fork);
  const least: Record<string, number> = {};
  const timed = <T>(phase: string, work: () => T): T => {
    const before = process.cpuUsage();
    const result = work();
    const used = process.cpuUsage(before);
    const ms = (used.user + used.system) / 1000;
    least[phase] = Math.min(least[phase] ?? Number.POSITIVE_INFINITY, ms);
    return result;
  };
  const state = createMemoryState(workload.state);
  const replay = replaying(state);
  const run = (phase: string, source: StateSource): void => {
    const records = timed("inputs", () => {
      setEnvironment(machine, block);
      return prepare(machine, block);
    });
    const results = evm.allocate(count * evm.resultBytes());
    const context = { state: source, runPrecompile };
    const ran = timed(phase, () =>
      machine.within(context, () => evm.execute(records, results, count)),
    );
    if (ran !== count) throw new Error(`transaction ${ran}: rejected (${evm.rejection.value})`);
    const receipts = timed("receipts", () => readReceipts(machine, results, count));
    timed("changes", () => machine.within(context, () => readStateDiff(machine)));
    if (!receipts.every((receipt) => receipt.status)) throw new Error("a transaction failed");
  };
  run("executed, state recorded", replay);
  for (let i = 0; i < RUNS; i++) {
    replay.hasStorage?.(new Uint8Array(20));
    run("executed, state replayed", replay);
    run("executed, state in maps", state);
  }
  console.log(`${name}, ${count} transactions, least of ${RUNS} runs:`);
  for (const [phase, ms] of Object.entries(least)) {
    const each = ((ms * 1000) / count).toFixed(2);
    console.log(
      `  ${phase.padEnd(28)} ${ms.toFixed(1).padStart(8)} ms ${each.padStart(8)} µs each`,
    );
  }
}
