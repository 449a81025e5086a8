/** Every case of the TransactionTests suite: hash, sender and intrinsic gas, or an exception, per fork. @module */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  decodeTransactions,
  type Fork,
  intrinsicGas,
  TransactionVerdict,
  transactionRules,
  transactionVerdictName,
} from "../../../src/chains/ethereum/index.ts";
import { corpusFiles, corpusJson, corpusSkip } from "../../support/corpus.ts";
import { addressOf, hashAndRecover } from "../../support/hash.ts";

interface Expectation {
  readonly hash?: string;
  readonly sender?: string;
  readonly intrinsicGas: string;
  readonly exception?: string;
}
type Suite = Record<string, { txbytes: string; result: Record<string, Expectation> }>;

const FORK_OF: Record<string, Fork> = {
  Frontier: "frontier",
  Homestead: "homestead",
  EIP150: "tangerineWhistle",
  EIP158: "spuriousDragon",
  Byzantium: "byzantium",
  Constantinople: "constantinople",
  ConstantinopleFix: "petersburg",
  Istanbul: "istanbul",
  Berlin: "berlin",
  London: "london",
  Paris: "paris",
  Shanghai: "shanghai",
  Cancun: "cancun",
  Prague: "prague",
};

const V = TransactionVerdict;
/** The verdicts that may stand for each exception of the suite; signature faults are the recover kernel's. */
const VERDICTS_OF: Record<string, readonly number[]> = {
  ADDRESS_TOO_LONG: [V.AddressLength],
  ADDRESS_TOO_SHORT: [V.AddressLength],
  GASLIMIT_OVERFLOW: [V.IntegerTooLarge],
  GASLIMIT_PRICE_PRODUCT_OVERFLOW: [V.GasCostOverflow],
  GASPRICE_OVERFLOW: [V.IntegerTooLarge],
  INITCODE_SIZE_EXCEEDED: [V.InitcodeTooLarge],
  INTRINSIC_GAS_TOO_LOW: [V.IntrinsicGas],
  INVALID_CHAINID: [V.ChainIdMismatch, V.ParityInvalid, V.IntegerTooLarge],
  NONCE_OVERFLOW: [V.IntegerTooLarge],
  NONCE_TOO_BIG: [V.NonceLimit],
  PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS_2: [V.PriorityFeeAboveMaxFee],
  PRIORITY_OVERFLOW: [V.IntegerTooLarge],
  RLP_ERROR_SIZE: [V.RlpTruncated, V.RlpTrailingBytes],
  RLP_INVALID_ACCESS_LIST_ADDRESS_TOO_LONG: [V.AccessListMalformed, V.TypeNotActive],
  RLP_INVALID_ACCESS_LIST_ADDRESS_TOO_SHORT: [V.AccessListMalformed, V.TypeNotActive],
  RLP_INVALID_ACCESS_LIST_STORAGE_TOO_LONG: [V.AccessListMalformed, V.TypeNotActive],
  RLP_INVALID_ACCESS_LIST_STORAGE_TOO_SHORT: [V.AccessListMalformed, V.TypeNotActive],
  RLP_LEADING_ZEROS_BASEFEE: [V.IntegerLeadingZero, V.TypeNotActive],
  TYPE_NOT_SUPPORTED: [V.TypeNotActive, V.TypeUnknown],
  VALUE_OVERFLOW: [V.IntegerTooLarge],
};
/** What may be found wrong first in a transaction whose signature is wrong too. */
const BEFORE_SIGNATURE: readonly number[] = [V.ParityInvalid, V.IntegerTooLarge, V.IntrinsicGas];
const STRUCTURE = [
  V.RlpTruncated,
  V.RlpNotCanonical,
  V.RlpTrailingBytes,
  V.TypeUnknown,
  V.FieldKind,
  V.FieldCount,
  V.IntegerLeadingZero,
];

const fromHex = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.slice(2), "hex"));
const toHex = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString("hex")}`;

test("TransactionTests", { skip: corpusSkip }, () => {
  let graded = 0;
  for (const file of corpusFiles("ethereum-tests", "TransactionTests")) {
    for (const { txbytes, result } of Object.values(corpusJson(file) as Suite)) {
      for (const [name, expected] of Object.entries(result)) {
        const fork = FORK_OF[name];
        assert.ok(fork, `${file}: unknown fork ${name}`);
        const list = decodeTransactions([fromHex(txbytes)], transactionRules(fork, 1n));
        const { hashes, senders } = hashAndRecover(list);
        const verdict = list.verdicts[0] || senders.verdicts[0];
        const where = `${file} ${name}: ${transactionVerdictName(verdict)}`;
        if (expected.exception === undefined) {
          assert.equal(verdict, 0, where);
          assert.equal(toHex(hashes.result(0)), expected.hash, where);
          assert.equal(toHex(addressOf(senders, 0)), expected.sender, where);
          assert.equal(intrinsicGas(list, 0), Number(expected.intrinsicGas), where);
        } else {
          const exception = expected.exception.replace("TransactionException.", "");
          assert.notEqual(verdict, 0, `${where}, expected ${exception}`);
          if (exception === "INVALID_SIGNATURE_VRS" || exception === "EC_RECOVERY_FAIL") {
            assert.ok(
              verdict < 0x1000 || BEFORE_SIGNATURE.includes(verdict),
              `${where}, expected ${exception}`,
            );
          } else {
            const allowed = VERDICTS_OF[exception] ?? STRUCTURE;
            assert.ok(
              (allowed as readonly number[]).includes(verdict),
              `${where}, expected ${exception}`,
            );
          }
        }
        graded++;
      }
    }
  }
  assert.ok(graded > 2000, `graded ${graded}`);
});
