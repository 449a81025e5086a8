/** The one block whose state changes are in no transaction: refused, so that nobody takes a wrong state for its. @module */
import assert from "node:assert/strict";
import { it } from "node:test";
import { createExecutor } from "../../src/executor/index.ts";
import { createMemoryState } from "../../src/state/memory.ts";
import { blockOf } from "./evm/removals.ts";

for (const id of ["oracle", "evm-serial", "evm"] as const) {
  it(`${id} refuses main net's block of the DAO fork, and no other chain's`, async () => {
    const { state, block } = blockOf("homestead", []);
    const source = createMemoryState(state);
    const environment = { ...block.environment, number: 1_920_000n };
    const executor = createExecutor(id);
    await assert.rejects(executor.execute({ ...block, environment }, source), {
      code: "ERR_UNSUPPORTED",
      message: "block 1920000: the DAO fork is not executed",
    });
    const elsewhere = { ...environment, chainId: 61n };
    const execution = await executor.execute({ ...block, environment: elsewhere }, source);
    assert.ok(execution.ok);
    await executor.close();
  });
}
