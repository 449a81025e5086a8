/**
 * The transactions of the execution-spec state tests, Frontier to Osaka: each is valid by its bytes, or breaks the rule that the
 * case expects. Rules that need state (funds, nonce, code) are the executor's.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  blobBaseFee,
  checkInBlock,
  decodeTransactions,
  type Fork,
  fromHex,
  TransactionVerdict,
  toHex,
  transactionRules,
  transactionVerdictName,
} from "../../../src/chains/ethereum/index.ts";
import { corpusFiles, corpusJson, corpusSkip } from "../../support/corpus.ts";
import { addressOf, hashAndRecover } from "../../support/hash.ts";

interface StateTest {
  readonly env: Record<string, string>;
  readonly config: { readonly chainid: string };
  readonly transaction: {
    readonly sender: string;
    readonly authorizationList?: readonly { readonly signer?: string; readonly v: string }[];
  };
  readonly post: Record<string, readonly { txbytes: string; expectException?: string }[]>;
}

const FORK_OF: Record<string, Fork> = {
  Frontier: "frontier",
  Homestead: "homestead",
  Byzantium: "byzantium",
  ConstantinopleFix: "petersburg",
  Istanbul: "istanbul",
  Berlin: "berlin",
  London: "london",
  Paris: "paris",
  Shanghai: "shanghai",
  Cancun: "cancun",
  Prague: "prague",
  Osaka: "osaka",
};

const V = TransactionVerdict;
const VERDICTS_OF: Record<string, readonly number[]> = {
  TYPE_1_TX_PRE_FORK: [V.TypeNotActive],
  TYPE_2_TX_PRE_FORK: [V.TypeNotActive],
  TYPE_3_TX_PRE_FORK: [V.TypeNotActive],
  TYPE_3_TX_ZERO_BLOBS: [V.BlobListEmpty, V.TypeNotActive],
  TYPE_3_TX_INVALID_BLOB_VERSIONED_HASH: [V.BlobHashVersion],
  TYPE_3_TX_BLOB_COUNT_EXCEEDED: [V.BlobCount],
  TYPE_3_TX_MAX_BLOB_GAS_ALLOWANCE_EXCEEDED: [V.BlobCount],
  TYPE_4_EMPTY_AUTHORIZATION_LIST: [V.AuthorizationListEmpty],
  INSUFFICIENT_MAX_FEE_PER_GAS: [V.MaxFeeBelowBaseFee],
  PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS: [V.PriorityFeeAboveMaxFee],
  INTRINSIC_GAS_TOO_LOW: [V.IntrinsicGas],
  INTRINSIC_GAS_BELOW_FLOOR_GAS_COST: [V.FloorGas],
  INITCODE_SIZE_EXCEEDED: [V.InitcodeTooLarge],
  GAS_LIMIT_EXCEEDS_MAXIMUM: [V.GasLimitAboveCap],
  INSUFFICIENT_ACCOUNT_FUNDS: [V.Valid],
  SENDER_NOT_EOA: [V.Valid],
};

/** The reference recovers some 500 senders a second: the default run takes one case in fifty. */
const SENDER_EVERY = process.env.LANEWISE_SLOW ? 1 : 50;

test("execution-spec state tests", { skip: corpusSkip }, () => {
  let graded = 0;
  let authorities = 0;
  for (const file of corpusFiles("eest-state-tests")) {
    const suite = corpusJson(file) as Record<string, StateTest>;
    for (const [name, { env, config, transaction, post }] of Object.entries(suite)) {
      for (const [forkName, cases] of Object.entries(post)) {
        const rules = transactionRules(FORK_OF[forkName], BigInt(config.chainid));
        for (const { txbytes, expectException } of cases) {
          const list = decodeTransactions([fromHex(txbytes)!], rules);
          const excess = env.currentExcessBlobGas;
          const verdict =
            list.verdicts[0] ||
            checkInBlock(list, 0, {
              gasLimit: BigInt(env.currentGasLimit),
              baseFeePerGas: env.currentBaseFee ? BigInt(env.currentBaseFee) : undefined,
              blobBaseFee:
                excess && rules.blobs ? blobBaseFee(BigInt(excess), rules.blobs) : undefined,
            });
          const expected = expectException
            ?.split("|")
            .flatMap((exception) => VERDICTS_OF[exception.replace("TransactionException.", "")]);
          assert.ok(
            (expected ?? [V.Valid]).includes(verdict),
            `${name} ${forkName}: ${transactionVerdictName(verdict)}, expected ${expectException}`,
          );
          graded++;
          if (graded % SENDER_EVERY > 0 || list.verdicts[0] !== V.Valid) continue;
          const recovered = hashAndRecover(list);
          assert.equal(toHex(addressOf(recovered.senders, 0)), transaction.sender, name);
          for (const [i, { signer }] of (transaction.authorizationList ?? []).entries()) {
            if (signer === undefined || list.authorizationVerdicts[i] !== V.Valid) continue;
            if (recovered.authorities.verdicts[i] !== V.Valid) continue;
            assert.equal(toHex(addressOf(recovered.authorities, i)), signer, name);
            authorities++;
          }
        }
      }
    }
  }
  assert.ok(graded > 6_000, `graded ${graded}`);
  assert.ok(authorities > 5, `${authorities} authorities`);
});
