/**
 * A collection of ERC-721 tokens and a marketplace: mint, approve, list, buy. Each sale pays a royalty (EIP-2981).
 *
 * @module
 */
import { encodeCall } from "../abi.ts";
import { type Contention, drawUniform, drawZipf } from "../draw.ts";
import { Collectible, Marketplace } from "../generated/contracts.ts";
import type { PlannedTransaction, Scenario } from "../scenario.ts";

const MINT_GAS = 250_000;
const TRADE_GAS = 250_000;

/** How tokens are numbered, and whom royalties go to. */
interface Trait {
  /** Numbered by one counter, instead of by the minter's choice. */
  readonly edition: boolean;
  readonly creators: (count: number) => number;
  readonly draw: typeof drawUniform;
}

function sales({ edition, creators: creatorsFor, draw }: Trait): Scenario {
  return (stage, count) => {
    const { random } = stage;
    const collection = stage.deploy(Collectible);
    const market = stage.deploy(Marketplace);
    const units = Math.ceil(count / 4);
    const sellers = stage.accounts(units);
    const buyers = stage.accounts(units);
    const creators = stage.accounts(creatorsFor(units));
    const mints: PlannedTransaction[] = [];
    const approvals: PlannedTransaction[] = [];
    const listings: PlannedTransaction[] = [];
    const purchases: PlannedTransaction[] = [];
    for (const [unit, from] of sellers.entries()) {
      const creator = creators[draw(random, creators.length)].address;
      const id = edition
        ? BigInt(unit + 1)
        : BigInt(`0x${Buffer.from(random.bytes(16)).toString("hex")}`);
      const price = 1_000_000 + random.below(1_000_000_000);
      const mint = edition
        ? encodeCall(Collectible, "mintNext(address)", creator)
        : encodeCall(Collectible, "mint(uint256,address)", id, creator);
      mints.push({ from, to: collection, data: mint, gasLimit: MINT_GAS });
      const approval = encodeCall(Collectible, "approve(address,uint256)", market, id);
      approvals.push({ from, to: collection, data: approval, gasLimit: TRADE_GAS });
      const listing = encodeCall(
        Marketplace,
        "list(address,uint256,uint96)",
        ...[collection, id, price],
      );
      listings.push({ from, to: market, data: listing, gasLimit: TRADE_GAS });
      const purchase = encodeCall(Marketplace, "buy(address,uint256)", collection, id);
      purchases.push({
        from: buyers[unit],
        to: market,
        value: price,
        data: purchase,
        gasLimit: TRADE_GAS,
      });
    }
    return [...mints, ...approvals, ...listings, ...purchases].slice(0, count);
  };
}

/** Chosen token ids and a creator each; few creators, some famous; a numbered edition of one creator. */
export const collectibles: Readonly<Record<Contention, Scenario>> = {
  low: sales({ edition: false, creators: (units) => units, draw: drawUniform }),
  medium: sales({ edition: false, creators: (units) => Math.min(32, units), draw: drawZipf }),
  high: sales({ edition: true, creators: () => 1, draw: drawUniform }),
};
