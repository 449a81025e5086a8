/**
 * Lending markets: collateral is locked, debts are taken and repaid, lenders supply; then the price falls, and debts close to
 * their limit are liquidated. Contention is the number of markets, since every debt changes its market's totals.
 *
 * @module
 */
import { encodeCall } from "../abi.ts";
import type { TestAccount } from "../accounts.ts";
import { type Contention, drawUniform, drawZipf } from "../draw.ts";
import { LendingMarket, PriceOracle, Token } from "../generated/contracts.ts";
import { layApprovals, layTokens, UNLIMITED } from "../layout.ts";
import type { Random } from "../random.ts";
import type { PlannedTransaction, Scenario } from "../scenario.ts";

const ETHER = 10n ** 18n;
const PRICE = 2000n * ETHER;
/** At this price a debt of 1 490 against one unit of collateral is past 80 % of its worth. */
const FALLEN_PRICE = 1800n * ETHER;
const SAFE_DEBT = 500n * ETHER;
const RISKY_DEBT = 1490n * ETHER;
/** A market with no interest yet issues a million shares a unit. */
const SHARES_PER_UNIT = 1_000_000n;
const PURSE = 1_000_000n * ETHER;
const GAS = 350_000;

function markets(
  marketsFor: (count: number) => number,
  draw: (random: Random, count: number) => number,
): Scenario {
  return (stage, count) => {
    const { random, operator } = stage;
    const asset = stage.deploy(Token, "Lanewise Dollar", "LWD");
    const collateral = stage.deploy(Token, "Lanewise Ether", "LWE");
    const oracle = stage.deploy(PriceOracle, PRICE);
    const lenders = Array.from({ length: marketsFor(count) }, () =>
      stage.deploy(LendingMarket, asset, collateral, oracle),
    );
    const supply = 1_000_000_000n * ETHER;
    const mint = encodeCall(
      Token,
      "mint(address[],uint256)",
      [operator.address],
      supply * BigInt(lenders.length),
    );
    stage.call(asset, mint);
    for (const market of lenders) {
      stage.call(asset, encodeCall(Token, "approve(address,uint256)", market, UNLIMITED));
      stage.call(market, encodeCall(LendingMarket, "supply(uint256)", supply));
    }

    const users = lenders.map(() => [] as Uint8Array[]);
    const opening: PlannedTransaction[] = [];
    const middle: PlannedTransaction[] = [];
    const closing: PlannedTransaction[] = [];
    type Signature = keyof typeof LendingMarket.selectors;
    const plan = (
      phase: PlannedTransaction[],
      from: TestAccount,
      market: number,
      signature: Signature,
      ...values: (bigint | Uint8Array)[]
    ): void => {
      const data = encodeCall(LendingMarket, signature, ...values);
      phase.push({ from, to: lenders[market], data, gasLimit: GAS });
    };
    // Ten transactions a unit: two borrowers who repay, one lender, one borrower who is liquidated.
    const units = Math.ceil(count / 10);
    const accounts = stage.accounts(5 * units);
    for (let unit = 0; unit < units; unit++) {
      const members = accounts.slice(5 * unit, 5 * unit + 5);
      const [first, second, lender, risky, liquidator] = members;
      const market = draw(random, lenders.length);
      users[market].push(...members.map((member) => member.address));
      for (const borrower of [first, second]) {
        plan(opening, borrower, market, "lock(uint256)", ETHER);
        plan(middle, borrower, market, "borrow(uint256)", SAFE_DEBT);
        const shares = (SAFE_DEBT * SHARES_PER_UNIT) / 2n;
        plan(closing, borrower, market, "repay(address,uint256)", borrower.address, shares);
      }
      plan(middle, lender, market, "supply(uint256)", ETHER * BigInt(1 + random.below(1000)));
      plan(opening, risky, market, "lock(uint256)", ETHER);
      plan(middle, risky, market, "borrow(uint256)", RISKY_DEBT);
      const shares = (RISKY_DEBT * SHARES_PER_UNIT) / 2n;
      plan(closing, liquidator, market, "liquidate(address,uint256)", risky.address, shares);
    }
    stage.lay((state) => {
      for (const [i, market] of lenders.entries()) {
        for (const token of [asset, collateral]) {
          layTokens(state, token, users[i], PURSE);
          layApprovals(state, token, users[i], market);
        }
      }
    });
    const fall: PlannedTransaction = {
      from: operator,
      to: oracle,
      data: encodeCall(PriceOracle, "set(uint256)", FALLEN_PRICE),
      gasLimit: GAS,
    };
    return [...opening, ...middle, fall, ...closing].slice(0, count);
  };
}

/** Many isolated markets; a few of which some are hot; one market for all. */
export const lending: Readonly<Record<Contention, Scenario>> = {
  low: markets((count) => Math.max(2, Math.min(256, Math.ceil(count / 10))), drawUniform),
  medium: markets((count) => Math.max(2, Math.min(16, count >> 5)), drawZipf),
  high: markets(() => 1, drawUniform),
};
