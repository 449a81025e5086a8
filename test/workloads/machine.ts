/** Runs contracts of the workloads one transaction a block on the serial oracle. */
import { createExecutor, type ExecutionResult, type Receipt } from "../../src/executor/index.ts";
import { type AbiValue, encodeCall, encodeCreation } from "../../src/workloads/abi.ts";
import { createAccounts, type TestAccount } from "../../src/workloads/accounts.ts";
import { createChainState, creationAddress } from "../../src/workloads/chain-state.ts";
import type { CompiledContract } from "../../src/workloads/generated/contracts.ts";
import { createSigner } from "../../src/workloads/signer.ts";
import { createTransactionSigner } from "../../src/workloads/transactions.ts";

const GAS_LIMIT = 16_000_000;

/** A deployed contract, called by its function signatures. */
export class Deployed<Contract extends CompiledContract> {
  readonly address: Uint8Array;
  readonly #contract: Contract;
  readonly #machine: Machine;

  constructor(machine: Machine, contract: Contract, address: Uint8Array) {
    this.#machine = machine;
    this.#contract = contract;
    this.address = address;
  }

  /** Sends a transaction; the receipt tells whether it succeeded. */
  send(
    from: TestAccount,
    signature: keyof Contract["selectors"] & string,
    values: AbiValue[] = [],
    value = 0n,
  ): Promise<Receipt> {
    const data = encodeCall(this.#contract, signature, ...values);
    return this.#machine.send(from, this.address, data, value);
  }

  /** Words that a view function returns. */
  async read(
    signature: keyof Contract["selectors"] & string,
    ...values: AbiValue[]
  ): Promise<bigint[]> {
    return this.#machine.view(this.address, encodeCall(this.#contract, signature, ...values));
  }
}

/** Init code that calls `target` with the calldata behind it, and logs what comes back; or reverts where the call does. */
function probeCode(target: Uint8Array, data: Uint8Array): Uint8Array {
  // biome-ignore format: one instruction group a line
  const bytes = [
    0x61, data.length >> 8, data.length & 0xff, // 00 PUSH2 length
    0x60, 0x36, // 03 PUSH1 start of data
    0x5f, 0x39, // 05 PUSH0 CODECOPY
    0x5f, 0x5f, // 07 no output
    0x61, data.length >> 8, data.length & 0xff, // 09 PUSH2 length
    0x5f, 0x5f, // 0c from 0, value 0
    0x73, ...target, // 0e PUSH20 target
    0x5a, 0xf1, // 23 GAS CALL
    0x3d, 0x5f, 0x5f, 0x3e, // 25 RETURNDATACOPY
    0x60, 0x31, 0x57, // 29 JUMPI where it succeeded
    0x3d, 0x5f, 0xfd, // 2c REVERT
    0x00, 0x00, // 2f
    0x5b, 0x3d, 0x5f, 0xa0, 0x00, // 31 LOG0 STOP
  ];
  return Uint8Array.from([...bytes, ...data]);
}

/** A chain of one-transaction blocks. */
export class Machine {
  readonly accounts = createAccounts("machine", 8);
  readonly state = createChainState();
  timestamp = 1_750_000_000;
  readonly #executor = createExecutor("oracle");
  readonly #signer = createTransactionSigner(createSigner({ seed: "machine" }));
  readonly #nonces = new Map<TestAccount, number>();
  readonly #prober = createAccounts("prober", 1)[0];
  #number = 0n;

  constructor() {
    for (const { address } of [...this.accounts, this.#prober])
      this.state.fund(address, 10n ** 24n);
  }

  /** Deploys as the first account. */
  async deploy<Contract extends CompiledContract>(
    contract: Contract,
    ...values: AbiValue[]
  ): Promise<Deployed<Contract>> {
    const [owner] = this.accounts;
    const address = creationAddress(owner.address, this.#nonces.get(owner) ?? 0);
    const receipt = await this.send(owner, undefined, encodeCreation(contract, ...values));
    if (!receipt.status) throw new Error("deployment reverted");
    return new Deployed(this, contract, address);
  }

  async send(
    from: TestAccount,
    to: Uint8Array | undefined,
    data: Uint8Array,
    value = 0n,
  ): Promise<Receipt> {
    const nonce = this.#nonces.get(from) ?? 0;
    this.#nonces.set(from, nonce + 1);
    const result = await this.#run(from, nonce, to, data, value);
    this.state.apply(result.stateDiff);
    return result.receipts[0];
  }

  /** Runs a call whose effects are dropped; throws where it reverts. */
  async view(to: Uint8Array, data: Uint8Array): Promise<bigint[]> {
    const result = await this.#run(this.#prober, 0, undefined, probeCode(to, data), 0n);
    const [receipt] = result.receipts;
    if (!receipt.status) throw new Error("view reverted");
    const hex = Buffer.from(receipt.logs[receipt.logs.length - 1].data).toString("hex");
    return (hex.match(/.{64}/g) ?? []).map((word) => BigInt(`0x${word}`));
  }

  balance(address: Uint8Array): bigint {
    return this.state.source.account(address)?.balance ?? 0n;
  }

  async #run(
    from: TestAccount,
    nonce: number,
    to: Uint8Array | undefined,
    data: Uint8Array,
    value: bigint,
  ): Promise<ExecutionResult> {
    const raw = this.#signer.sign(
      { type: 0, nonce, gasPrice: 0, to, value, data, gasLimit: GAS_LIMIT },
      from,
    );
    const execution = await this.#executor.execute(
      {
        environment: {
          fork: "cancun",
          chainId: 1n,
          number: this.#number++,
          timestamp: BigInt(this.timestamp),
          gasLimit: BigInt(GAS_LIMIT),
          coinbase: new Uint8Array(20),
          difficulty: 0n,
          prevRandao: new Uint8Array(32),
          baseFeePerGas: 0n,
          excessBlobGas: 0n,
          parentHash: new Uint8Array(32),
        },
        transactions: [raw],
        senders: from.address,
        authorities: new Uint8Array(0),
        withdrawals: [],
        ommers: [],
      },
      this.state.source,
    );
    if (!execution.ok) throw new Error(execution.invalid.reason);
    return execution.result;
  }
}
