/**
 * Transfers of a tokenised asset between admitted investors, a fifth of whom have part of their holding locked.
 *
 * @module
 */
import { encodeTransfer } from "../abi.ts";
import { type Contention, drawHot } from "../draw.ts";
import { RestrictedAsset } from "../generated/contracts.ts";
import { layInvestors, layTokens } from "../layout.ts";
import type { Random } from "../random.ts";
import type { PlannedTransaction, Scenario } from "../scenario.ts";

const HOLDING = 10n ** 18n;
const GAS = 90_000;
const YEAR = 365n * 86_400n;

function transfers(
  pairing: (random: Random, index: number, count: number) => readonly [number, number],
): Scenario {
  return (stage, count) => {
    const { random } = stage;
    const asset = stage.deploy(RestrictedAsset, "Lanewise Estate", "LWRE");
    const investors = stage.accounts(count);
    const addresses = investors.map((investor) => investor.address);
    stage.lay((state) => {
      const until = BigInt(stage.timestamp) + YEAR;
      layTokens(state, asset, addresses, HOLDING);
      layInvestors(state, asset, addresses);
      const locked = addresses.filter((_, index) => index % 5 === 4);
      layInvestors(state, asset, locked, { amount: HOLDING / 2n, until });
    });
    return investors.map((_, index): PlannedTransaction => {
      const [from, to] = pairing(random, index, count);
      const data = encodeTransfer(addresses[to], 1 + random.below(1_000_000));
      return { from: investors[from], to: asset, data, gasLimit: GAS };
    });
  };
}

/** Pairs that never meet; a custodian who receives one in ten; one issuer who pays everyone. */
export const assets: Readonly<Record<Contention, Scenario>> = {
  low: transfers((_random, index, count) => [index, (index + (count >> 1)) % count]),
  medium: transfers((random, index, count) => [index, drawHot(random, count)]),
  high: transfers((_random, index) => [0, index]),
};
