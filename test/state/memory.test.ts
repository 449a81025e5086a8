import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  createMemoryState,
  createMutableState,
  EMPTY_CODE_HASH,
  readMemoryState,
} from "../../src/state/memory.ts";

const A = `0x${"aa".repeat(20)}`;
const B = `0x${"bb".repeat(20)}`;
const bytes = (hex: string): Uint8Array => Buffer.from(hex.slice(2), "hex");
const slot = (n: number): Uint8Array => bytes(`0x${n.toString(16).padStart(64, "0")}`);
const missing = (what: RegExp) => ({ code: "ERR_STATE_MISSING", message: what });

describe("readMemoryState", () => {
  it("reads accounts by address, partial unless inside alloc", () => {
    const json = { [A]: { balance: "0x10", nonce: 3, storage: { "0x1": "0x2" } }, [B]: null };
    const partial = createMemoryState(readMemoryState(json));
    assert.deepEqual(partial.account(bytes(A))?.balance, 16n);
    assert.equal(partial.account(bytes(B)), undefined, "null: known not to exist");
    assert.equal(partial.storage(bytes(A), slot(1))[31], 2);
    assert.throws(() => partial.storage(bytes(A), slot(2)), missing(/^storage 0x0+2 of/));
    assert.throws(() => partial.account(new Uint8Array(20)), missing(/^account 0x0+/));
    const complete = createMemoryState(readMemoryState({ alloc: json }));
    assert.equal(complete.account(new Uint8Array(20)), undefined);
    assert.deepEqual(complete.storage(bytes(A), slot(2)), new Uint8Array(32));
    assert.throws(() => complete.blockHash(1n), missing(/block 1/));
  });

  it("reads recorded states, and invents no account but a contract called unread", () => {
    const state = createMemoryState(
      readMemoryState({
        accounts: { [A]: { nonce: "0x1", balance: "0x0" } },
        code: { [A]: "0x6000", [B]: "0x", [`0x${"cc".repeat(20)}`]: "0x6001" },
        storage: { [A]: { "0x00": "0x" } },
      }),
    );
    assert.deepEqual(
      state.code(state.account(bytes(A))?.codeHash ?? EMPTY_CODE_HASH),
      Uint8Array.of(0x60, 0),
    );
    assert.deepEqual(state.storage(bytes(A), slot(0)), new Uint8Array(32));
    assert.throws(() => state.account(bytes(B)), missing(/account/));
    assert.equal(state.account(bytes(`0x${"cc".repeat(20)}`))?.nonce, 1n);
  });

  it("names what is malformed", () => {
    const cases: [unknown, RegExp][] = [
      [null, /state: expected an object/],
      [[], /state: expected an object/],
      [{ zz: {} }, /expected a 20-byte address, got zz/],
      [{ [A]: 5 }, /\.0xa+: expected an object/],
      [{ [A]: { balance: "1e9" } }, /balance: expected a quantity/],
      [{ [A]: { balance: -1 } }, /balance: expected a quantity/],
      [{ [A]: { balance: `0x1${"0".repeat(64)}` } }, /balance: expected a quantity/],
      [{ [A]: { nonce: {} } }, /nonce: expected a quantity/],
      [{ [A]: { code: "0x6" } }, /code: expected 0x-prefixed hex/],
      [
        { [A]: { code: "0x60", code_hash: `0x${"00".repeat(32)}` } },
        /code: expected code with hash/,
      ],
      [{ [A]: { storage: { x: "0x1" } } }, /storage slot: expected a quantity/],
    ];
    for (const [json, message] of cases) {
      assert.throws(() => readMemoryState(json), { code: "ERR_INPUT", message });
    }
  });
});

describe("createMutableState", () => {
  it("takes changes without touching what it was made of", () => {
    const data = readMemoryState({ alloc: { [A]: { balance: "0x1", storage: { "0x1": "0x5" } } } });
    const state = createMutableState(data);
    const account = { nonce: 1n, balance: 9n, codeHash: EMPTY_CODE_HASH };
    const key = `0x${"0".repeat(63)}1`;
    state.apply(
      new Map([
        [A, { account, storageCleared: false, storage: new Map([[key, new Uint8Array(32)]]) }],
        [B, { account, storageCleared: true, storage: new Map([[key, slot(7)]]) }],
      ]),
    );
    state.setBlockHash(4n, slot(4));
    assert.equal(state.source.account(bytes(A))?.balance, 9n);
    assert.deepEqual(state.source.storage(bytes(A), slot(1)), new Uint8Array(32));
    assert.deepEqual(state.source.storage(bytes(B), slot(1)), slot(7));
    assert.deepEqual(state.source.blockHash(4n), slot(4));
    assert.equal(data.accounts.get(A)?.balance, 1n);
    assert.equal(data.accounts.get(A)?.storage.get(key)?.[31], 5);
    state.apply(new Map([[B, { account: undefined, storageCleared: true, storage: new Map() }]]));
    assert.equal(state.source.account(bytes(B)), undefined);
    state.apply(new Map([[B, { account, storageCleared: false, storage: new Map() }]]));
    assert.deepEqual(
      state.source.storage(bytes(B), slot(1)),
      new Uint8Array(32),
      "nothing came back",
    );
  });
});
