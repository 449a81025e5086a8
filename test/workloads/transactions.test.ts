/** Generated transactions: the same bytes as @ethereumjs/tx encodes, and a signature that noble recovers to the intended sender. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Common, Hardfork, Mainnet } from "@ethereumjs/common";
import { createTxFromRLP, type TypedTransaction } from "@ethereumjs/tx";
import { bytesToHex, eoaCode7702RecoverAuthority } from "@ethereumjs/util";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { SECP256K1 } from "../../src/params/secp256k1.ts";
import { createAccounts } from "../../src/workloads/accounts.ts";
import { RlpWriter } from "../../src/workloads/rlp-writer.ts";
import { createSigner } from "../../src/workloads/signer.ts";
import {
  createTransactionSigner,
  type TransactionDescription,
} from "../../src/workloads/transactions.ts";

const common = new Common({
  chain: Mainnet,
  hardfork: Hardfork.Prague,
  customCrypto: { kzg: {} as never }, // never called: a canonical type-3 transaction has no sidecar
});
const accounts = createAccounts("transactions", 40);
const { sign, authorize } = createTransactionSigner(createSigner({ seed: "transactions" }));

const bytes = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill);
const accessList = [
  { address: bytes(20, 1), storageKeys: [bytes(32, 0), bytes(32, 255)] },
  { address: bytes(20, 2), storageKeys: [] },
];
const quantities = [0, 1, 127, 128, 255, 256, 65535, 2 ** 32 - 1, 2 ** 32, 2 ** 48 - 1, 2 ** 48];
const values = [0n, 1n, 0x7fn, 0x80n, (1n << 64n) - 1n, 1n << 64n, (1n << 255n) + 1n];
const lengths = [0, 1, 2, 55, 56, 255, 256, 5000, 65536];

function* descriptions(): Generator<TransactionDescription> {
  for (let i = 0; i < 60; i++) {
    const common = {
      nonce: quantities[i % quantities.length],
      to: bytes(20, i),
      value: values[i % values.length],
      data: bytes(lengths[i % lengths.length], i % 3 === 0 ? 0x80 : i),
      gasLimit: 10_000_000 + (quantities[(i * 3) % 8] as number),
    };
    const fees = { maxFeePerGas: 2_000_000_000 + i, maxPriorityFeePerGas: i };
    yield { ...common, type: 0, gasPrice: 1_000_000_000 };
    const data = bytes(lengths[i % 8], i);
    yield { ...common, data, type: 0, gasPrice: 1_000_000_000, chainId: 1, to: undefined };
    yield { ...common, type: 1, gasPrice: 7, chainId: 1n, accessList };
    yield { ...common, type: 2, chainId: 1, ...fees, to: bytes(20, 0) };
    yield { ...common, data, type: 2, chainId: 1, ...fees, to: undefined };
    yield { ...common, type: 2, chainId: 1, ...fees, accessList };
    yield {
      ...common,
      type: 3,
      chainId: 1,
      ...fees,
      maxFeePerBlobGas: 1,
      blobVersionedHashes: [bytes(32, 1), bytes(32, 1)],
    };
    yield {
      ...common,
      type: 4,
      chainId: 1,
      ...fees,
      authorizationList: [
        authorize({ chainId: 0, address: bytes(20, 9), nonce: i }, accounts[(i + 1) % 40]),
        authorize({ chainId: 1, address: bytes(20, 0), nonce: 2n ** 40n }, accounts[i % 40]),
      ],
    };
  }
}

test("all types: @ethereumjs/tx decodes, re-encodes and recovers them alike", () => {
  let index = 0;
  for (const description of descriptions()) {
    const account = accounts[index++ % accounts.length];
    const raw = sign(description, account);
    const decoded: TypedTransaction = createTxFromRLP(raw, { common });
    assert.deepEqual(decoded.serialize(), raw);
    assert.equal(decoded.type, description.type);
    if (description.type === 0)
      assert.equal(decoded.v! >= 35n, description.chainId !== undefined, "bound to its chain");
    assert.ok(decoded.isValid() || decoded.getValidationErrors().length > 0);
    assert.ok(decoded.s !== undefined && decoded.s <= SECP256K1.n / 2n);
    assert.deepEqual(decoded.getSenderAddress().bytes, account.address);
    const json = decoded.toJSON();
    assert.equal(BigInt(json.nonce ?? 0), BigInt(description.nonce));
    assert.equal(BigInt(json.value ?? 0), BigInt(description.value ?? 0));
    assert.equal(BigInt(json.gasLimit ?? 0), BigInt(description.gasLimit));
    assert.deepEqual(decoded.data, description.data);
    assert.deepEqual(decoded.to?.bytes, description.to);
  }
  assert.equal(index, 480);
});

test("authorisations recover to their authority", () => {
  for (const nonce of [0n, 1n, 300n, 2n ** 64n - 2n]) {
    const account = accounts[Number(nonce % 40n)];
    const signed = authorize({ chainId: 1337, address: bytes(20, 3), nonce }, account);
    const strip = (word: Uint8Array) => word.subarray(word.findIndex((byte) => byte !== 0));
    const big = (value: bigint) => Buffer.from(value.toString(16).padStart(2, "0"), "hex");
    const list = [
      Buffer.from("0539", "hex"),
      signed.address,
      nonce === 0n ? bytes(0, 0) : nonce === 300n ? Buffer.from("012c", "hex") : big(nonce),
      signed.yParity ? bytes(1, 1) : bytes(0, 0),
      strip(signed.r),
      strip(signed.s),
    ] as never;
    assert.deepEqual(eoaCode7702RecoverAuthority(list).bytes, account.address);
  }
});

test("accounts: noble derives the same addresses, and a longer list begins with the shorter", () => {
  const many = createAccounts("transactions", 1100);
  for (const index of [0, 1, 39, 1023, 1024, 1099]) {
    const { privateKey, address } = many[index];
    const secret = Buffer.from(privateKey.toString(16).padStart(64, "0"), "hex");
    const publicKey = secp256k1.getPublicKey(secret, false).subarray(1);
    assert.deepEqual(address, keccak_256(publicKey).subarray(12));
  }
  assert.deepEqual(many.slice(0, 40), accounts);
  assert.notDeepEqual(createAccounts("other", 1)[0], many[0]);
});

test("signatures: equal seeds give equal bytes, other seeds do not", () => {
  const description = { type: 2, chainId: 1, nonce: 0, to: bytes(20, 1), gasLimit: 21000 } as const;
  const fees = { maxFeePerGas: 1, maxPriorityFeePerGas: 1 };
  const once = (seed: string) =>
    bytesToHex(
      createTransactionSigner(createSigner({ seed })).sign(
        { ...description, ...fees },
        accounts[0],
      ),
    );
  assert.equal(once("a"), once("a"));
  assert.notEqual(once("a"), once("b"));
});

test("RlpWriter: lists around the one-byte length, and the buffer's growth", () => {
  for (const length of [0, 1, 54, 55, 56, 254, 255, 256, 70_000]) {
    const writer = new RlpWriter(8);
    writer.list(() => writer.string(bytes(length, 0x81)));
    const nested = writer.bytes();
    const payload =
      length < 56 ? length + 1 : length + 1 + (length < 256 ? 1 : length < 65536 ? 2 : 3);
    assert.equal(
      nested.length,
      payload < 56 ? payload + 1 : payload + 1 + (payload < 256 ? 1 : payload < 65536 ? 2 : 3),
    );
    assert.deepEqual(nested.subarray(nested.length - length), bytes(length, 0x81));
  }
});
