// Keccak-f[1600] in WGSL = noble's permutation, on random and boundary states.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { keccakP } from "@noble/hashes/sha3.js";
import { createRandom } from "../../../src/workloads/random.ts";
import { needsAdapter } from "../../webgpu/adapter.ts";
import { type Gpu, openGpuForRungs } from "./gpu.ts";

describe("keccak-f1600 on the GPU", needsAdapter, () => {
  let gpu: Gpu;
  before(async () => {
    gpu = await openGpuForRungs();
  });
  after(() => gpu?.close());

  it("equals noble's permutation", async () => {
    const random = createRandom(19);
    const states = Array.from({ length: 300 }, (_, i) =>
      Uint32Array.from({ length: 50 }, (_, word) => {
        if (i === 0) return 0;
        if (i === 1) return 0xffffffff;
        if (i < 52) return i - 2 === word ? 0x80000001 : 0;
        return random.below(2 ** 32);
      }),
    );
    const input = new Uint32Array(states.length * 50);
    states.forEach((state, i) => {
      input.set(state, i * 50);
    });
    const output = await gpu.run("rungs/keccak-f1600", "main", input, states.length, input.length);
    for (const [i, state] of states.entries()) {
      keccakP(state);
      assert.deepEqual(output.subarray(i * 50, i * 50 + 50), state, `state ${i}`);
    }
  });
});
