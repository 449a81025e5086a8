/** The contracts of the workloads do what they say: through the serial oracle, call by call. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { wordOf } from "../../src/workloads/abi.ts";
import * as contracts from "../../src/workloads/generated/contracts.ts";
import {
  layApprovals,
  layGameTokens,
  layInvestors,
  layTokens,
  UNLIMITED,
} from "../../src/workloads/layout.ts";
import { stepDigest } from "../../src/workloads/scenarios/attestations.ts";
import { createSigner } from "../../src/workloads/signer.ts";
import { Machine } from "./machine.ts";

const ETHER = 10n ** 18n;
const NEVER = (1n << 64n) - 1n;

test("Token: mints, transfers, refuses what is not there", async () => {
  const machine = new Machine();
  const [owner, alice, bob] = machine.accounts;
  const token = await machine.deploy(contracts.Token, "Test", "T");
  assert.ok(!(await token.send(alice, "mint(address[],uint256)", [[alice.address], 1])).status);
  assert.ok((await token.send(owner, "mint(address[],uint256)", [[alice.address], 100])).status);
  const receipt = await token.send(alice, "transfer(address,uint256)", [bob.address, 30]);
  assert.ok(receipt.status);
  assert.deepEqual(receipt.logs[0].data, wordOf(30));
  assert.deepEqual(await token.read("balanceOf(address)", alice.address), [70n]);
  assert.deepEqual(await token.read("balanceOf(address)", bob.address), [30n]);
  assert.deepEqual(await token.read("totalSupply()"), [100n]);
  assert.ok(!(await token.send(bob, "transfer(address,uint256)", [alice.address, 31])).status);
});

test("layout: words laid by hand read back through the contracts", async () => {
  const machine = new Machine();
  const [, alice, bob] = machine.accounts;
  const addresses = [alice.address, bob.address];
  const token = await machine.deploy(contracts.Token, "Test", "T");
  layTokens(machine.state, token.address, addresses, 500n);
  layApprovals(machine.state, token.address, [alice.address], bob.address);
  assert.deepEqual(await token.read("balanceOf(address)", bob.address), [500n]);
  assert.deepEqual(await token.read("totalSupply()"), [1000n]);
  const allowance = await token.read("allowance(address,address)", alice.address, bob.address);
  assert.deepEqual(allowance, [UNLIMITED]);
  const game = await machine.deploy(contracts.Game);
  layGameTokens(machine.state, game.address, [bob.address], 3, 9n);
  assert.deepEqual(await game.read("balanceOf(address,uint256)", bob.address, 3), [9n]);
  const asset = await machine.deploy(contracts.RestrictedAsset, "Asset", "A");
  layInvestors(machine.state, asset.address, [alice.address], { amount: 5n, until: 77n });
  assert.deepEqual(await asset.read("investors(address)", alice.address), [1n, 77n, 5n]);
});

describe("Pair and Router", () => {
  async function open() {
    const machine = new Machine();
    const [owner, trader] = machine.accounts;
    const router = await machine.deploy(contracts.Router);
    const tokens = [];
    for (const name of ["A", "B", "C"])
      tokens.push(await machine.deploy(contracts.Token, name, name));
    const pools = [];
    for (const i of [0, 1]) {
      const sides = [tokens[i].address, tokens[i + 1].address];
      pools.push(await machine.deploy(contracts.Pair, ...sides));
    }
    for (const token of tokens) {
      layTokens(machine.state, token.address, [owner.address, trader.address], 1000n * ETHER);
      for (const { address } of [owner, trader])
        layApprovals(machine.state, token.address, [address], router.address);
    }
    for (const pool of pools) {
      const values = [pool.address, 100n * ETHER, 200n * ETHER, 1, owner.address, NEVER];
      const signature = "deposit(address,uint256,uint256,uint256,address,uint256)";
      assert.ok((await router.send(owner, signature, values)).status);
    }
    return { machine, owner, trader, router, tokens, pools };
  }
  const swap = "swap(address[],address,uint256,uint256,address,uint256)" as const;

  test("a swap pays the quoted output, and the product of the reserves grows by the fee", async () => {
    const { trader, router, tokens, pools } = await open();
    const [before0, before1] = await pools[0].read("reserves()");
    const token0 = (await pools[0].read("token0()"))[0];
    const first = token0 === BigInt(`0x${Buffer.from(tokens[0].address).toString("hex")}`);
    const [reserveIn, reserveOut] = first ? [before0, before1] : [before1, before0];
    const input = 10n * ETHER;
    const expected = (input * 997n * reserveOut) / (reserveIn * 1000n + input * 997n);
    const values = (minimum: bigint) => [
      [pools[0].address],
      tokens[0].address,
      input,
      minimum,
      trader.address,
      NEVER,
    ];
    const tooMuch = await router.send(trader, swap, values(expected + 1n));
    assert.ok(!tooMuch.status, "slippage bound");
    assert.ok((await router.send(trader, swap, values(expected))).status);
    const [balance] = await tokens[1].read("balanceOf(address)", trader.address);
    assert.equal(balance, 1000n * ETHER + expected);
    const [after0, after1] = await pools[0].read("reserves()");
    assert.ok(after0 * after1 > before0 * before1);
    assert.equal(after0 + after1, before0 + before1 + input - expected);
  });

  test("two hops; an expired deadline; a token of neither side; a foreign pool drained in vain", async () => {
    const { trader, router, tokens, pools } = await open();
    const path = pools.map((pool) => pool.address);
    const values = [path, tokens[0].address, ETHER, 1, trader.address];
    assert.ok(!(await router.send(trader, swap, [...values, 1])).status);
    assert.ok((await router.send(trader, swap, [...values, NEVER])).status);
    const [balance] = await tokens[2].read("balanceOf(address)", trader.address);
    assert.ok(balance > 1000n * ETHER);
    const wrong = [[path[1]], tokens[0].address, ETHER, 1, trader.address, NEVER];
    assert.ok(!(await router.send(trader, swap, wrong)).status);
    const steal = [ETHER, 0, trader.address];
    assert.ok(!(await pools[0].send(trader, "swap(uint256,uint256,address)", steal)).status);
  });

  test("shares: a deposit is worth its part, a withdrawal gives it back less rounding", async () => {
    const { trader, router, tokens, pools } = await open();
    const [pool] = pools;
    const deposit = "deposit(address,uint256,uint256,uint256,address,uint256)";
    const values = [pool.address, 10n * ETHER, 500n * ETHER, 1, trader.address, NEVER];
    assert.ok((await router.send(trader, deposit, values)).status);
    const [shares] = await pool.read("balanceOf(address)", trader.address);
    const [supply] = await pool.read("totalSupply()");
    assert.ok(shares * 11n <= supply && shares * 11n > supply - 11n * 11n, "an eleventh");
    await pool.send(trader, "approve(address,uint256)", [router.address, shares]);
    const withdraw = "withdraw(address,uint256,uint256,uint256,address,uint256)";
    const out = [pool.address, shares, 1, 1, trader.address, NEVER];
    assert.ok((await router.send(trader, withdraw, out)).status);
    for (const token of tokens.slice(0, 2)) {
      const [balance] = await token.read("balanceOf(address)", trader.address);
      assert.ok(balance <= 1000n * ETHER && balance > 1000n * ETHER - 100n);
    }
  });
});

test("LendingMarket: limits, interest, repayment, liquidation only when unhealthy", async () => {
  const machine = new Machine();
  const [owner, lender, borrower, liquidator] = machine.accounts;
  const asset = await machine.deploy(contracts.Token, "Asset", "A");
  const collateral = await machine.deploy(contracts.Token, "Collateral", "C");
  const oracle = await machine.deploy(contracts.PriceOracle, 2000n * ETHER);
  const market = await machine.deploy(
    contracts.LendingMarket,
    ...[asset.address, collateral.address, oracle.address],
  );
  const users = [lender, borrower, liquidator].map((account) => account.address);
  for (const token of [asset, collateral]) {
    layTokens(machine.state, token.address, users, 10_000n * ETHER);
    layApprovals(machine.state, token.address, users, market.address);
  }
  assert.ok((await market.send(lender, "supply(uint256)", [10_000n * ETHER])).status);
  assert.ok((await market.send(borrower, "lock(uint256)", [ETHER])).status);
  assert.ok(!(await market.send(borrower, "borrow(uint256)", [1501n * ETHER])).status);
  assert.ok((await market.send(borrower, "borrow(uint256)", [1490n * ETHER])).status);
  assert.ok(!(await market.send(borrower, "release(uint256)", [ETHER / 10n])).status);
  const [shares] = await market.read("borrowShares(address)", borrower.address);
  const half = [borrower.address, shares / 2n];
  const liquidate = "liquidate(address,uint256)" as const;
  assert.ok(!(await market.send(liquidator, liquidate, half)).status, "healthy");
  assert.ok((await oracle.send(owner, "set(uint256)", [1800n * ETHER])).status);
  assert.ok(!(await oracle.send(lender, "set(uint256)", [1n])).status, "not the owner");
  assert.ok((await market.send(liquidator, liquidate, half)).status);
  const [seized] = await collateral.read("balanceOf(address)", liquidator.address);
  const worth = ((745n * ETHER * ETHER) / (1800n * ETHER)) * 105n;
  assert.ok(Math.abs(Number(seized - 10_000n * ETHER - worth / 100n)) < 1000, "5 % bonus");
  const [locked] = await market.read("collateralOf(address)", borrower.address);
  assert.equal(locked, ETHER - (seized - 10_000n * ETHER));
  machine.timestamp += 365 * 86_400;
  await market.send(lender, "accrue()");
  const [debt] = await market.read("debtOf(address)", borrower.address);
  assert.ok(debt > (745n * ETHER * 1049n) / 1000n && debt < (745n * ETHER * 1051n) / 1000n);
  const [rest] = await market.read("borrowShares(address)", borrower.address);
  assert.ok((await market.send(borrower, "repay(address,uint256)", half.with(1, rest))).status);
  assert.deepEqual(await market.read("debtOf(address)", borrower.address), [0n]);
  assert.ok((await market.send(borrower, "release(uint256)", [locked])).status);
  const [claim] = await market.read("supplyShares(address)", lender.address);
  assert.ok((await market.send(lender, "redeem(uint256)", [claim])).status);
  const [redeemed] = await asset.read("balanceOf(address)", lender.address);
  assert.ok(redeemed > 10_030n * ETHER, "interest was earned");
});

test("Collectible and Marketplace: the sale pays royalty and seller, and the token moves", async () => {
  const machine = new Machine();
  const [, seller, buyer, creator] = machine.accounts;
  const collection = await machine.deploy(contracts.Collectible);
  const market = await machine.deploy(contracts.Marketplace);
  assert.ok((await collection.send(seller, "mint(uint256,address)", [42, creator.address])).status);
  assert.ok(!(await collection.send(buyer, "mint(uint256,address)", [42, buyer.address])).status);
  const listing = [collection.address, 42, 1000];
  assert.ok(!(await market.send(buyer, "list(address,uint256,uint96)", listing)).status);
  assert.ok((await market.send(seller, "list(address,uint256,uint96)", listing)).status);
  const buy = "buy(address,uint256)" as const;
  const token = [collection.address, 42];
  assert.ok(!(await market.send(buyer, buy, token, 1000n)).status, "not approved");
  await collection.send(seller, "approve(address,uint256)", [market.address, 42]);
  assert.ok(!(await market.send(buyer, buy, token, 999n)).status, "too little");
  const before = [seller, buyer, creator].map(({ address }) => machine.balance(address));
  assert.ok((await market.send(buyer, buy, token, 1000n)).status);
  const after = [seller, buyer, creator].map(({ address }) => machine.balance(address));
  assert.deepEqual(after, [before[0] + 950n, before[1] - 1000n, before[2] + 50n]);
  const [owner] = await collection.read("ownerOf(uint256)", 42);
  assert.equal(owner, BigInt(`0x${Buffer.from(buyer.address).toString("hex")}`));
  assert.ok(!(await market.send(buyer, buy, token, 1000n)).status, "sold already");
});

test("Game: quests earn, forging burns, the last strike takes the bounty", async () => {
  const machine = new Machine();
  const [, player, friend] = machine.accounts;
  const game = await machine.deploy(contracts.Game);
  const gold = async (address: Uint8Array) =>
    (await game.read("balanceOf(address,uint256)", address, 0))[0];
  assert.ok(!(await game.send(player, "forge(uint256)", [1])).status, "nothing to burn");
  assert.ok((await game.send(player, "quest()")).status);
  const earned = await gold(player.address);
  assert.ok(earned >= 10n && earned < 26n);
  layGameTokens(machine.state, game.address, [player.address], 1, 2n);
  layGameTokens(machine.state, game.address, [player.address], 0, 20n);
  assert.ok((await game.send(player, "forge(uint256)", [1])).status);
  assert.equal(await gold(player.address), earned);
  assert.deepEqual(
    await game.read("balanceOf(address,uint256)", player.address, (1n << 32n) + 1n),
    [1n],
  );
  const give = [player.address, friend.address, 0, 5, { bytes: new Uint8Array(0) }];
  const transfer = "safeTransferFrom(address,address,uint256,uint256,bytes)";
  assert.ok((await game.send(player, transfer, give)).status);
  assert.equal(await gold(friend.address), 5n);
  assert.ok(!(await game.send(friend, transfer, give)).status, "not the holder");
  const monster = keccak_256(Buffer.concat([wordOf(9), wordOf(contracts.Game.slots.monsters)]));
  assert.ok((await game.send(friend, "strike(uint256)", [9])).status);
  assert.deepEqual(await game.read("monsters(uint256)", 9), [1n, 0n]);
  machine.state.setStorage(game.address, monster, wordOf(999));
  assert.ok((await game.send(friend, "strike(uint256)", [9])).status);
  assert.equal(await gold(friend.address), 505n);
  const [damage, generation] = await game.read("monsters(uint256)", 9);
  assert.deepEqual([damage, generation], [0n, 1n]);
});

test("RestrictedAsset: strangers and locked holdings do not move", async () => {
  const machine = new Machine();
  const [owner, alice, bob, stranger] = machine.accounts;
  const asset = await machine.deploy(contracts.RestrictedAsset, "Asset", "A");
  const transfer = "transfer(address,uint256)" as const;
  const admitted = [[alice.address, bob.address], true];
  assert.ok(!(await asset.send(alice, "admit(address[],bool)", admitted)).status);
  assert.ok((await asset.send(owner, "admit(address[],bool)", admitted)).status);
  assert.ok((await asset.send(owner, "issue(address[],uint256)", [[alice.address], 100])).status);
  assert.ok(!(await asset.send(alice, transfer, [stranger.address, 1])).status);
  const until = machine.timestamp + 1000;
  await asset.send(owner, "lock(address,uint128,uint64)", [alice.address, 60, until]);
  assert.ok((await asset.send(alice, transfer, [bob.address, 40])).status);
  assert.ok(!(await asset.send(alice, transfer, [bob.address, 1])).status);
  machine.timestamp = until;
  assert.ok((await asset.send(alice, transfer, [bob.address, 1])).status);
  await asset.send(owner, "admit(address[],bool)", [[bob.address], false]);
  assert.ok(!(await asset.send(bob, transfer, [alice.address, 1])).status);
});

test("SupplyChain: only the custodian's signature moves an item, in order, and measurements verify", async () => {
  const machine = new Machine();
  const [relayer, maker, carrier, shop] = machine.accounts;
  const signer = createSigner({ seed: "supply" });
  const chain = await machine.deploy(contracts.SupplyChain);
  assert.ok((await chain.send(maker, "register(uint256)", [5])).status);
  assert.ok(!(await chain.send(carrier, "register(uint256)", [5])).status);
  const leaves = [wordOf(21), wordOf(22)].map((leaf) => keccak_256(leaf));
  const sorted = [...leaves].sort(Buffer.compare);
  const measurements = keccak_256(Buffer.concat(sorted));
  const step = (previous: Uint8Array, next: Uint8Array) =>
    stepDigest({ chainId: 1, contract: chain.address }, { item: 5, previous, next, measurements });
  const attest = "attest(uint256,address,bytes32,uint8,bytes32,bytes32)" as const;
  const first = step(new Uint8Array(32), carrier.address);
  const forged = signer.sign(first, carrier);
  const values = (next: Uint8Array, { r, s, yParity }: typeof forged) => [
    ...[5, next, measurements, 27 + yParity, r.slice(), s.slice()],
  ];
  assert.ok(!(await chain.send(relayer, attest, values(carrier.address, forged))).status);
  const genuine = values(carrier.address, signer.sign(first, maker));
  assert.ok((await chain.send(relayer, attest, genuine)).status);
  assert.ok(!(await chain.send(relayer, attest, genuine)).status, "replayed");
  const second = signer.sign(step(first, shop.address), carrier);
  assert.ok((await chain.send(relayer, attest, values(shop.address, second))).status);
  const [, custodian, steps] = await chain.read("items(uint256)", 5);
  assert.equal(custodian, BigInt(`0x${Buffer.from(shop.address).toString("hex")}`));
  assert.equal(steps, 2n);
  const verify = "verify(bytes32,bytes32[],bytes32)" as const;
  assert.deepEqual(await chain.read(verify, first, [leaves[1]], leaves[0]), [1n]);
  assert.deepEqual(await chain.read(verify, first, [leaves[0]], leaves[0]), [0n]);
});
