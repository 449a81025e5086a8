/**
 * Sequences that the EVM runs as one (assembly/evm/fusion.ts) against `@ethereumjs/vm`, which runs them step by step: what they leave,
 * at every height of the stack that matters, with every gas around what they cost, and cut short by the code's end.
 *
 * @module
 */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { createEvmExecutor } from "../../../src/executor/evm/index.ts";
import type { ExecutableBlock, Fork } from "../../../src/executor/index.ts";
import { createOracleExecutor } from "../../../src/executor/oracle/index.ts";
import { createMemoryState } from "../../../src/state/memory.ts";
import { createAccounts } from "../../../src/workloads/accounts.ts";
import { createChainState } from "../../../src/workloads/chain-state.ts";
import { createSigner } from "../../../src/workloads/signer.ts";
import { createTransactionSigner } from "../../../src/workloads/transactions.ts";
import { assertSameOutcome } from "./compare.ts";

/** Stands for the two bytes of the destination behind the sequence. */
const T = -1;
const PUSH20 = [0x73, 0xff, 0, 0x5b, ...new Array(16).fill(0xf0), 0x56];

const SEQUENCES: Readonly<Record<string, readonly number[]>> = {
  PUSH2_JUMP: [0x61, T, 0x56],
  PUSH2_JUMPI: [0x61, T, 0x57],
  ISZERO_JUMPI: [0x15, 0x61, T, 0x57],
  EQ_JUMPI: [0x14, 0x61, T, 0x57],
  LT_JUMPI: [0x10, 0x61, T, 0x57],
  GT_JUMPI: [0x11, 0x61, T, 0x57],
  NOT_EQ_JUMPI: [0x14, 0x15, 0x61, T, 0x57],
  NOT_LT_JUMPI: [0x10, 0x15, 0x61, T, 0x57],
  NOT_GT_JUMPI: [0x11, 0x15, 0x61, T, 0x57],
  NOT_SLT_JUMPI: [0x12, 0x15, 0x61, T, 0x57],
  SELECTOR_EQ_JUMPI: [0x80, 0x63, 0, 0, 0, 3, 0x14, 0x61, T, 0x57],
  SELECTOR_GT_JUMPI: [0x80, 0x63, 0x10, 0, 0, 0, 0x11, 0x61, T, 0x57],
  DUP1_ISZERO_JUMPI: [0x80, 0x15, 0x61, T, 0x57],
  NO_VALUE_JUMPI: [0x34, 0x80, 0x15, 0x61, T, 0x57],
  "PUSH2_JUMP to nowhere": [0x61, 0, 1, 0x56],
  "PUSH2_JUMPI to nowhere": [0x61, 0xff, 0xff, 0x57],
  "ISZERO_JUMPI to nowhere": [0x15, 0x61, 0, 0, 0x57],
  POP2: [0x50, 0x50],
  POP3: [0x50, 0x50, 0x50],
  POP4: [0x50, 0x50, 0x50, 0x50],
  POP_JUMP: [0x50, 0x56],
  POP2_JUMP: [0x50, 0x50, 0x56],
  POP3_JUMP: [0x50, 0x50, 0x50, 0x56],
  "POP4 POP_JUMP": [0x50, 0x50, 0x50, 0x50, 0x50, 0x56],
  JUMP: [0x56],
  JUMPI: [0x57],
  SWAP1_POP: [0x90, 0x50],
  SWAP2_POP: [0x91, 0x50],
  SWAP3_POP: [0x92, 0x50],
  SWAP1_JUMP: [0x90, 0x56],
  RETURN_ONE: [0x92, 0x91, 0x50, 0x50],
  RETURN_ONE_JUMP: [0x92, 0x91, 0x50, 0x50, 0x56],
  "DUP1 DUP1": [0x80, 0x80],
  "DUP2 DUP4": [0x81, 0x83],
  "DUP5 DUP1": [0x84, 0x80],
  "DUP1 DUP5": [0x80, 0x84],
  "DUP16 DUP16": [0x8f, 0x8f],
  "SWAP1 SWAP1": [0x90, 0x90],
  "SWAP4 SWAP2": [0x93, 0x91],
  "SWAP2 SWAP5": [0x91, 0x94],
  "SWAP16 SWAP16": [0x9f, 0x9f],
  "DUP1 ADD": [0x80, 0x01],
  "DUP4 ADD": [0x83, 0x01],
  "DUP1 AND": [0x80, 0x16],
  "DUP3 AND": [0x82, 0x16],
  "PUSH20 DUP1 AND": [...PUSH20, 0x80, 0x16],
  "PUSH20 DUP2 AND": [...PUSH20, 0x81, 0x16],
  "PUSH20 DUP6 AND": [...PUSH20, 0x85, 0x16],
  PUSH1_MLOAD: [0x60, 0x21, 0x51],
  PUSH1_ADD: [0x60, 0xff, 0x01],
  PUSH1_PUSH1: [0x60, 0x5b, 0x60, 0xb0],
  PUSH_MASK: [0x60, 1, 0x60, 1, 0x60, 0xa0, 0x1b, 0x03],
  "PUSH_MASK of 0": [0x60, 0, 0x60, 0xff, 0x60, 0xff, 0x1b, 0x03],
  MSTORE_PUSH1: [0x52, 0x60, 0x80],
  DUP2_MSTORE: [0x81, 0x52],
  SWAP1_DUP2_MSTORE: [0x90, 0x81, 0x52],
  MSTORE_AT_0: [0x5f, 0x90, 0x81, 0x52],
  MSTORE_AT: [0x60, 0x47, 0x81, 0x90, 0x52],
  PUSH1_SWAP1_KECCAK: [0x60, 0x40, 0x90, 0x20],
  "PUSH1_SWAP1_KECCAK of nothing": [0x60, 0, 0x90, 0x20],
  "PUSH2 DUP1": [0x61, 0x12, 0x34, 0x80],
  "PUSH2 DUP2": [0x61, 0x12, 0x34, 0x81],
  "PUSH2 DUP6": [0x61, 0x12, 0x34, 0x85],
  LENGTH_BELOW: [0x80, 0x91, 0x03, 0x90],
  CHECKED_MUL: [0x80, 0x82, 2, 0x81, 0x15, 0x82, 0x82, 4, 0x84, 0x14, 0x17, 0x61, T, 0x57],
  CHECKED_ADD: [0x80, 0x82, 1, 0x80, 0x82, 0x11, 0x15, 0x61, T, 0x57],
  CHECKED_SUB: [0x81, 0x81, 3, 0x81, 0x81, 0x11, 0x15, 0x61, T, 0x57],
  "DUP2 DUP2 SUB": [0x81, 0x81, 3],
  "DUP3 DUP1 SUB": [0x82, 0x80, 3],
  "DUP1 DUP5 SUB": [0x80, 0x84, 3],
  "PUSH1 DUP1 ADD": [0x60, 0xff, 0x80, 1],
  "PUSH1 DUP2 ADD": [0x60, 0xff, 0x81, 1],
  "PUSH1 DUP6 ADD": [0x60, 0xff, 0x85, 1],
  PUSH20_AND: [...PUSH20, 0x16],
  PUSH0_PUSH0: [0x5f, 0x5f],
  LOAD_SELECTOR: [0x5f, 0x35, 0x60, 0xe0, 0x1c],
  LOAD_SELECTOR_PUSH1: [0x60, 0, 0x35, 0x60, 0xe0, 0x1c],
  "SHORT_INPUT_JUMPI, not short": [0x60, 4, 0x36, 0x10, 0x61, T, 0x57],
  "SHORT_INPUT_JUMPI, short": [0x60, 7, 0x36, 0x10, 0x61, T, 0x57],
  PUSH3: [0x62, 0x5b, 1, 2],
  PUSH31: [0x7e, ...new Array(31).fill(0x9b)],
  "bytes of fused opcodes": [0xb0],
  "the last of them": [0xe4],
  "one behind them": [0xe5],
};

/** What the stack is filled with: all words alike, or three that take turns; the destination among them. */
type Fill = "destination" | "zero" | "mixed";
const HUGE = [0x7f, ...new Array(32).fill(0xff)];

/** Pushes `height` words, then runs the sequence, then stores the top eight words if asked to. */
function contract(
  sequence: readonly number[],
  height: number,
  fill: Fill,
  stores: boolean,
): Uint8Array {
  const build = (target: number): { code: number[]; landing: number } => {
    const to = [target >> 8, target & 255];
    const words = {
      destination: [[0x61, ...to]],
      zero: [[0x60, 0]],
      mixed: [[0x60, 3], HUGE, [0x60, 0], [0x61, ...to], [0x60, 3]],
    }[fill];
    const code: number[] = [];
    for (let i = 0; i < height; i++) code.push(...words[i % words.length]);
    code.push(0x5b); // keeps the last push out of the sequence
    code.push(...sequence.flatMap((byte) => (byte === T ? to : [byte])));
    if (stores) code.push(0x60, 9, 0x60, 99, 0x55); // only where no jump was taken
    const landing = code.length;
    code.push(0x5b);
    for (let slot = 0; stores && slot < 8; slot++) code.push(0x60, slot, 0x55);
    if (stores) code.push(0x59, 0x60, 0x50, 0x55);
    return { code, landing };
  };
  return Uint8Array.from(build(build(0).landing).code);
}

/** Call data; each contract gets some of it. */
const INPUT = Uint8Array.of(0xa9, 0x05, 0x9c, 0xbb, 0x01, 0x02);
const [sender] = createAccounts("fusion", 1);
const signer = createTransactionSigner(createSigner({ seed: "fusion" }));

interface Call {
  readonly code: Uint8Array;
  readonly gasLimit: number;
  readonly inputBytes: number;
}

/** A block that calls each code once. */
function blockOf(fork: Fork, calls: readonly Call[]) {
  const state = createChainState();
  state.fund(sender.address, 10n ** 24n);
  const transactions = calls.map(({ code, gasLimit, inputBytes }, nonce) => {
    const to = new Uint8Array(20).fill(0xc0);
    new DataView(to.buffer).setUint32(0, nonce);
    state.setCode(to, code);
    return signer.sign(
      {
        type: 0,
        nonce,
        gasLimit,
        gasPrice: 1500,
        to,
        value: 0,
        data: INPUT.subarray(0, inputBytes),
      },
      sender,
    );
  });
  const senders = new Uint8Array(20 * calls.length);
  for (let i = 0; i < calls.length; i++) senders.set(sender.address, 20 * i);
  const block: ExecutableBlock = {
    environment: {
      fork,
      chainId: 1n,
      number: 270n,
      timestamp: 1_000_000n,
      gasLimit: 10_000_000_000n,
      coinbase: new Uint8Array(20).fill(0xcb),
      difficulty: 0n,
      prevRandao: new Uint8Array(32).fill(0x42),
      ...(fork === "prague"
        ? { baseFeePerGas: 1000n, excessBlobGas: 0n, parentBeaconBlockRoot: new Uint8Array(32) }
        : {}),
      parentHash: new Uint8Array(32).fill(1),
    },
    transactions,
    senders,
    authorities: new Uint8Array(0),
    withdrawals: [],
    ommers: [],
  };
  return { block, state: createMemoryState(state.snapshot()) };
}

const HEIGHTS = [0, 1, 2, 3, 4, 5, 6, 17, 1020, 1021, 1022, 1023, 1024];
/** The one at which every gas is tried. */
const SWEPT = 17;
const FILLS: readonly Fill[] = ["destination", "zero", "mixed"];
const PLENTY = 400_000;

describe("fused sequences, EVM against the oracle", () => {
  // With every opcode that sequences have, and without SHL and PUSH0.
  for (const fork of ["prague", "byzantium"] as const) {
    const subject = createEvmExecutor();
    const oracle = createOracleExecutor();
    after(() => Promise.all([subject.close(), oracle.close()]));
    const run = async (calls: readonly Call[], label: string) => {
      const { block, state } = blockOf(fork, calls);
      const execution = await assertSameOutcome(subject, oracle, block, state, label);
      assert.ok(execution.ok);
      return execution.result.receipts;
    };
    for (const [name, sequence] of Object.entries(SEQUENCES)) {
      it(`${fork}: ${name}`, async () => {
        const calls: Call[] = [];
        for (const fill of FILLS) {
          for (const height of HEIGHTS) {
            const code = contract(sequence, height, fill, false);
            const inputBytes = height === SWEPT ? 0 : calls.length % 7;
            calls.push({ code, gasLimit: PLENTY, inputBytes });
          }
          for (const height of [18, 19, 20]) {
            const code = contract(sequence, height, fill, true);
            calls.push({ code, gasLimit: PLENTY, inputBytes: calls.length % 7 });
          }
        }
        // The code's end inside the sequence.
        const whole = contract(sequence, 20, "mixed", false);
        for (let cut = 1; cut <= sequence.length + 2 && cut < whole.length; cut++) {
          calls.push({ code: whole.subarray(0, -cut), gasLimit: PLENTY, inputBytes: 0 });
        }
        const receipts = await run(calls, name);
        // Every gas around what was needed.
        const tight: Call[] = [];
        for (const fill of FILLS) {
          const at = calls.findIndex(
            ({ code }) => Buffer.compare(code, contract(sequence, SWEPT, fill, false)) === 0,
          );
          const used = Number(receipts[at].gasUsed);
          for (let gasLimit = used - 50; receipts[at].status && gasLimit <= used + 1; gasLimit++) {
            if (gasLimit >= 21_000) tight.push({ ...calls[at], gasLimit });
          }
        }
        if (tight.length > 0) await run(tight, `${name}, gas`);
      });
    }
  }
});
