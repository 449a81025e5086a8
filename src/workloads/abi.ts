/**
 * Calldata for the contracts of `contracts/`, by the Solidity ABI: every argument is one of a few shapes, told by its value.
 *
 * @module
 */
import type { CompiledContract } from "./generated/contracts.ts";
import { Token } from "./generated/contracts.ts";
import type { Quantity } from "./rlp-writer.ts";

/** A tuple or a byte string, which a value alone cannot tell from an array or a word. */
export type AbiDynamic = { readonly tuple: readonly AbiValue[] } | { readonly bytes: Uint8Array };

/**
 * A number or a boolean is one word; 20 and 32 bytes are an address and a word; a string is `string`; an array is `T[]`; see
 * {@link AbiDynamic} for the rest.
 */
export type AbiValue = Quantity | boolean | Uint8Array | string | readonly AbiValue[] | AbiDynamic;

const WORD_BYTES = 32;

/** A non-negative integer below 2²⁵⁶ as a 32-byte word. */
export function wordOf(value: Quantity): Uint8Array {
  return Uint8Array.from(Buffer.from(value.toString(16).padStart(64, "0"), "hex"));
}

/** An address or a shorter byte string at the end of a 32-byte word. */
export function padStart(bytes: Uint8Array): Uint8Array {
  const word = new Uint8Array(WORD_BYTES);
  word.set(bytes, WORD_BYTES - bytes.length);
  return word;
}

function padEnd(bytes: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil(bytes.length / WORD_BYTES) * WORD_BYTES);
  padded.set(bytes);
  return padded;
}

const isWord = (value: AbiValue): value is Quantity | boolean | Uint8Array =>
  typeof value === "number" ||
  typeof value === "bigint" ||
  typeof value === "boolean" ||
  value instanceof Uint8Array;

/** Whether a value stands in the head itself rather than behind an offset. */
function isStatic(value: AbiValue): boolean {
  if (isWord(value)) return true;
  return typeof value === "object" && "tuple" in value && value.tuple.every(isStatic);
}

function encodeValue(value: AbiValue): Uint8Array {
  if (typeof value === "string") return encodeValue({ bytes: Buffer.from(value, "utf8") });
  if (value instanceof Uint8Array) return padStart(value);
  if (typeof value === "boolean") return wordOf(value ? 1 : 0);
  if (isWord(value)) return wordOf(value);
  if ("bytes" in value) return Buffer.concat([wordOf(value.bytes.length), padEnd(value.bytes)]);
  if ("tuple" in value) return encodeArguments(value.tuple);
  return Buffer.concat([wordOf(value.length), encodeArguments(value)]);
}

/** Heads, then the tails they point to. */
export function encodeArguments(values: readonly AbiValue[]): Uint8Array {
  const encoded = values.map(encodeValue);
  let tailAt = 0;
  for (const [i, value] of values.entries())
    tailAt += isStatic(value) ? encoded[i].length : WORD_BYTES;
  const heads: Uint8Array[] = [];
  const tails: Uint8Array[] = [];
  for (const [i, value] of values.entries()) {
    if (isStatic(value)) {
      heads.push(encoded[i]);
    } else {
      heads.push(wordOf(tailAt));
      tails.push(encoded[i]);
      tailAt += encoded[i].length;
    }
  }
  return Uint8Array.from(Buffer.concat([...heads, ...tails]));
}

/** Calldata of a function of a compiled contract, by its signature. */
export function encodeCall<Contract extends CompiledContract>(
  contract: Contract,
  signature: keyof Contract["selectors"] & string,
  ...values: AbiValue[]
): Uint8Array {
  const selector = Buffer.from(contract.selectors[signature], "hex");
  return Uint8Array.from(Buffer.concat([selector, encodeArguments(values)]));
}

/** Creation code with the constructor's arguments behind it. */
export function encodeCreation(contract: CompiledContract, ...values: AbiValue[]): Uint8Array {
  const creation = Buffer.from(contract.creation, "hex");
  return Uint8Array.from(Buffer.concat([creation, encodeArguments(values)]));
}

const transferHead = encodeCall(Token, "transfer(address,uint256)", new Uint8Array(20), 0);

/** Calldata of `transfer(to, amount)`, for generators that write millions; `amount` is a safe integer. */
export function encodeTransfer(to: Uint8Array, amount: number): Uint8Array {
  const data = transferHead.slice();
  data.set(to, 16);
  const view = new DataView(data.buffer);
  view.setUint32(60, Math.floor(amount / 2 ** 32));
  view.setUint32(64, amount);
  return data;
}
