/** The verifier as a node:stream, in real pipelines. */
import assert from "node:assert/strict";
import { PassThrough, Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { after, describe, it } from "node:test";
import {
  createVerifier,
  createVerifyStream,
  createWasmBackend,
  keccak256,
  LanewiseError,
  type Outcome,
  secp256k1Recover,
  secp256k1Verify,
  type Verifier,
  verifierTransform,
  verifyStream,
} from "../../src/index.ts";
import { seededRandom } from "../support/random.ts";

const random = seededRandom(9);
const ANSWER_BYTES = 4 + secp256k1Recover.result.byteLength;
const { examples } = secp256k1Recover;

/** Records and the answers the oracle gives, as bytes. */
function recordsAndAnswers(count: number): { records: Buffer; answers: Buffer } {
  const known = examples.map(({ record, arena }) => {
    const answer = Buffer.alloc(ANSWER_BYTES);
    answer.writeUInt32LE(secp256k1Recover.reference(record, arena, answer.subarray(4)));
    return { record, answer };
  });
  const chosen = Array.from({ length: count }, () => random.pick(known));
  return {
    records: Buffer.concat(chosen.map(({ record }) => record)),
    answers: Buffer.concat(chosen.map(({ answer }) => answer)),
  };
}

/** The bytes in pieces of random length. */
function* pieces(bytes: Buffer, most: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const length = 1 + random.below(most);
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

describe("createVerifyStream", () => {
  const algorithms = [keccak256, secp256k1Recover];
  const verifier: Verifier = createVerifier({
    algorithms,
    backends: [createWasmBackend({ workers: 1 })],
  });
  after(() => verifier.close());

  it("bytes in, bytes out, wherever the records are cut", async () => {
    for (const most of [1, 100, 5000, 300_000]) {
      const { records, answers } = recordsAndAnswers(most === 1 ? 20 : 3000);
      const got: Buffer[] = [];
      await pipeline(
        Readable.from(pieces(records, most)),
        createVerifyStream(verifier, secp256k1Recover),
        new Writable({
          write(chunk, _encoding, callback) {
            got.push(chunk);
            callback();
          },
        }),
      );
      assert.deepEqual(Buffer.concat(got), answers);
    }
  });

  it("objects in, outcomes out, messages included", async () => {
    const requests = keccak256.examples.map(({ record, arena }) => ({ records: record, arena }));
    const stream = createVerifyStream(verifier, keccak256, { objectMode: true, inFlight: 2 });
    const outcomes: Outcome[] = await Readable.from(requests).pipe(stream).toArray();
    assert.equal(outcomes.length, requests.length);
    for (const [i, { record, arena }] of keccak256.examples.entries()) {
      const result = new Uint8Array(32);
      assert.deepEqual([...outcomes[i].verdicts], [keccak256.reference(record, arena, result)]);
      assert.deepEqual(outcomes[i].results, result);
    }
  });

  it("an answer can be read before the next record is written", async () => {
    const { record } = examples[0];
    const stream = createVerifyStream(verifier, secp256k1Recover);
    const answers = stream.iterator();
    for (let i = 0; i < 3; i++) {
      stream.write(record);
      assert.equal((await answers.next()).value.length, ANSWER_BYTES);
    }
    stream.end();
    assert.equal((await answers.next()).done, true);

    const input = new PassThrough();
    const outcomes = verifyStream(verifier, secp256k1Recover, input);
    const transform = verifierTransform(verifier, secp256k1Recover);
    const writer = transform.writable.getWriter();
    const reader = transform.readable.getReader();
    for (let i = 0; i < 3; i++) {
      input.write(record);
      assert.equal((await outcomes.next()).value?.verdicts.length, 1);
      void writer.write(record);
      assert.equal((await reader.read()).value?.verdicts.length, 1);
    }
    input.end();
    assert.equal((await outcomes.next()).done, true);
    await writer.close();
    assert.equal((await reader.read()).done, true);
  });

  it("keeps back-pressure: a reader that stops stops the writer", async () => {
    let produced = 0;
    const { record } = examples[0];
    const source = new Readable({
      highWaterMark: 4,
      objectMode: true,
      read() {
        produced++;
        this.push(produced <= 500 ? record : null);
      },
    });
    const stream = createVerifyStream(verifier, secp256k1Recover, {
      objectMode: true,
      inFlight: 4,
    });
    source.pipe(stream);
    const settled = async (): Promise<number> => {
      let before = -1;
      while (before !== produced) {
        before = produced;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return produced;
    };
    // Buffers of source, writable and readable side, and the submissions in flight.
    assert.ok((await settled()) <= 4 + 16 + 16 + 4 + 4, `${produced} were read ahead`);
    let answered = 0;
    for await (const _ of stream) answered++;
    assert.equal(answered, 500);
  });

  it("gives up what is under way when it is destroyed, and fails as the verifier does", async () => {
    const before = verifier.metrics.aborted;
    const { records } = recordsAndAnswers(4000);
    const stream = createVerifyStream(verifier, secp256k1Recover);
    const slow = new Writable({
      write: (_chunk, _encoding, callback) => callback(new Error("the reader broke")),
    });
    await assert.rejects(pipeline(Readable.from(pieces(records, 90_000)), stream, slow), /broke/);
    assert.ok(stream.destroyed);
    const unready = createVerifyStream(verifier, secp256k1Recover);
    unready.on("error", () => {});
    unready.write(records);
    unready.destroy();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.ok(verifier.metrics.aborted > before);

    const isInput = /expected whole ones of 104 bytes, got 5 bytes of another/;
    const cut = Readable.from([records.subarray(0, 104 * 3 + 5)]);
    const cutStream = createVerifyStream(verifier, secp256k1Recover);
    await assert.rejects(pipeline(cut, cutStream, new PassThrough().resume()), isInput);
    const closed = createVerifier({ algorithms, backends: [createWasmBackend({ workers: 1 })] });
    await closed.close();
    await assert.rejects(
      pipeline(
        Readable.from([examples[0].record]),
        createVerifyStream(closed, secp256k1Recover),
        new PassThrough().resume(),
      ),
      (error: unknown) => error instanceof LanewiseError && error.code === "ERR_CLOSED",
    );
    const unknown = createVerifyStream(verifier, secp256k1Verify);
    await assert.rejects(
      pipeline(Readable.from([secp256k1Verify.examples[0].record]), unknown, new PassThrough()),
      TypeError,
    );
    assert.throws(() => createVerifyStream(verifier, keccak256), TypeError);
  });
});
