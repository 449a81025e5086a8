/** A chain of which every block's changes follow from its number alone, so that any process can go on with it. @module */
import { keccak_256 } from "@noble/hashes/sha3.js";
import { EMPTY_CODE_HASH } from "../../src/state/memory.ts";
import type { AccountChange, StateDiff } from "../../src/state/source.ts";
import { bytesOf, createRandom, hexOf } from "./random.ts";

export { hexOf };

/** The block of this number. Account 0 records the number itself. */
export function blockOfChain(seed: number, number: bigint): { hash: Uint8Array; diff: StateDiff } {
  const random = createRandom(seed * 1_000_003 + Number(number));
  const diff = new Map<string, AccountChange>();
  const word = (value: bigint) => `0x${value.toString(16).padStart(64, "0")}`;
  const address = (index: number) => `0x${index.toString(16).padStart(40, "0")}`;
  for (let left = 40; left > 0; left--) {
    const name = address(1 + random(300));
    if (random(20) === 0) {
      diff.set(name, { account: undefined, storageCleared: true, storage: new Map() });
      continue;
    }
    const storage = new Map<string, Uint8Array>();
    for (let writes = random(8); writes > 0; writes--) {
      storage.set(word(BigInt(random(50))), bytesOf(word(BigInt(random(3) * random(1 << 20)))));
    }
    const account = { nonce: number, balance: BigInt(random(1 << 30)), codeHash: EMPTY_CODE_HASH };
    diff.set(name, { account, storageCleared: random(15) === 0, storage });
  }
  const account = { nonce: number, balance: number, codeHash: EMPTY_CODE_HASH };
  diff.set(address(0), { account, storageCleared: false, storage: new Map() });
  return { hash: keccak_256(Buffer.from(`${seed}/${number}`)), diff };
}
