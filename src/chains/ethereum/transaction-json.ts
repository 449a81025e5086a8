/**
 * Transactions as JSON-RPC objects → raw bytes of their type (execution-apis, "signed transaction" schemas).
 *
 * @module
 */
import { TransactionType } from "./fields.ts";
import { malformed } from "./header.ts";
import { asArray, asData, asObject, asQuantity, isPresent, type JsonObject } from "./json.ts";
import { encodeRlp, type RlpInput } from "./rlp.ts";

/** A contradiction inside a JSON object: it reads well, and it cannot be true. */
export interface JsonInconsistency {
  /** Where, as `transactions[3].gasPrice`. */
  readonly path: string;
  /** One sentence: expected and got. */
  readonly reason: string;
}

/**
 * Re-encodes a transaction object.
 *
 * Values are not judged here: what `decodeTransactions` would refuse is encoded all the same, so that it gets its verdict.
 *
 * @param inconsistencies takes what two fields of the object say differently.
 * @throws LanewiseError `ERR_INPUT` with the JSON path of what is missing or malformed.
 */
export function encodeTransactionJson(
  value: unknown,
  path: string,
  inconsistencies: JsonInconsistency[] = [],
): Uint8Array {
  const json = asObject(value, path);
  const type = isPresent(json.type) ? asQuantity(json.type, `${path}.type`) : 0n;
  if (type > BigInt(TransactionType.SetCode)) {
    throw malformed(`${path}.type`, "0x0 to 0x4", `0x${type.toString(16)}`);
  }
  const quantity = (name: string): bigint => asQuantity(json[name], `${path}.${name}`);
  const to = isPresent(json.to) ? asData(json.to, `${path}.to`, 20) : new Uint8Array(0);
  const call: RlpInput[] = [quantity("gas"), to, quantity("value"), inputOf(json, path)];
  const r = quantity("r");
  const s = quantity("s");
  if (type === 0n) {
    const v = quantity("v");
    checkLegacyChainId(json, path, v, inconsistencies);
    return encodeRlp([quantity("nonce"), quantity("gasPrice"), ...call, v, r, s]);
  }

  const fees =
    type === 1n
      ? [quantity("gasPrice")]
      : [quantity("maxPriorityFeePerGas"), quantity("maxFeePerGas")];
  const fields: RlpInput[] = [quantity("chainId"), quantity("nonce"), ...fees, ...call];
  fields.push(accessListOf(json, path));
  if (type === 3n) {
    fields.push(quantity("maxFeePerBlobGas"));
    const hashes = asArray(json.blobVersionedHashes, `${path}.blobVersionedHashes`);
    fields.push(hashes.map((hash, i) => asData(hash, `${path}.blobVersionedHashes[${i}]`, 32)));
  }
  if (type === 4n) fields.push(authorizationsOf(json, path, inconsistencies));
  fields.push(yParityOf(json, path, inconsistencies), r, s);
  const list = encodeRlp(fields);
  const raw = new Uint8Array(1 + list.length);
  raw[0] = Number(type);
  raw.set(list, 1);
  return raw;
}

/** `input`, or `data` as some clients call it. */
function inputOf(json: JsonObject, path: string): Uint8Array {
  const name = isPresent(json.input) || !isPresent(json.data) ? "input" : "data";
  return asData(json[name], `${path}.${name}`);
}

function accessListOf(json: JsonObject, path: string): RlpInput[] {
  // Some clients leave an empty list out.
  if (!isPresent(json.accessList)) return [];
  return asArray(json.accessList, `${path}.accessList`).map((value, i) => {
    const where = `${path}.accessList[${i}]`;
    const entry = asObject(value, where);
    const keys = asArray(entry.storageKeys, `${where}.storageKeys`);
    return [
      asData(entry.address, `${where}.address`, 20),
      keys.map((key, k) => asData(key, `${where}.storageKeys[${k}]`, 32)),
    ];
  });
}

function authorizationsOf(
  json: JsonObject,
  path: string,
  inconsistencies: JsonInconsistency[],
): RlpInput[] {
  return asArray(json.authorizationList, `${path}.authorizationList`).map((value, i) => {
    const where = `${path}.authorizationList[${i}]`;
    const entry = asObject(value, where);
    return [
      asQuantity(entry.chainId, `${where}.chainId`),
      asData(entry.address, `${where}.address`, 20),
      asQuantity(entry.nonce, `${where}.nonce`),
      yParityOf(entry, where, inconsistencies),
      asQuantity(entry.r, `${where}.r`),
      asQuantity(entry.s, `${where}.s`),
    ];
  });
}

/** `yParity`, which newer clients repeat as `v` and older ones call so. */
function yParityOf(json: JsonObject, path: string, inconsistencies: JsonInconsistency[]): bigint {
  if (!isPresent(json.yParity)) return asQuantity(json.v, `${path}.v`);
  const yParity = asQuantity(json.yParity, `${path}.yParity`);
  if (isPresent(json.v) && asQuantity(json.v, `${path}.v`) !== yParity) {
    inconsistencies.push({ path: `${path}.v`, reason: `expected yParity ${yParity}, got another` });
  }
  return yParity;
}

/** A chain id beside a legacy transaction has to be the one in v (EIP-155). */
function checkLegacyChainId(
  json: JsonObject,
  path: string,
  v: bigint,
  inconsistencies: JsonInconsistency[],
): void {
  if (!isPresent(json.chainId) || v < 35n) return;
  const claimed = asQuantity(json.chainId, `${path}.chainId`);
  const signed = (v - 35n) / 2n;
  if (claimed === signed) return;
  inconsistencies.push({
    path: `${path}.chainId`,
    reason: `expected ${signed}, which v names, got ${claimed}`,
  });
}
