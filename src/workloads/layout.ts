/**
 * Storage words of the contracts by Solidity's layout rules, so that ten thousand holders need no ten thousand transactions.
 *
 * Slots come from the compiler (`generated/contracts.ts`); tests compare the words laid here with those that calls write.
 *
 * @module
 */
import { keccak_256 } from "@noble/hashes/sha3.js";
import { padStart, wordOf } from "./abi.ts";
import type { ChainState } from "./chain-state.ts";
import { Game, RestrictedAsset, Token } from "./generated/contracts.ts";
import type { Quantity } from "./rlp-writer.ts";

/** Slot of `mapping[key]`; `key` up to 32 bytes, `slot` a number or the slot of an outer mapping's entry. */
export function mappingSlot(key: Uint8Array, slot: number | Uint8Array): Uint8Array {
  const preimage = new Uint8Array(64);
  preimage.set(padStart(key), 0);
  preimage.set(typeof slot === "number" ? wordOf(slot) : slot, 32);
  return keccak_256(preimage);
}

const readQuantity = (word: Uint8Array): bigint => BigInt(`0x${Buffer.from(word).toString("hex")}`);

function add(state: ChainState, contract: Uint8Array, slot: Uint8Array, amount: bigint): void {
  const sum = readQuantity(state.source.storage(contract, slot)) + amount;
  state.setStorage(contract, slot, wordOf(sum));
}

/** Mints `amount` of an ERC-20 token to each holder. {@link Token} and {@link RestrictedAsset} begin alike. */
export function layTokens(
  state: ChainState,
  token: Uint8Array,
  holders: Iterable<Uint8Array>,
  amount: bigint,
): void {
  let minted = 0n;
  for (const holder of holders) {
    add(state, token, mappingSlot(holder, Token.slots._balances), amount);
    minted += amount;
  }
  add(state, token, wordOf(Token.slots._totalSupply), minted);
}

/** The allowance that OpenZeppelin's ERC-20 never counts down. */
export const UNLIMITED = (1n << 256n) - 1n;

/** Lets `spender` take any amount of a token from each holder. */
export function layApprovals(
  state: ChainState,
  token: Uint8Array,
  holders: Iterable<Uint8Array>,
  spender: Uint8Array,
): void {
  for (const holder of holders) {
    const slot = mappingSlot(spender, mappingSlot(holder, Token.slots._allowances));
    state.setStorage(token, slot, wordOf(UNLIMITED));
  }
}

/** Gives each player an amount of one of the game's tokens. */
export function layGameTokens(
  state: ChainState,
  game: Uint8Array,
  players: Iterable<Uint8Array>,
  id: Quantity,
  amount: bigint,
): void {
  const balances = mappingSlot(wordOf(id), Game.slots._balances);
  for (const player of players) add(state, game, mappingSlot(player, balances), amount);
}

/** Puts investors on an asset's allow-list, with `locked` of their holding locked until a time. */
export function layInvestors(
  state: ChainState,
  asset: Uint8Array,
  investors: Iterable<Uint8Array>,
  locked: { readonly amount: bigint; readonly until: bigint } = { amount: 0n, until: 0n },
): void {
  const word = wordOf(1n | (locked.until << 8n) | (locked.amount << 72n));
  for (const investor of investors)
    state.setStorage(asset, mappingSlot(investor, RestrictedAsset.slots.investors), word);
}
