import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readStream } from "../../src/node/file-source.ts";
import { MAX_TRANSACTION_BYTES } from "../../src/node/transaction-stream.ts";
import type { BlockInput } from "../../src/pipeline/input.ts";

/** Bytes in chunks of `size`. */
async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(bytes: Uint8Array, size = 7): Promise<BlockInput[]> {
  const inputs: BlockInput[] = [];
  for await (const input of readStream(chunksOf(bytes, size), "test")) inputs.push(input);
  return inputs;
}

/** The raw transactions of all inputs, as hex. */
function transactionsOf(inputs: readonly BlockInput[]): string[] {
  return inputs.flatMap(({ content }) => {
    assert.equal(content.kind, "transactions");
    if (content.kind !== "transactions") return [];
    const { bytes, offsets } = content.raws;
    return Array.from({ length: offsets.length - 1 }, (_, i) =>
      Buffer.from(bytes.subarray(offsets[i], offsets[i + 1])).toString("hex"),
    );
  });
}

function lengthPrefixed(...raws: Uint8Array[]): Buffer {
  return Buffer.concat(
    raws.flatMap((raw) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(raw.length);
      return [length, Buffer.from(raw)];
    }),
  );
}

const raws = [Buffer.from("02aabb", "hex"), Buffer.alloc(0), Buffer.alloc(300, 0xc3)];

describe("streams of transactions", () => {
  for (const size of [1, 3, 4, 5, 64, 1 << 16]) {
    it(`reads length-prefixed transactions in chunks of ${size}`, async () => {
      const inputs = await read(lengthPrefixed(...raws), size);
      assert.deepEqual(
        transactionsOf(inputs),
        raws.map((raw) => raw.toString("hex")),
      );
    });

    it(`reads hex lines in chunks of ${size}`, async () => {
      const text = `# two transactions\n\n0x02AAbb\r\n  03ffee  \n${"c3".repeat(300)}`;
      const inputs = await read(Buffer.from(text), size);
      assert.deepEqual(transactionsOf(inputs), ["02aabb", "03ffee", "c3".repeat(300)]);
    });
  }

  it("numbers transactions over units and bounds a unit", async () => {
    const many = Array.from({ length: 5000 }, (_, i) => Buffer.from([2, i >> 8, i & 255]));
    const inputs = await read(lengthPrefixed(...many), 1000);
    assert.ok(inputs.length > 1);
    let next = 0;
    for (const { content } of inputs) {
      if (content.kind !== "transactions") throw new Error("expected transactions");
      assert.equal(content.first, next);
      assert.ok(content.raws.offsets.length <= 2049);
      next += content.raws.offsets.length - 1;
    }
    assert.equal(next, 5000);
  });

  it("names what is wrong and where", async () => {
    const cases: [string, Uint8Array, RegExp][] = [
      ["nothing", Buffer.alloc(0), /test: expected blocks or transactions, got nothing/],
      ["blank", Buffer.from("  \n\n"), /got nothing/],
      ["prose", Buffer.from("hello world"), /something else/],
      [
        "a digit that is none",
        Buffer.from("0x02aa\n0x02ag\n"),
        /line 2: expected hex digits, got "g"/,
      ],
      ["half a byte", Buffer.from("0x02a\n"), /line 1: expected an even number/],
      ["half a length", Buffer.from([0, 0, 0]), /transaction 0: expected more bytes/],
      ["half a transaction", Buffer.from([0, 0, 0, 9, 1]), /transaction 0: expected more bytes/],
      [
        "an absurd length",
        Buffer.concat([lengthPrefixed(raws[0]), Buffer.from([255, 255, 255, 255])]),
        new RegExp(`transaction 1: expected a length of at most ${MAX_TRANSACTION_BYTES}`),
      ],
      ["half a JSON document", Buffer.from('{"number": '), /test: expected JSON/],
      ["a number", Buffer.from("[1, 2]"), /test\[0\]: expected a block/],
      ["deep JSON", Buffer.from("[".repeat(100_000) + "]".repeat(100_000)), /nesting/],
      ["odd hex in JSON", Buffer.from('["0x02aa", "0x02a"]'), /test\[1\]: expected hex/],
    ];
    for (const [name, bytes, pattern] of cases) {
      await assert.rejects(read(bytes), { code: "ERR_INPUT", message: pattern }, name);
    }
  });

  it("tells blocks from transactions", async () => {
    const kinds = async (bytes: Uint8Array) =>
      (await read(bytes)).map(({ content }) => content.kind);
    assert.deepEqual(await kinds(Buffer.from('{"number":"0x1"}')), ["block-json"]);
    assert.deepEqual(await kinds(Buffer.from('{"result":{"number":"0x1"}}')), ["block-json"]);
    assert.deepEqual(await kinds(Buffer.from('[{"a":1},{"b":2}]')), ["block-json", "block-json"]);
    assert.deepEqual(await kinds(Buffer.from('{"a":1}\n{"b":2}\n')), ["block-json", "block-json"]);
    assert.deepEqual(await kinds(Buffer.from('["0x02", "0x03"]')), ["transactions"]);
    assert.deepEqual(await kinds(Buffer.from("c3c20102c3c20304", "hex")), [
      "block-rlp",
      "block-rlp",
    ]);
    assert.deepEqual(await kinds(Buffer.from("c20102", "hex")), ["transactions"]);
    assert.deepEqual(await kinds(Buffer.from("02c20102", "hex")), ["transactions"]);
    assert.deepEqual(await kinds(Buffer.from("0xc3c20102\nc3c20304")), ["block-rlp", "block-rlp"]);
  });
});
