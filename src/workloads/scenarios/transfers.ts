/** Plain transfers and ERC-20 transfers. @module */
import { encodeTransfer } from "../abi.ts";
import type { TestAccount } from "../accounts.ts";
import { type Contention, drawHot, drawZipf } from "../draw.ts";
import { Token } from "../generated/contracts.ts";
import { layTokens } from "../layout.ts";
import type { Random } from "../random.ts";
import type { PlannedTransaction, Scenario } from "../scenario.ts";

/** Gas of a transfer of ether to an account without code. */
export const PLAIN_GAS = 21_000;
/** Enough for an ERC-20 transfer to a new holder. */
export const TOKEN_GAS = 70_000;

/** Who pays whom: indices into as many accounts as there are transactions. */
type Pairing = (
  random: Random,
  index: number,
  count: number,
) => readonly [from: number, to: number];

/** Everyone pays the one opposite: no account appears twice as sender or as receiver. */
const independent: Pairing = (_random, index, count) => [index, (index + (count >> 1)) % count];
const zipf: Pairing = (random, _index, count) => [drawZipf(random, count), drawZipf(random, count)];
const hot: Pairing = (random, index, count) => [index, drawHot(random, count)];
const hotReceiver: Pairing = (_random, index) => [index, 0];
const senderChain: Pairing = (_random, index) => [0, index];

const independentPlain: Pairing = (_random, index, count) => [index, count + index];

/** Value transfers by a pairing over `2 × count` accounts, of which the first half sends. */
function plain(pairing: Pairing): Scenario {
  return (stage, count) => {
    const accounts = stage.accounts(2 * count);
    return Array.from({ length: count }, (_, index): PlannedTransaction => {
      const [from, to] = pairing(stage.random, index, count);
      const value = 1 + stage.random.below(1_000_000);
      return { from: accounts[from], to: accounts[to].address, value, gasLimit: PLAIN_GAS };
    });
  };
}

/** Token transfers by a pairing over `count` holders. */
function tokens(pairing: Pairing): Scenario {
  return (stage, count) => {
    const holders: TestAccount[] = stage.accounts(count);
    const token = stage.deploy(Token, "Lanewise Dollar", "LWD");
    stage.lay((state) => {
      const addresses = holders.map((holder) => holder.address);
      layTokens(state, token, addresses, 10n ** 18n);
    });
    return Array.from({ length: count }, (_, index): PlannedTransaction => {
      const [from, to] = pairing(stage.random, index, count);
      const amount = 1 + stage.random.below(1_000_000);
      const data = encodeTransfer(holders[to].address, amount);
      return { from: holders[from], to: token, data, gasLimit: TOKEN_GAS };
    });
  };
}

/** Plain transfers: pairs that never meet; a Zipf-distributed crowd; everyone paying one account. */
export const plainTransfers: Readonly<Record<Contention, Scenario>> = {
  low: plain(independentPlain),
  medium: plain(zipf),
  high: plain(hotReceiver),
};

/** ERC-20 transfers by pattern. */
export const tokenTransfers = {
  independent: tokens(independent),
  zipf: tokens(zipf),
  hot: tokens(hot),
  "hot-receiver": tokens(hotReceiver),
  "sender-chain": tokens(senderChain),
} as const satisfies Record<string, Scenario>;
