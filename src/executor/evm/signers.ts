/**
 * Signers for ECRECOVER (assembly/evm/recoveries.ts), worked out by the recovery kernel: one by one, or noted and then all together, which
 * takes a third of the time for each.
 *
 * @module
 */
import { secp256k1Recover } from "../../algorithms/index.ts";
import { createInlineKernel, type InlineKernel } from "../../backends/wasm/inline.ts";
import { Batch, Verdict } from "../../core/index.ts";

const NONE = new Uint8Array(0);
const INPUT_BYTES = 128;
const V_BYTES = 32;
/** Most inputs noted at a time. */
const MOST_NOTED = 64;
/** Most answers kept. */
const MOST_ANSWERS = 4096;

const { fields, byteLength } = secp256k1Recover.record;
const { offset: addressOffset, size: addressBytes } = secp256k1Recover.result.fields.address;

/** What a contract call returns: the address, left-padded; nothing where there is no signer. */
function outputOf(batch: Batch, index: number): Uint8Array {
  if (batch.verdicts[index] !== Verdict.Valid) return NONE;
  const output = new Uint8Array(32);
  const address = batch.result(index).subarray(addressOffset, addressOffset + addressBytes);
  output.set(address, 32 - addressBytes);
  return output;
}

/** Output of the contract, and whether it had been worked out before. */
interface Answer {
  readonly output: Uint8Array;
  readonly known: boolean;
}

/** Answers one instance of the EVM, block after block. */
export class Signers {
  readonly #kernel: InlineKernel;
  readonly #single = new Batch(secp256k1Recover, 1);
  readonly #noted = new Batch(secp256k1Recover, MOST_NOTED);
  readonly #record = new Uint8Array(byteLength);
  /** By input, its 128 bytes one character each. */
  readonly #answers = new Map<string, Uint8Array>();
  readonly #keys: string[] = [];
  #asked = 0;

  /**
   * Compiles the kernel.
   *
   * @throws LanewiseError `ERR_BACKEND_UNAVAILABLE` where the engine has no WebAssembly SIMD.
   */
  static async create(): Promise<Signers> {
    return new Signers(await createInlineKernel(secp256k1Recover));
  }

  private constructor(kernel: InlineKernel) {
    this.#kernel = kernel;
  }

  /** Signers asked for in this block that were not known. */
  get asked(): number {
    return this.#asked;
  }

  /** Forgets the block before. */
  clear(): void {
    this.#answers.clear();
    this.#forgetNoted();
    this.#asked = 0;
  }

  #forgetNoted(): void {
    this.#keys.length = 0;
    this.#noted.reset();
  }

  /**
   * The contract's output for an input, which is cut or padded to 128 bytes: 32 bytes, or none. `undefined` where the input was noted
   * for {@link recoverNoted}, which only happens if `mayWait`.
   */
  recover(input: Uint8Array, mayWait: boolean): Answer | undefined {
    const bytes = Buffer.alloc(INPUT_BYTES);
    bytes.set(input.subarray(0, INPUT_BYTES));
    const v = bytes[2 * V_BYTES - 1];
    if ((v !== 27 && v !== 28) || !bytes.subarray(V_BYTES, 2 * V_BYTES - 1).every((b) => b === 0)) {
      return { output: NONE, known: true };
    }
    const key = bytes.toString("latin1");
    const known = this.#answers.get(key);
    if (known !== undefined) return { output: known, known: true };
    if (mayWait && this.#keys.includes(key)) return undefined;
    this.#asked++;
    const record = this.#record;
    record.set(bytes.subarray(0, V_BYTES), fields.z.offset);
    record.set(bytes.subarray(2 * V_BYTES, 3 * V_BYTES), fields.r.offset);
    record.set(bytes.subarray(3 * V_BYTES), fields.s.offset);
    record[fields.recoveryId.offset] = v - 27;
    if (mayWait && this.#keys.length < MOST_NOTED) {
      this.#noted.append(record);
      this.#keys.push(key);
      return undefined;
    }
    this.#single.reset();
    this.#single.append(record);
    this.#kernel.runBatch(this.#single);
    return { output: this.#keep(key, this.#single, 0), known: false };
  }

  #keep(key: string, batch: Batch, index: number): Uint8Array {
    if (this.#answers.size >= MOST_ANSWERS) this.#answers.clear();
    const output = outputOf(batch, index);
    this.#answers.set(key, output);
    return output;
  }

  /** Works out what was noted. */
  recoverNoted(): void {
    if (this.#keys.length === 0) return;
    this.#kernel.runBatch(this.#noted);
    for (const [index, key] of this.#keys.entries()) this.#keep(key, this.#noted, index);
    this.#forgetNoted();
  }
}
