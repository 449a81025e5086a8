/** A state in shared memory answers as one in maps does, while both take the same changes; directly, and opened again. @module */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { hexOf } from "../../src/state/hex.ts";
import {
  createMutableState,
  EMPTY_CODE_HASH,
  type MemoryAccount,
  type MutableState,
} from "../../src/state/memory.ts";
import { createSharedState, openSharedState } from "../../src/state/shared-state.ts";
import type { AccountChange, StateSource } from "../../src/state/source.ts";
import { seededRandom } from "../support/random.ts";

const random = seededRandom(11);
const addresses = Array.from({ length: 700 }, () => random.bytes(20));
const slots = Array.from({ length: 40 }, () => random.bytes(32));
const nonZero = (): Uint8Array => {
  const word = random.bytes(32);
  word[0] |= 1;
  return word;
};
const storage = (count: number): Map<string, Uint8Array> =>
  new Map(Array.from({ length: count }, () => [hexOf(slots[random.below(40)]), nonZero()]));
const account = (): MemoryAccount => ({
  nonce: BigInt(random.below(1 << 30)) * 2n ** 33n,
  balance: BigInt(hexOf(random.bytes(32))),
  codeHash: random.below(2) ? EMPTY_CODE_HASH : random.bytes(32),
  storage: storage(random.below(6)),
});

/** What a source says, or why it does not. */
function answer<T>(read: () => T): unknown {
  try {
    return read();
  } catch (error) {
    return (error as Error).message;
  }
}

function assertSame(subject: StateSource, oracle: StateSource): void {
  const opened = openSharedState(subject.share!());
  const words = new Uint32Array(64);
  const bytes = new Uint8Array(words.buffer);
  for (const address of addresses) {
    const expected = answer(() => {
      const account = oracle.account(address);
      if (account === undefined) return undefined;
      const { nonce, balance, codeHash } = account;
      return { nonce, balance, codeHash };
    });
    assert.deepEqual(
      answer(() => subject.account(address)),
      expected,
    );
    bytes.set(address, 8);
    assert.equal(
      answer(() => opened.readAccount(words, 2, 20)),
      typeof expected === "string" ? expected : expected !== undefined,
    );
    for (const slot of slots.slice(0, 6)) {
      const word = answer(() => oracle.storage(address, slot));
      assert.deepEqual(
        answer(() => subject.storage(address, slot)),
        word,
      );
      bytes.set(slot, 40);
      const got = answer(() => {
        opened.readStorage(words, 2, 10, 20);
        return bytes.slice(80, 112);
      });
      assert.deepEqual(got, word);
    }
  }
}

for (const complete of [true, false]) {
  describe(`shared state, ${complete ? "complete" : "partial"}`, () => {
    const accounts = new Map<string, MemoryAccount | undefined>(
      addresses.slice(0, 100).map((address, i) => [hexOf(address), i % 9 ? account() : undefined]),
    );
    const code = Uint8Array.of(1, 2, 3);
    const data = { complete, accounts, code: new Map([[hexOf(keccak_256(code)), code]]) };
    const both: readonly MutableState[] = [createSharedState(data), createMutableState(data)];
    const [subject, oracle] = both.map(({ source }) => source);

    it("as given", () => assertSame(subject, oracle));

    it("after changes, which outgrow its tables", () => {
      for (let round = 0; round < 8; round++) {
        const diff = new Map<string, AccountChange>();
        for (let i = 0; i < 150; i++) {
          const after = random.below(8) ? account() : undefined;
          const change = {
            account: after,
            storageCleared: random.below(4) === 0,
            storage: after ? storage(random.below(12)) : new Map(),
          };
          diff.set(hexOf(addresses[random.below(addresses.length)]), change);
        }
        for (const state of both) state.apply(diff);
        assertSame(subject, oracle);
      }
    });

    it("code and hashes of blocks", () => {
      assert.deepEqual(subject.code(keccak_256(code)), code);
      assert.throws(() => subject.code(random.bytes(32)), { code: "ERR_STATE_MISSING" });
      for (const state of both) state.setBlockHash(7n, addresses[0]);
      assert.deepEqual(subject.blockHash(7n), addresses[0]);
      assert.throws(() => subject.blockHash(8n), { code: "ERR_STATE_MISSING" });
    });
  });
}
