/** `recoverTransactionSenders` against viem: transactions that viem signed, and addresses that viem recovers. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { type Hex, recoverTransactionAddress, type TransactionSerializable, toBlobs } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import {
  createVerifier,
  createWasmBackend,
  ethereum,
  keccak256,
  LanewiseError,
  recoverTransactionSenders,
  secp256k1Recover,
  type TransactionSender,
} from "../../src/index.ts";
import { seededRandom } from "../support/random.ts";
import {
  addressOfKey,
  envelope,
  type Item,
  integer,
  KEYS,
  randomFields,
  signFields,
} from "../support/sign.ts";

const accounts = KEYS.map((key) => privateKeyToAccount(ethereum.toHex(key) as Hex));
const TO = `0x${"35".repeat(20)}` as const;
const KZG_FREE = {
  blobToKzgCommitment: () => new Uint8Array(48).fill(7),
  computeBlobKzgProof: () => new Uint8Array(48).fill(9),
};

/** One transaction of every type and form, signed by viem. */
async function signedByViem(chainId: number, nonce: number): Promise<Hex[]> {
  const account = accounts[nonce % accounts.length];
  const common = { nonce, gas: 100_000n, to: TO, value: BigInt(nonce), chainId } as const;
  const fees = { maxFeePerGas: 100n, maxPriorityFeePerGas: 1n };
  const accessList = [{ address: TO, storageKeys: [`0x${"01".repeat(32)}` as const] }];
  const authorization = await accounts[0].signAuthorization({ address: TO, chainId, nonce: 1 });
  const blob = { ...common, ...fees, type: "eip4844", maxFeePerBlobGas: 5n } as const;
  const kinds: TransactionSerializable[] = [
    { ...common, type: "legacy", gasPrice: 7n },
    { ...common, type: "legacy", gasPrice: 7n, to: undefined, data: "0x6001" },
    { nonce, gas: 21_000n, gasPrice: 3n, to: TO, type: "legacy" },
    { ...common, type: "eip2930", gasPrice: 7n, accessList },
    { ...common, ...fees, type: "eip1559", accessList, data: `0x${"ab".repeat(300)}` },
    { ...common, ...fees, type: "eip1559", to: undefined, gas: 0n },
    { ...blob, blobVersionedHashes: [`0x01${"00".repeat(31)}`] },
    { ...blob, blobs: toBlobs({ data: "0x1234" }), kzg: KZG_FREE },
    { ...common, ...fees, type: "eip7702", authorizationList: [authorization] },
  ];
  return Promise.all(kinds.map((transaction) => account.signTransaction(transaction)));
}

const addressOf = ({ address, reason }: TransactionSender): string | null => {
  assert.ok((address === null) === (reason !== undefined));
  return address;
};

describe("recoverTransactionSenders", () => {
  const verifier = createVerifier({
    algorithms: [keccak256, secp256k1Recover],
    backends: [createWasmBackend({ workers: 1 })],
  });
  after(() => verifier.close());

  it("agrees with viem on transactions of all types, chains and forms", async () => {
    const transactions: Hex[] = [];
    for (const [nonce, chainId] of [1, 10, 137, 31_337, 2 ** 40].entries()) {
      transactions.push(...(await signedByViem(chainId, nonce)));
    }
    const expected = await Promise.all(
      transactions.map(async (serializedTransaction) =>
        // biome-ignore lint/suspicious/noExplicitAny: viem's type wants to know which transaction it is
        (await recoverTransactionAddress({ serializedTransaction } as any)).toLowerCase(),
      ),
    );
    for (const options of [{}, { verifier }]) {
      const senders = await recoverTransactionSenders(transactions, options);
      assert.deepEqual(senders.map(addressOf), expected);
    }
    const asBytes = transactions.map((hex) => ethereum.fromHex(hex) as Uint8Array);
    assert.deepEqual((await recoverTransactionSenders(asBytes)).map(addressOf), expected);
  });

  it("keeps order over chunks, with invalid ones among them", async () => {
    const random = seededRandom(42);
    const transactions: Uint8Array[] = [];
    const expected: (string | null)[] = [];
    for (let i = 0; i < 700; i++) {
      const type = random.below(5);
      const key = random.pick(KEYS);
      const fields = signFields(type, randomFields(random, type), key);
      const raw = envelope(type, fields);
      const isBroken = i % 7 === 3;
      transactions.push(isBroken ? raw.subarray(0, raw.length - 1 - random.below(30)) : raw);
      expected.push(isBroken ? null : ethereum.toHex(addressOfKey(key)));
    }
    for (const options of [{}, { verifier, priority: "block" as const }]) {
      const senders = await recoverTransactionSenders(transactions, options);
      assert.deepEqual(senders.map(addressOf), expected);
    }
  });

  it("says why there is no sender", async () => {
    const key = KEYS[0];
    const fields: Item[] = [
      integer(1),
      integer(9),
      integer(21_000),
      new Uint8Array(20),
      integer(0),
      new Uint8Array(0),
    ];
    const signed = signFields(0, fields, key) as Uint8Array[];
    const with_ = (at: number, value: Item): Uint8Array =>
      envelope(
        0,
        signed.map((field, i) => (i === at ? value : field)),
      );
    const order = BigInt("0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
    const s = BigInt(ethereum.toHex(signed[8]));
    const cases: [string | Uint8Array, string][] = [
      [new Uint8Array(0), "RlpTruncated"],
      ["0x", "RlpTruncated"],
      ["0x123", "HexMalformed"],
      ["f86c", "HexMalformed"],
      ["0x05c0", "TypeUnknown"],
      ["0x02c0", "FieldCount"],
      [envelope(0, fields), "FieldCount"],
      [with_(7, integer(0)), "RZero"],
      [with_(8, integer(order)), "SOutOfRange"],
      [with_(8, integer(order - s)), "SHigh"],
      [with_(6, integer(29)), "ParityInvalid"],
    ];
    const valid = envelope(0, signed);
    const mixed = cases.flatMap(([transaction]) => [transaction, valid]);
    const senders = await recoverTransactionSenders(mixed);
    assert.deepEqual(
      senders.map(({ address, reason }) => address ?? reason),
      cases.flatMap(([, reason]) => [reason, ethereum.toHex(addressOfKey(key))]),
    );
    assert.deepEqual(await recoverTransactionSenders([]), []);
  });

  it("stops at the signal", async () => {
    const transactions = new Array(1000).fill("0x02c0");
    const isAborted = (error: unknown) =>
      error instanceof LanewiseError && error.code === "ERR_ABORTED";
    for (const options of [{}, { verifier }]) {
      const signal = AbortSignal.abort(new Error("enough"));
      await assert.rejects(
        recoverTransactionSenders(transactions, { ...options, signal }),
        isAborted,
      );
    }
  });
});
