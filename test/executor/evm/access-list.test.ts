/**
 * Block access lists (EIP-7928) against what the transactions do one by one, each as a block of its own over a state that notes what is
 * read; and as hints, right and wrong ones.
 *
 * @module
 */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { RLP } from "@ethereumjs/rlp";
import { createEvmExecutor } from "../../../src/executor/evm/index.ts";
import {
  type BlockAccessList,
  type ExecutableBlock,
  encodeAccessList,
} from "../../../src/executor/index.ts";
import {
  createMemoryState,
  createMutableState,
  type MemoryStateData,
} from "../../../src/state/memory.ts";
import type { StateSource } from "../../../src/state/source.ts";
import { generateWorkload } from "../../../src/workloads/workload.ts";
import { seededRandom } from "../../support/random.ts";
import { assertSameOutcome } from "./compare.ts";
import { randomBlock } from "./programs.ts";

const slow = process.env.LANEWISE_SLOW === "1";
const hex = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString("hex")}`;

/** A list as plain text; accounts by address. */
interface Plain {
  readonly [address: string]: {
    readonly storage: Record<string, [number, string][]>;
    readonly reads: string[];
    readonly balances: [number, bigint][];
    readonly nonces: [number, bigint][];
    readonly codes: [number, string][];
  };
}

function plain(list: BlockAccessList): Plain {
  const accounts = list.map((account) => [
    hex(account.address),
    {
      storage: Object.fromEntries(
        account.storageChanges.map(({ slot, changes }) => [
          hex(slot),
          changes.map(({ index, value }) => [index, hex(value)]),
        ]),
      ),
      reads: account.storageReads.map(hex),
      balances: account.balanceChanges.map(({ index, value }) => [index, value]),
      nonces: account.nonceChanges.map(({ index, value }) => [index, value]),
      codes: account.codeChanges.map(({ index, value }) => [index, hex(value)]),
    },
  ]);
  return Object.fromEntries(accounts) as Plain;
}

/** The list that running the transactions one by one gives; nothing before them and after them counted. */
async function listOneByOne(
  data: MemoryStateData,
  block: ExecutableBlock,
): Promise<{ readonly list: Plain; readonly born: ReadonlySet<string> }> {
  const serial = createEvmExecutor({ transactionsOnly: true });
  const state = createMutableState(data);
  const list: Record<string, { -readonly [Key in keyof Plain[string]]: Plain[string][Key] }> = {};
  const entry = (address: string) => {
    list[address] ??= { storage: {}, reads: [], balances: [], nonces: [], codes: [] };
    return list[address];
  };
  /** Accounts that did not exist before some transaction: nobody asks for their storage then. */
  const born = new Set<string>();
  const readSlots = new Map<string, Set<string>>();
  let authority = 0;
  for (let i = 0; i < block.transactions.length; i++) {
    const { source } = state;
    const noting: StateSource = {
      account(address) {
        entry(hex(address));
        const account = source.account(address);
        if (account === undefined) born.add(hex(address));
        return account;
      },
      storage(address, slot) {
        const of = readSlots.get(hex(address)) ?? new Set();
        readSlots.set(hex(address), of.add(hex(slot)));
        return source.storage(address, slot);
      },
      code: (hash) => source.code(hash),
      blockHash: (number) => source.blockHash(number),
    };
    const authorisations = authorisationsOf(block.transactions[i]);
    const one = {
      ...block,
      transactions: [block.transactions[i]],
      senders: block.senders.slice(20 * i, 20 * i + 20),
      authorities: block.authorities.slice(20 * authority, 20 * (authority + authorisations)),
    };
    authority += authorisations;
    const execution = await serial.execute(one, noting);
    assert.ok(execution.ok);
    for (const [address, change] of execution.result.stateDiff) {
      const bytes = Uint8Array.from(Buffer.from(address.slice(2), "hex"));
      const before = source.account(bytes);
      const of = entry(address);
      const balance = change.account?.balance ?? 0n;
      if (balance !== (before?.balance ?? 0n)) of.balances.push([i + 1, balance]);
      const nonce = change.account?.nonce ?? 0n;
      if (nonce !== (before?.nonce ?? 0n)) of.nonces.push([i + 1, nonce]);
      if (change.account && hex(change.account.codeHash) !== hex(before?.codeHash ?? EMPTY)) {
        of.codes.push([i + 1, hex(change.code ?? new Uint8Array(0))]);
      }
      for (const [slot, value] of change.storage) {
        of.storage[slot] ??= [];
        of.storage[slot].push([i + 1, hex(value)]);
      }
    }
    state.apply(execution.result.stateDiff);
  }
  for (const [address, slots] of readSlots) {
    const { storage, reads } = entry(address);
    reads.push(...[...slots].filter((slot) => storage[slot] === undefined).sort());
  }
  await serial.close();
  return { list, born };
}

const EMPTY = Uint8Array.from(
  Buffer.from("c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470", "hex"),
);

/** How many authorisations a raw transaction has. */
function authorisationsOf(raw: Uint8Array): number {
  if (raw[0] !== 4) return 0;
  return (RLP.decode(raw.subarray(1)) as unknown as Uint8Array[][])[9].length;
}

describe("block access lists", () => {
  const serial = createEvmExecutor();
  after(() => serial.close());
  for (const workers of [1, 2]) {
    it(`of random blocks are those of running one by one, ${workers} workers`, async () => {
      const subject = createEvmExecutor({ workers, accessList: true, transactionsOnly: true });
      const blocks = slow ? 300 : 40;
      for (let i = 0; i < blocks; i++) {
        const fork = (["cancun", "prague", "osaka"] as const)[i % 3];
        const { state, block } = randomBlock(seededRandom(7_000_000 + i), fork, 2 + (i % 23));
        const execution = await subject.execute(block, createMemoryState(state));
        assert.ok(execution.ok && execution.result.accessList);
        const { list, born } = await listOneByOne(state, block);
        const got = plain(execution.result.accessList);
        for (const address of born) {
          const { reads } = got[address];
          assert.ok(list[address].reads.every((slot) => reads.includes(slot)));
          list[address].reads.splice(0, reads.length, ...reads);
        }
        assert.deepEqual(got, list, `block ${i}, ${fork}`);
      }
      await subject.close();
    });
  }

  it("have the system's writes before the first transaction, and withdrawals after the last", async () => {
    const { state, blocks } = await generateWorkload({
      name: "erc20-zipf",
      transactions: 60,
      executor: serial,
    });
    const address = new Uint8Array(20).fill(7);
    const withdrawals = [{ index: 1n, validatorIndex: 2n, address, amount: 5n }];
    const block = { ...blocks[0], withdrawals };
    const subject = createEvmExecutor({ workers: 2, accessList: true });
    const execution = await subject.execute(block, createMemoryState(state));
    await subject.close();
    assert.ok(execution.ok && execution.result.accessList);
    const list = plain(execution.result.accessList);
    assert.deepEqual(list[hex(address)].balances, [[61, 5_000_000_000n]]);
    const history = list["0x0000f90827f1c53a10cb7a02335b175320002935"];
    assert.deepEqual(
      Object.values(history.storage).map(([[index, value]]) => [index, value]),
      [[0, hex(block.environment.parentHash)]],
    );
    const { coinbase } = block.environment;
    assert.equal(list[hex(coinbase)].balances.length, 60);
    const addresses = execution.result.accessList.map((account) => hex(account.address));
    assert.deepEqual(addresses, addresses.toSorted());
    assert.equal(
      RLP.decode(encodeAccessList(execution.result.accessList)).length,
      addresses.length,
    );
  });

  it("are hints that never change a result, right or wrong", async () => {
    const subject = createEvmExecutor({ workers: 3, leastParallel: 1 });
    const lister = createEvmExecutor({ workers: 1, accessList: true });
    const random = seededRandom(5);
    for (let i = 0; i < (slow ? 200 : 24); i++) {
      const { state, block } = randomBlock(seededRandom(8_000_000 + i), "prague", 4 + i);
      const source = createMemoryState(state);
      const listed = await lister.execute(block, source);
      assert.ok(listed.ok && listed.result.accessList);
      const right = listed.result.accessList;
      const anyIndex = (): number => random.below(2 * block.transactions.length) - 2;
      const wrong = right.map((account) => ({
        ...account,
        nonceChanges: account.nonceChanges.map(({ value }) => ({ index: anyIndex(), value })),
        storageChanges: account.storageChanges.map(({ slot }) => ({
          slot,
          changes: [anyIndex(), anyIndex(), 1.5].map((index) => ({ index, value: slot })),
        })),
      }));
      for (const accessList of [right, wrong, []]) {
        const hinted = {
          ...subject,
          execute: (of: ExecutableBlock, from: StateSource) =>
            subject.execute(of, from, { accessList }),
        };
        await assertSameOutcome(hinted, serial, block, source, `block ${i}`);
      }
    }
    await Promise.all([subject.close(), lister.close()]);
  });
});
