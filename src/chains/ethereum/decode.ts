/**
 * Raw transactions → {@link TransactionList}: types 0 to 4 (EIP-155, EIP-2718, EIP-2930, EIP-1559, EIP-4844, EIP-7702), blob
 * transactions in canonical and in network form (EIP-4844 and EIP-7594 wrappers).
 *
 * One pass from left to right over the bytes, then the fork's static rules. A transaction that breaks either gets a verdict; its
 * neighbours never notice.
 *
 * @module
 */
import { CELLS_PER_BLOB } from "./blob-cells.ts";
import {
  AUTHORIZATION_WORDS,
  AuthorizationWord,
  TransactionField as F,
  ROW_WORDS,
  RowWord,
  SIGNATURE_ODD_Y,
  SIGNATURE_REPLAY_PROTECTED,
  TransactionType,
} from "./fields.ts";
import { checkPacked, type PackedTransactions, packTransactions } from "./packed.ts";
import { RLP_LIST, RlpReader } from "./rlp.ts";
import type { TransactionRules } from "./rules.ts";
import { isMaxU64, TransactionList } from "./transaction-list.ts";
import { checkStaticRules } from "./validity.ts";
import { TransactionVerdict as V } from "./verdict.ts";

export interface DecodeOptions {
  /** Accept blob transactions with their sidecar, as pools gossip them; a block's body never holds one. */
  readonly networkForm?: boolean;
  /** Whether the fork's rules about gas, fees and blobs are applied. Default true; a sender is defined without them. */
  readonly staticRules?: boolean;
}

/** Fields in wire order, by type. */
const SHAPES: readonly (readonly F[])[] = [
  [F.Nonce, F.MaxFeePerGas, F.GasLimit, F.To, F.Value, F.Data, F.V, F.R, F.S],
  // biome-ignore format: one line a type
  [F.ChainId, F.Nonce, F.MaxFeePerGas, F.GasLimit, F.To, F.Value, F.Data, F.AccessList, F.V, F.R, F.S],
  // biome-ignore format: one line a type
  [F.ChainId, F.Nonce, F.MaxPriorityFeePerGas, F.MaxFeePerGas, F.GasLimit, F.To, F.Value, F.Data, F.AccessList, F.V, F.R, F.S],
  // biome-ignore format: one line a type
  [F.ChainId, F.Nonce, F.MaxPriorityFeePerGas, F.MaxFeePerGas, F.GasLimit, F.To, F.Value, F.Data, F.AccessList, F.MaxFeePerBlobGas, F.BlobVersionedHashes, F.V, F.R, F.S],
  // biome-ignore format: one line a type
  [F.ChainId, F.Nonce, F.MaxPriorityFeePerGas, F.MaxFeePerGas, F.GasLimit, F.To, F.Value, F.Data, F.AccessList, F.AuthorizationList, F.V, F.R, F.S],
];

/** Most bytes of each integer field; 0 for a field that is no integer. */
const INTEGER_BYTES = new Uint8Array(16);
INTEGER_BYTES[F.Nonce] = 8;
INTEGER_BYTES[F.GasLimit] = 8;
for (const field of [
  F.ChainId,
  F.MaxPriorityFeePerGas,
  F.MaxFeePerGas,
  F.Value,
  F.MaxFeePerBlobGas,
  F.V,
  F.R,
  F.S,
]) {
  INTEGER_BYTES[field] = 32;
}

/** Most bytes of an authorisation's items: chain id, address (exact), nonce, y parity, r, s. */
const AUTHORIZATION_BYTES = [32, 20, 8, 1, 32, 32] as const;

const BLOB_BYTES = 131_072;
const KZG_BYTES = 48;

/**
 * Decodes raw transactions and applies the fork's static rules to each.
 *
 * @param raws copied into one buffer where they come as an array; used in place where they come packed.
 * @throws RangeError on packed offsets that decrease or leave `bytes`, or on 4 GiB and more.
 *
 * @example
 * const list = decodeTransactions(raws, transactionRules("prague", 1n));
 * for (let i = 0; i < list.count; i++) if (list.verdicts[i]) console.log(i, transactionVerdictName(list.verdicts[i]));
 */
export function decodeTransactions(
  raws: readonly Uint8Array[] | PackedTransactions,
  rules: TransactionRules,
  options: DecodeOptions = {},
): TransactionList {
  const { bytes, offsets } = "offsets" in raws ? checkPacked(raws) : packTransactions(raws);
  const list = new TransactionList(bytes, offsets, rules);
  const decoder = new Decoder(list, options);
  for (let i = 0; i < list.count; i++) list.verdicts[i] = decoder.decode(i);
  return list;
}

/** Fills one row at a time. */
class Decoder {
  readonly #list: TransactionList;
  readonly #bytes: Uint8Array;
  readonly #rows: Uint32Array;
  readonly #rules: TransactionRules;
  readonly #reader: RlpReader;
  readonly #networkForm: boolean;
  readonly #staticRules: boolean;

  constructor(list: TransactionList, { networkForm = false, staticRules = true }: DecodeOptions) {
    this.#list = list;
    this.#bytes = list.bytes;
    this.#rows = list.rows;
    this.#rules = list.rules;
    this.#reader = new RlpReader(list.bytes);
    this.#networkForm = networkForm;
    this.#staticRules = staticRules;
  }

  decode(index: number): V {
    const authorizationsBefore = this.#list.authorizationCount;
    let verdict = this.#decodeEnvelope(index);
    if (verdict === V.Valid) verdict = this.#decodeSignatureBits(index);
    if (verdict === V.Valid && this.#staticRules) verdict = checkStaticRules(this.#list, index);
    if (verdict !== V.Valid) this.#list.authorizationCount = authorizationsBefore;
    return verdict;
  }

  /** The type byte, the outermost list and, for a network form, the wrapper. */
  #decodeEnvelope(index: number): V {
    const reader = this.#reader;
    let at = this.#list.offsets[index];
    const end = this.#list.offsets[index + 1];
    if (at === end) return V.RlpTruncated;
    let type = 0;
    if (this.#bytes[at] < RLP_LIST) {
      type = this.#bytes[at++];
      if (type === 0 || type >= SHAPES.length) return V.TypeUnknown;
      if (type > this.#rules.maxType) return V.TypeNotActive;
    }
    this.#list.types[index] = type;
    if (!reader.read(at, end)) return reader.error;
    if (!reader.isList) return V.FieldKind;
    if (reader.end !== end) return V.RlpTrailingBytes;
    const { start } = reader;
    if (type === TransactionType.Blob && start < end && this.#bytes[start] >= RLP_LIST) {
      return this.#decodeNetworkForm(index, start, end);
    }
    return this.#decodeFields(index, at, start, end);
  }

  /** [transaction, blobs, commitments, proofs] or [transaction, 1, blobs, commitments, cell proofs]. */
  #decodeNetworkForm(index: number, at: number, end: number): V {
    if (!this.#networkForm) return V.NetworkFormNotAllowed;
    const reader = this.#reader;
    if (!reader.read(at, end)) return reader.error;
    const sidecar = reader.end;
    const verdict = this.#decodeFields(index, at, reader.start, sidecar);
    if (verdict !== V.Valid) return verdict;
    this.#setField(index, F.Sidecar, sidecar, end - sidecar);

    const blobs = this.#list.blobCount(index);
    let next = sidecar;
    let proofsPerBlob = 1;
    if (next < end && this.#bytes[next] < RLP_LIST) {
      if (this.#bytes[next] !== 1) return V.SidecarMalformed;
      proofsPerBlob = CELLS_PER_BLOB;
      next++;
    }
    for (const [count, size] of [
      [blobs, BLOB_BYTES],
      [blobs, KZG_BYTES],
      [blobs * proofsPerBlob, KZG_BYTES],
    ]) {
      if (next === end) return V.SidecarMalformed;
      if (!reader.read(next, end)) return reader.error;
      next = reader.end;
      if (!reader.isList) return V.SidecarMalformed;
      if (!this.#stringsOf(reader.start, next, size)) return V.SidecarMalformed;
      if (this.#strings !== count) return V.SidecarMalformed;
    }
    return next === end ? V.Valid : V.SidecarMalformed;
  }

  /** How many strings `#stringsOf` saw. */
  #strings = 0;

  /** Whether a list's payload is strings of `size` bytes alone; counts them. */
  #stringsOf(start: number, end: number, size: number): boolean {
    const reader = this.#reader;
    this.#strings = 0;
    for (let at = start; at < end; at = reader.end) {
      if (!reader.read(at, end)) return false;
      if (reader.isList || reader.end - reader.start !== size) return false;
      this.#strings++;
    }
    return true;
  }

  #decodeFields(index: number, listStart: number, payloadStart: number, end: number): V {
    const reader = this.#reader;
    const bytes = this.#bytes;
    const rows = this.#rows;
    const row = index * ROW_WORDS;
    rows[row + RowWord.ListStart] = listStart;
    rows[row + RowWord.ListEnd] = end;
    rows[row + RowWord.PayloadStart] = payloadStart;
    const shape = SHAPES[this.#list.types[index]];
    let at = payloadStart;
    for (let i = 0; i < shape.length; i++) {
      if (at === end) return V.FieldCount;
      const field = shape[i];
      if (field === F.V) rows[row + RowWord.SignedEnd] = at;
      if (!reader.read(at, end)) return reader.error;
      const { start } = reader;
      at = reader.end;
      const length = at - start;
      rows[row + 2 * field] = start;
      rows[row + 2 * field + 1] = length;
      const most = INTEGER_BYTES[field];
      if (most === 0) {
        const verdict = this.#checkNoInteger(index, field, start, length);
        if (verdict !== V.Valid) return verdict;
      } else {
        if (reader.isList) return V.FieldKind;
        if (length > 0 && bytes[start] === 0) return V.IntegerLeadingZero;
        if (length > most) return V.IntegerTooLarge;
      }
    }
    return at === end ? V.Valid : V.FieldCount;
  }

  /** Byte strings and lists; the reader still stands on the field's header. */
  #checkNoInteger(index: number, field: F, start: number, length: number): V {
    const { isList } = this.#reader;
    if (field === F.To) {
      if (isList) return V.FieldKind;
      return length === 20 || length === 0 ? V.Valid : V.AddressLength;
    }
    if (field === F.Data) return isList ? V.FieldKind : V.Valid;
    if (!isList) return V.FieldKind;
    if (field === F.AccessList) return this.#decodeAccessList(index, start, start + length);
    if (field === F.AuthorizationList) {
      return this.#decodeAuthorizations(index, start, start + length);
    }
    return this.#stringsOf(start, start + length, 32) ? V.Valid : V.BlobHashLength;
  }

  #decodeAccessList(index: number, start: number, end: number): V {
    const reader = this.#reader;
    let addresses = 0;
    let keys = 0;
    for (let at = start; at < end; ) {
      if (!reader.read(at, end)) return reader.error;
      at = reader.end;
      if (!reader.isList) return V.AccessListMalformed;
      if (!reader.read(reader.start, at)) return reader.error;
      if (reader.isList || reader.end - reader.start !== 20) return V.AccessListMalformed;
      if (!reader.read(reader.end, at)) return reader.error;
      if (!reader.isList || reader.end !== at) return V.AccessListMalformed;
      if (!this.#stringsOf(reader.start, at, 32)) return V.AccessListMalformed;
      addresses++;
      keys += this.#strings;
    }
    const row = index * ROW_WORDS;
    this.#rows[row + RowWord.AccessListAddresses] = addresses;
    this.#rows[row + RowWord.AccessListKeys] = keys;
    return V.Valid;
  }

  #decodeAuthorizations(index: number, start: number, end: number): V {
    const reader = this.#reader;
    const list = this.#list;
    const first = list.authorizationCount;
    for (let at = start; at < end; ) {
      if (!reader.read(at, end)) return reader.error;
      at = reader.end;
      if (!reader.isList) return V.AuthorizationMalformed;
      const verdict = this.#decodeAuthorization(index, reader.start, at);
      if (verdict !== V.Valid) return verdict;
    }
    const row = index * ROW_WORDS;
    this.#rows[row + RowWord.AuthorizationFirst] = first;
    this.#rows[row + RowWord.AuthorizationCount] = list.authorizationCount - first;
    return V.Valid;
  }

  #decodeAuthorization(index: number, start: number, end: number): V {
    const reader = this.#reader;
    const list = this.#list;
    this.#reserveAuthorization();
    const row = list.authorizationCount * AUTHORIZATION_WORDS;
    const words = list.authorizationRows;
    words[row + AuthorizationWord.PayloadStart] = start;
    words[row + AuthorizationWord.Transaction] = index;
    let at = start;
    for (let item = 0; item < AUTHORIZATION_BYTES.length; item++) {
      if (at === end) return V.AuthorizationMalformed;
      const word = 2 * item;
      if (word === AuthorizationWord.YParity) words[row + AuthorizationWord.SignedEnd] = at;
      if (!reader.read(at, end)) return reader.error;
      at = reader.end;
      const length = at - reader.start;
      if (reader.isList || length > AUTHORIZATION_BYTES[item]) return V.AuthorizationMalformed;
      if (word === AuthorizationWord.Address) {
        if (length !== AUTHORIZATION_BYTES[item]) return V.AuthorizationMalformed;
      } else if (length > 0 && this.#bytes[reader.start] === 0) {
        return V.AuthorizationMalformed;
      }
      words[row + word] = reader.start;
      words[row + word + 1] = length;
    }
    if (at !== end) return V.AuthorizationMalformed;
    list.authorizationVerdicts[list.authorizationCount] = this.#judgeAuthorization(row);
    list.authorizationCount++;
    return V.Valid;
  }

  /** The rules of EIP-7702 that skip an authorisation and leave its transaction valid. */
  #judgeAuthorization(row: number): V {
    const words = this.#list.authorizationRows;
    const at = (word: number): number => words[row + word];
    const chainIdLength = at(AuthorizationWord.ChainId + 1);
    if (
      chainIdLength > 0 &&
      !this.#equals(at(AuthorizationWord.ChainId), chainIdLength, this.#rules.chainIdBytes)
    ) {
      return V.AuthorizationChainId;
    }
    if (isMaxU64(this.#bytes, at(AuthorizationWord.Nonce), at(AuthorizationWord.Nonce + 1))) {
      return V.AuthorizationNonce;
    }
    if (at(AuthorizationWord.YParity + 1) === 1 && this.#bytes[at(AuthorizationWord.YParity)] > 1) {
      return V.AuthorizationParity;
    }
    return V.Valid;
  }

  #reserveAuthorization(): void {
    const list = this.#list;
    const capacity = list.authorizationVerdicts.length;
    if (list.authorizationCount < capacity) return;
    const verdicts = new Uint32Array(Math.max(16, capacity * 2));
    verdicts.set(list.authorizationVerdicts);
    list.authorizationVerdicts = verdicts;
    const rows = new Uint32Array(verdicts.length * AUTHORIZATION_WORDS);
    rows.set(list.authorizationRows);
    list.authorizationRows = rows;
  }

  /** Which chain the signature names, and the parity of its point. */
  #decodeSignatureBits(index: number): V {
    const list = this.#list;
    const row = index * ROW_WORDS;
    const start = this.#rows[row + 2 * F.V];
    const length = this.#rows[row + 2 * F.V + 1];
    if (list.types[index] === TransactionType.Legacy) {
      return this.#decodeLegacyV(index, start, length);
    }
    const chainId = this.#rows[row + 2 * F.ChainId];
    const chainIdLength = this.#rows[row + 2 * F.ChainId + 1];
    if (!this.#equals(chainId, chainIdLength, this.#rules.chainIdBytes)) return V.ChainIdMismatch;
    if (length === 0) return V.Valid;
    if (length !== 1 || this.#bytes[start] !== 1) return V.ParityInvalid;
    list.signatureBits[index] = SIGNATURE_ODD_Y;
    return V.Valid;
  }

  /** 27 + y parity, or 35 + 2 × chain id + y parity (EIP-155). */
  #decodeLegacyV(index: number, start: number, length: number): V {
    const bits = this.#list.signatureBits;
    if (length === 1 && (this.#bytes[start] === 27 || this.#bytes[start] === 28)) {
      bits[index] = this.#bytes[start] - 27;
      return V.Valid;
    }
    const names = length > 1 || (length === 1 && this.#bytes[start] >= 35);
    if (!names || !this.#rules.replayProtection) return V.ParityInvalid;
    const [even, odd] = this.#rules.protectedV;
    bits[index] = SIGNATURE_REPLAY_PROTECTED;
    if (this.#equals(start, length, even)) return V.Valid;
    if (!this.#equals(start, length, odd)) return V.ChainIdMismatch;
    bits[index] |= SIGNATURE_ODD_Y;
    return V.Valid;
  }

  #setField(index: number, field: F, start: number, length: number): void {
    this.#rows[index * ROW_WORDS + 2 * field] = start;
    this.#rows[index * ROW_WORDS + 2 * field + 1] = length;
  }

  #equals(start: number, length: number, expected: Uint8Array): boolean {
    if (length !== expected.length) return false;
    for (let i = 0; i < length; i++) if (this.#bytes[start + i] !== expected[i]) return false;
    return true;
  }
}
