/**
 * Supply-chain custody: items are registered, and each step is signed by the custodian (EIP-712) and filed by a relayer of its
 * own. Contention is the number of items, since an item's steps form a chain.
 *
 * @module
 */
import { keccak_256 } from "@noble/hashes/sha3.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import { type AbiValue, encodeArguments, encodeCall } from "../abi.ts";
import type { TestAccount } from "../accounts.ts";
import { type Contention, drawUniform, drawZipf } from "../draw.ts";
import { SupplyChain } from "../generated/contracts.ts";
import type { Random } from "../random.ts";
import type { PlannedTransaction, Scenario } from "../scenario.ts";

const GAS = 180_000;
const hashText = (text: string): Uint8Array => keccak_256(utf8ToBytes(text));
const hashValues = (...values: AbiValue[]): Uint8Array => keccak_256(encodeArguments(values));
const DOMAIN = hashText(
  "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
);
const STEP = hashText("Step(uint256 item,bytes32 previous,address next,bytes32 measurements)");

/** An item as the contract will know it when the transactions so far have run. */
interface Item {
  head: Uint8Array;
  custodian: TestAccount;
}

/** The digest that a custodian signs. */
export function stepDigest(
  domain: { readonly chainId: number; readonly contract: Uint8Array },
  step: {
    readonly item: number;
    readonly previous: Uint8Array;
    readonly next: Uint8Array;
    readonly measurements: Uint8Array;
  },
): Uint8Array {
  const separator = hashValues(
    DOMAIN,
    hashText("Lanewise Supply Chain"),
    hashText("1"),
    domain.chainId,
    domain.contract,
  );
  const message = hashValues(STEP, step.item, step.previous, step.next, step.measurements);
  return keccak_256(Uint8Array.from([0x19, 0x01, ...separator, ...message]));
}

function custody(
  itemsFor: (count: number) => number,
  draw: (random: Random, count: number) => number,
): Scenario {
  return (stage, count) => {
    const { random } = stage;
    const contract = stage.deploy(SupplyChain);
    const itemCount = Math.min(itemsFor(count), count);
    const custodians = stage.accounts(itemCount);
    const relayers = stage.accounts(count - itemCount);
    const items = custodians.map((custodian): Item => ({ head: new Uint8Array(32), custodian }));
    const registrations = custodians.map((from, item): PlannedTransaction => {
      const data = encodeCall(SupplyChain, "register(uint256)", item);
      return { from, to: contract, data, gasLimit: GAS };
    });
    const steps = relayers.map((from, index): PlannedTransaction => {
      // The first round visits every item once where there are enough steps.
      const item = index < itemCount ? index : draw(random, itemCount);
      const next = custodians[random.below(itemCount)];
      const measurements = random.bytes(32);
      const { head, custodian } = items[item];
      const digest = stepDigest(
        { chainId: stage.chainId, contract },
        { item, previous: head, next: next.address, measurements },
      );
      const { r, s, yParity } = stage.sign(digest, custodian);
      items[item] = { head: digest, custodian: next };
      const data = encodeCall(
        SupplyChain,
        "attest(uint256,address,bytes32,uint8,bytes32,bytes32)",
        ...[item, next.address, measurements, 27 + yParity, r, s],
      );
      return { from, to: contract, data, gasLimit: GAS };
    });
    return [...registrations, ...steps];
  };
}

/** One step an item; a few items, some with long histories; one item whose steps are one chain. */
export const attestations: Readonly<Record<Contention, Scenario>> = {
  low: custody((count) => Math.ceil(count / 2), drawUniform),
  medium: custody((count) => Math.max(1, Math.min(64, count >> 3)), drawZipf),
  high: custody(() => 1, drawUniform),
};
