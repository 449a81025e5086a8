/** A block as `eth_getBlockByNumber` answers it: the inverse of `blockFromJson`, for tests. @module */
import {
  type Block,
  type BlockHeader,
  decodeTransactions,
  keccakOf,
  singleForkSchedule,
  type TransactionList,
  TransactionType,
  toHex,
  transactionRules,
} from "../../src/chains/ethereum/index.ts";

const quantity = (value: bigint | number): string => `0x${value.toString(16)}`;

const HEADER_NAMES: Partial<Record<keyof BlockHeader, string>> = {
  ommersHash: "sha3Uncles",
  coinbase: "miner",
};

function transactionJson(list: TransactionList, i: number, header: BlockHeader): object {
  const type = list.type(i);
  const to = list.to(i);
  const isLegacy = type === TransactionType.Legacy;
  const hasTip = type >= TransactionType.DynamicFee;
  const authorizations = Array.from({ length: list.authorizationsOf(i) }, (_, k) =>
    list.authorization(list.firstAuthorization(i) + k),
  );
  return {
    type: quantity(type),
    ...(isLegacy ? {} : { chainId: quantity(list.chainId(i) ?? 0n) }),
    nonce: quantity(list.nonce(i)),
    gas: quantity(list.gasLimit(i)),
    gasPrice: quantity(list.effectiveGasPrice(i, header.baseFeePerGas ?? 0n)),
    ...(hasTip
      ? {
          maxFeePerGas: quantity(list.maxFeePerGas(i)),
          maxPriorityFeePerGas: quantity(list.maxPriorityFeePerGas(i)),
        }
      : {}),
    to: to === undefined ? null : toHex(to),
    value: quantity(list.value(i)),
    input: toHex(list.data(i)),
    ...(isLegacy
      ? {}
      : {
          accessList: list.accessList(i).map(({ address, storageKeys }) => ({
            address: toHex(address),
            storageKeys: storageKeys.map(toHex),
          })),
          yParity: quantity(list.yParity(i)),
        }),
    ...(type === TransactionType.Blob
      ? {
          maxFeePerBlobGas: quantity(list.maxFeePerBlobGas(i)),
          blobVersionedHashes: Array.from({ length: list.blobCount(i) }, (_, k) =>
            toHex(list.blobVersionedHash(i, k)),
          ),
        }
      : {}),
    ...(type === TransactionType.SetCode
      ? {
          authorizationList: authorizations.map(({ chainId, address, nonce, yParity, r, s }) => ({
            chainId: quantity(chainId),
            address: toHex(address),
            nonce: quantity(nonce),
            yParity: quantity(yParity),
            r: quantity(r),
            s: quantity(s),
          })),
        }
      : {}),
    v: quantity(isLegacy ? list.v(i) : list.yParity(i)),
    r: quantity(list.r(i)),
    s: quantity(list.s(i)),
  };
}

/** The JSON of a block of a generated chain (Prague, chain 1337). */
export function blockJson(block: Block, hash: Uint8Array, senders: Uint8Array): object {
  const { header } = block;
  const { activations, chainId } = singleForkSchedule("prague", 1337n);
  const list = decodeTransactions(
    block.transactions,
    transactionRules(activations[0].fork, chainId),
  );
  const fields = Object.entries(header).map(([name, value]) => [
    HEADER_NAMES[name as keyof BlockHeader] ?? name,
    typeof value === "bigint" ? quantity(value) : toHex(value as Uint8Array),
  ]);
  return {
    ...Object.fromEntries(fields),
    hash: toHex(hash),
    transactions: block.transactions.map((raw, i) => ({
      ...transactionJson(list, i, header),
      hash: toHex(keccakOf(raw)),
      from: toHex(senders.subarray(20 * i, 20 * i + 20)),
      blockHash: toHex(hash),
      blockNumber: quantity(header.number),
      transactionIndex: quantity(i),
    })),
    uncles: [],
    withdrawals: (block.withdrawals ?? []).map(({ index, validatorIndex, address, amount }) => ({
      index: quantity(index),
      validatorIndex: quantity(validatorIndex),
      address: toHex(address),
      amount: quantity(amount),
    })),
  };
}
