/** Header and body rules on real parents and children, on crafted faults, and against @ethereumjs. @module */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createBlockHeader, paramsBlock } from "@ethereumjs/block";
import { Common, Mainnet } from "@ethereumjs/common";
import {
  type BlockHeader,
  blobBaseFee,
  blobParametersOf,
  blockFees,
  blockFromJson,
  checkBody,
  checkHeader,
  decodeTransactions,
  FORKS,
  type Fork,
  forkAt,
  forkAtLeast,
  headerHash,
  MAINNET,
  nextBaseFee,
  nextExcessBlobGas,
  transactionRules,
} from "../../../src/chains/ethereum/index.ts";
import { corpusFiles, corpusJson, corpusSkip } from "../../support/corpus.ts";
import { seededRandom } from "../../support/random.ts";

const fields = (faults: readonly { field: string }[]): string[] => faults.map(({ field }) => field);

/** A valid header of a fork, as far as its own fields go. */
function plainHeader(fork: Fork): BlockHeader {
  const zero = new Uint8Array(32);
  const merged = forkAtLeast(fork, "paris");
  const header = {
    parentHash: zero,
    ommersHash: Buffer.from(
      "1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347",
      "hex",
    ),
    coinbase: new Uint8Array(20),
    stateRoot: zero,
    transactionsRoot: zero,
    receiptsRoot: zero,
    logsBloom: new Uint8Array(256),
    difficulty: merged ? 0n : 17_179_869_184n,
    number: 100n,
    gasLimit: 30_000_000n,
    gasUsed: 12_345_678n,
    timestamp: 1_000_000n,
    extraData: new Uint8Array(0),
    mixHash: zero,
    nonce: new Uint8Array(8),
  };
  return {
    ...header,
    ...(forkAtLeast(fork, "london") && { baseFeePerGas: 7_000_000_000n }),
    ...(forkAtLeast(fork, "shanghai") && { withdrawalsRoot: zero }),
    ...(forkAtLeast(fork, "cancun") && {
      blobGasUsed: 131_072n,
      excessBlobGas: 10n * 131_072n,
      parentBeaconBlockRoot: zero,
    }),
    ...(forkAtLeast(fork, "prague") && { requestsHash: zero }),
  };
}

function childOf(parent: BlockHeader, fork: Fork): BlockHeader {
  const blobs = blobParametersOf(fork);
  return {
    ...parent,
    parentHash: headerHash(parent),
    number: parent.number + 1n,
    timestamp: parent.timestamp + 12n,
    ...(forkAtLeast(fork, "london") && { baseFeePerGas: nextBaseFee(parent) }),
    ...(blobs && { excessBlobGas: nextExcessBlobGas(parent, fork, blobs) }),
  };
}

test("mainnet's forks and blob parameters are those of @ethereumjs/common", () => {
  const common = new Common({ chain: Mainnet, params: paramsBlock });
  for (const activation of MAINNET.activations) {
    const name = activation.fork === "frontier" ? "chainstart" : activation.fork;
    const expected = Mainnet.hardforks.find((fork) => fork.name === name);
    assert.ok(expected, activation.fork);
    if ("block" in activation) assert.equal(activation.block, BigInt(expected.block!));
    else assert.equal(activation.timestamp, BigInt(expected.timestamp!));
    common.setHardfork(name);
    const blobs = blobParametersOf(activation.fork);
    if (!forkAtLeast(activation.fork, "cancun")) {
      assert.equal(blobs, undefined);
      continue;
    }
    const schedule = common.getBlobGasSchedule();
    assert.equal(BigInt(blobs!.target) * 131_072n, schedule.targetBlobGasPerBlock);
    assert.equal(BigInt(blobs!.max) * 131_072n, schedule.maxBlobGasPerBlock);
    assert.equal(blobs!.updateFraction, schedule.blobGasPriceUpdateFraction);
  }
  assert.deepEqual(
    MAINNET.activations.map(({ fork }) => fork),
    [...FORKS],
  );
});

test("forkAt follows block numbers, then timestamps", () => {
  const at = (number: bigint, timestamp: bigint): Fork => forkAt(MAINNET, { number, timestamp });
  assert.equal(at(0n, 0n), "frontier");
  assert.equal(at(1_149_999n, 1n), "frontier");
  assert.equal(at(1_150_000n, 1n), "homestead");
  assert.equal(at(7_280_000n, 1n), "petersburg");
  assert.equal(at(15_537_393n, 1_663_224_162n), "grayGlacier");
  assert.equal(at(15_537_394n, 1_663_224_179n), "paris");
  assert.equal(at(19_426_586n, 1_710_338_123n), "shanghai");
  assert.equal(at(19_426_587n, 1_710_338_135n), "cancun");
  assert.equal(at(24_476_005n, 1_771_324_715n), "bpo2");
  assert.throws(
    () => forkAt({ name: "empty", chainId: 1n, activations: [] }, { number: 0n, timestamp: 0n }),
    RangeError,
  );
});

test("the fee markets continue as @ethereumjs/block does", () => {
  const random = seededRandom(1559);
  const cases: [Fork, string][] = [
    ["london", "london"],
    ["cancun", "cancun"],
    ["prague", "prague"],
    ["osaka", "osaka"],
    ["bpo1", "bpo1"],
    ["bpo2", "bpo2"],
  ];
  for (const [fork, hardfork] of cases) {
    const common = new Common({ chain: Mainnet, hardfork, params: paramsBlock });
    const blobs = blobParametersOf(fork);
    for (let round = 0; round < 60; round++) {
      const gasLimit = 30_000_000n + BigInt(random.below(30_000_000));
      const gasUsed = [gasLimit / 2n, 0n, gasLimit, BigInt(random.below(30_000_000))][round % 4];
      const baseFeePerGas = [7n, 1n, BigInt(random.below(2 ** 31)), 10n ** 12n][random.below(4)];
      const parent: BlockHeader = {
        ...plainHeader(fork),
        gasLimit,
        gasUsed,
        baseFeePerGas,
        ...(blobs && {
          blobGasUsed: BigInt(random.below(blobs.max + 1)) * 131_072n,
          excessBlobGas: BigInt(random.below(400)) * 131_072n * BigInt(round % 2),
        }),
      };
      const oracle = createBlockHeader(
        {
          gasLimit,
          gasUsed,
          baseFeePerGas,
          number: parent.number,
          ...(blobs && {
            blobGasUsed: parent.blobGasUsed!,
            excessBlobGas: parent.excessBlobGas!,
          }),
        },
        { common, skipConsensusFormatValidation: true },
      );
      assert.equal(nextBaseFee(parent), oracle.calcNextBaseFee());
      if (!blobs) continue;
      assert.equal(nextExcessBlobGas(parent, fork, blobs), oracle.calcNextExcessBlobGas(common));
      assert.equal(blobBaseFee(parent.excessBlobGas!, blobs), oracle.getBlobGasPrice());
    }
  }
});

test("the blob base fee of an impossible excess saturates at once", () => {
  const blobs = blobParametersOf("cancun")!;
  assert.equal(blobBaseFee(2n ** 64n - 1n, blobs), 1n << 256n);
  assert.equal(blobBaseFee(178n * blobs.updateFraction, blobs), 1n << 256n);
  const last = blobBaseFee(178n * blobs.updateFraction - 1n, blobs);
  assert.ok(last > 1n << 250n);
});

test("every fork: a plain header and its child are valid, and each field that is wrong is named", () => {
  for (const fork of FORKS) {
    const rules = transactionRules(fork, 1n);
    const parent = plainHeader(fork);
    const child = childOf(parent, fork);
    assert.deepEqual(checkHeader(parent, rules), [], fork);
    assert.deepEqual(checkHeader(child, rules, parent), [], fork);
    const wrong = (change: Partial<BlockHeader>): string[] =>
      fields(checkHeader({ ...child, ...change }, rules, parent));
    assert.deepEqual(wrong({ extraData: new Uint8Array(33) }), ["extraData"]);
    assert.deepEqual(wrong({ extraData: new Uint8Array(32) }), []);
    assert.deepEqual(wrong({ gasUsed: child.gasLimit + 1n }), ["gasUsed"]);
    assert.deepEqual(wrong({ gasUsed: child.gasLimit }), []);
    assert.deepEqual(wrong({ parentHash: new Uint8Array(32).fill(1) }), ["parentHash"]);
    assert.deepEqual(wrong({ number: parent.number }), ["number"]);
    assert.deepEqual(wrong({ timestamp: parent.timestamp }), ["timestamp"]);
    const bound = parent.gasLimit / 1024n;
    assert.deepEqual(wrong({ gasLimit: parent.gasLimit + bound }), ["gasLimit"]);
    assert.deepEqual(wrong({ gasLimit: parent.gasLimit + bound - 1n }), []);
    assert.deepEqual(wrong({ gasLimit: parent.gasLimit - bound }), ["gasLimit"]);
    assert.deepEqual(wrong({ gasLimit: parent.gasLimit - bound + 1n }), []);
    assert.ok(wrong({ gasLimit: 4999n, gasUsed: 0n }).includes("gasLimit"));
    assert.ok(wrong({ gasLimit: 1n << 63n }).includes("gasLimit"));
    if (forkAtLeast(fork, "london")) {
      assert.deepEqual(wrong({ baseFeePerGas: child.baseFeePerGas! + 1n }), ["baseFeePerGas"]);
    } else {
      assert.deepEqual(wrong({ baseFeePerGas: 7n })[0], "baseFeePerGas");
    }
    if (forkAtLeast(fork, "paris")) {
      assert.deepEqual(wrong({ difficulty: 1n }), ["difficulty"]);
      assert.deepEqual(wrong({ nonce: new Uint8Array(8).fill(1) }), ["nonce"]);
      assert.deepEqual(wrong({ ommersHash: new Uint8Array(32) }), ["ommersHash"]);
    }
    if (forkAtLeast(fork, "cancun")) {
      const { blobs } = rules;
      const blobGas = (count: number): bigint => BigInt(count) * 131_072n;
      assert.deepEqual(wrong({ blobGasUsed: blobGas(blobs!.max) }), []);
      assert.deepEqual(wrong({ blobGasUsed: blobGas(blobs!.max + 1) }), ["blobGasUsed"]);
      assert.deepEqual(wrong({ blobGasUsed: 1n }), ["blobGasUsed"]);
      assert.deepEqual(wrong({ excessBlobGas: child.excessBlobGas! + 1n }), ["excessBlobGas"]);
    }
  }
});

test("the first London block doubles the gas limit and starts at 1 Gwei", () => {
  const parent = { ...plainHeader("berlin"), gasLimit: 15_000_000n };
  const child = { ...childOf(parent, "london"), gasLimit: 30_000_000n };
  const rules = transactionRules("london", 1n);
  assert.equal(child.baseFeePerGas, 1_000_000_000n);
  assert.deepEqual(checkHeader(child, rules, parent), []);
  const undoubled = { ...child, gasLimit: 15_000_000n };
  assert.deepEqual(fields(checkHeader(undoubled, rules, parent)), ["gasLimit"]);
});

test("mainnet's headers and bodies break no rule", { skip: corpusSkip }, () => {
  const files = [
    ...corpusFiles("mainnet-signed-blocks").filter((file) => file.endsWith("block.json")),
    ...corpusFiles("mainnet-executable", "ethereumjs").filter((file) => !file.includes("State")),
  ];
  const headers = new Map<bigint, BlockHeader>();
  for (const file of files) {
    const { block } = blockFromJson(corpusJson(file));
    const rules = transactionRules(forkAt(MAINNET, block.header), 1n);
    headers.set(block.header.number, block.header);
    assert.deepEqual(checkHeader(block.header, rules), [], file);
    const list = decodeTransactions(block.transactions, rules);
    assert.deepEqual(checkBody(block, list, rules), [], file);
    const { blobBaseFee: blobFee } = blockFees(block.header, rules);
    assert.equal(blobFee !== undefined, forkAtLeast(rules.fork, "cancun"));
  }
  let pairs = 0;
  for (const [number, header] of headers) {
    const parent = headers.get(number - 1n);
    if (parent === undefined) continue;
    pairs++;
    const rules = transactionRules(forkAt(MAINNET, header), 1n);
    assert.deepEqual(checkHeader(header, rules, parent), [], `block ${number}`);
  }
  assert.ok(pairs >= 4, `${pairs} blocks with their parent`);
});

test("a body that does not fit its header is named", { skip: corpusSkip }, () => {
  const { block } = blockFromJson(corpusJson("mainnet-signed-blocks/19932703/block.json"));
  const rules = transactionRules("cancun", 1n);
  const check = (change: object): string[] => {
    const changed = { ...block, ...change };
    return fields(checkBody(changed, decodeTransactions(changed.transactions, rules), rules));
  };
  assert.deepEqual(check({}), []);
  assert.deepEqual(check({ withdrawals: undefined }), ["withdrawals"]);
  assert.deepEqual(check({ transactions: block.transactions.filter((raw) => raw[0] !== 3) }), [
    "blobGasUsed",
  ]);
  assert.deepEqual(check({ ommers: [block.header] }), ["ommersHash"]);
  const large = new Uint8Array(8_388_608).fill(0xc0);
  const osaka = transactionRules("osaka", 1n);
  const list = decodeTransactions(block.transactions, osaka);
  const faults = checkBody({ ...block, transactions: [...block.transactions, large] }, list, osaka);
  assert.deepEqual(fields(faults), ["size"]);
});
