/**
 * Known-bad variants of signed transactions: each breaks one rule, and carries the verdict that every back end has to give.
 *
 * What is broken before the signature is not signed again: the verdict is the first broken rule, and signatures come last.
 *
 * @module
 */
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import {
  decodeRlp,
  encodeRlp,
  type RlpInput,
  type RlpItem,
  TransactionVerdict,
} from "../chains/ethereum/index.ts";
import { Verdict } from "../core/index.ts";
import { SECP256K1 } from "../params/secp256k1.ts";

/** Wire order of the fields, by type; the signature is the last three. */
const FIELDS = [
  ["nonce", "fee", "gasLimit", "to", "value", "data"],
  ["chainId", "nonce", "fee", "gasLimit", "to", "value", "data", "accessList"],
  ["chainId", "nonce", "tip", "fee", "gasLimit", "to", "value", "data", "accessList"],
  // biome-ignore format: one line a type
  ["chainId", "nonce", "tip", "fee", "gasLimit", "to", "value", "data", "accessList", "blobFee", "blobHashes"],
  // biome-ignore format: one line a type
  ["chainId", "nonce", "tip", "fee", "gasLimit", "to", "value", "data", "accessList", "authorizations"],
].map((fields) => [...fields, "v", "r", "s"]);

type FieldName =
  | "chainId"
  | "nonce"
  | "tip"
  | "fee"
  | "gasLimit"
  | "to"
  | "value"
  | "data"
  | "accessList"
  | "blobFee"
  | "blobHashes"
  | "authorizations"
  | "v"
  | "r"
  | "s";

/** A transaction taken apart. */
class Parts {
  readonly type: number;
  readonly fields: RlpInput[];

  constructor(raw: Uint8Array) {
    this.type = raw[0] >= 0xc0 ? 0 : raw[0];
    const item = decodeRlp(this.type === 0 ? raw : raw.subarray(1));
    const expected = FIELDS[this.type]?.length;
    if (item instanceof Uint8Array || item.length !== expected)
      throw new RangeError("invalidate: expected a valid signed transaction of type 0 to 4");
    this.fields = item as RlpItem[];
  }

  index(name: FieldName): number {
    return FIELDS[this.type].indexOf(name);
  }

  get(name: FieldName): RlpInput {
    return this.fields[this.index(name)];
  }

  integer(name: FieldName): bigint {
    const bytes = this.get(name) as Uint8Array;
    return bytes.length === 0 ? 0n : BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
  }

  set(name: FieldName, value: RlpInput): this {
    this.fields[this.index(name)] = value;
    return this;
  }

  /** EIP-155. */
  get isProtected(): boolean {
    return this.type === 0 && this.integer("v") >= 35n;
  }

  get yParity(): bigint {
    const v = this.integer("v");
    if (this.type > 0) return v;
    return this.isProtected ? (v - 35n) & 1n : v - 27n;
  }

  flipParity(): this {
    const change = this.yParity === 0n ? 1n : -1n;
    return this.set("v", this.integer("v") + change);
  }

  /** What the sender signed. */
  digest(): Uint8Array {
    const unsigned = this.fields.slice(0, -3);
    if (this.isProtected) unsigned.push((this.integer("v") - 35n) / 2n, 0, 0);
    return keccak_256(this.envelope(encodeRlp(unsigned)));
  }

  envelope(rlp: Uint8Array): Uint8Array {
    return this.type === 0 ? rlp : Uint8Array.from([this.type, ...rlp]);
  }

  encode(): Uint8Array {
    return this.envelope(encodeRlp(this.fields));
  }
}

/** One way to break a transaction. */
export interface InvalidRule {
  /** Name of the verdict; a few verdicts have several rules, told apart by a suffix. */
  readonly id: string;
  /** A {@link Verdict} of signatures or a {@link TransactionVerdict}. */
  readonly verdict: number;
  /** Types that it applies to. */
  readonly types: readonly number[];
  readonly break: (parts: Parts) => Uint8Array;
}

const ALL = [0, 1, 2, 3, 4];
const n: bigint = SECP256K1.n;
const MAX_U64 = (1n << 64n) - 1n;
const MAX_U256 = (1n << 256n) - 1n;
const bytes = (length: number, value = 1): Uint8Array => new Uint8Array(length).fill(value);

/** Most bytes of init code (EIP-3860). */
const MAX_INITCODE_BYTES = 49_152;
/** More than any fork lets a transaction carry. */
const TOO_MANY_BLOBS = 22;
const INTRINSIC_GAS = 21_000;

function set(
  verdict: keyof typeof TransactionVerdict,
  name: FieldName,
  value: RlpInput,
  types: readonly number[] = ALL,
  suffix = "",
): InvalidRule {
  return {
    id: verdict + suffix,
    verdict: TransactionVerdict[verdict],
    types,
    break: (parts) => parts.set(name, value).encode(),
  };
}

function change(
  verdict: keyof typeof TransactionVerdict,
  change: (parts: Parts) => Uint8Array,
  types: readonly number[] = ALL,
  suffix = "",
): InvalidRule {
  return { id: verdict + suffix, verdict: TransactionVerdict[verdict], types, break: change };
}

function signature(
  verdict: keyof typeof Verdict,
  change: (parts: Parts) => Parts,
  suffix = "",
): InvalidRule {
  const broken = (parts: Parts) => change(parts).encode();
  return { id: verdict + suffix, verdict: Verdict[verdict], types: ALL, break: broken };
}

/** The outer list's header with a zero byte before its length. */
function padListHeader(raw: Uint8Array, start: number): Uint8Array {
  const first = raw[start];
  const lengthBytes = first >= 0xf8 ? first - 0xf7 : 0;
  const length =
    lengthBytes === 0 ? [first - 0xc0] : [...raw.subarray(start + 1, start + 1 + lengthBytes)];
  const header = [0xf7 + length.length + 1, 0, ...length];
  return Uint8Array.from([
    ...raw.subarray(0, start),
    ...header,
    ...raw.subarray(start + 1 + lengthBytes),
  ]);
}

/** The next r from this one on that is no x coordinate of the curve. */
function offCurve(r: bigint): bigint {
  const { Fp } = secp256k1.Point;
  for (let x = r + 1n; ; x++) {
    const ySquared = Fp.add(Fp.mul(Fp.sqr(x), x), SECP256K1.b);
    if (Fp.pow(ySquared, (SECP256K1.p - 1n) / 2n) !== 1n) return x;
  }
}

/** A signature (r, s) with s·R = z·G, so that the key behind it is the point at infinity. */
function annihilate(parts: Parts): Parts {
  const k = 2n;
  const { Fn, BASE } = secp256k1.Point;
  const { x, y } = BASE.multiply(k).toAffine();
  const z = Fn.create(BigInt(`0x${Buffer.from(parts.digest()).toString("hex")}`));
  let s = Fn.mul(z, Fn.inv(k));
  let parity = y & 1n;
  if (s > n / 2n) {
    s = n - s;
    parity ^= 1n;
  }
  if (parts.yParity !== parity) parts.flipParity();
  return parts.set("r", x).set("s", s);
}

/** The calldata floor above the intrinsic gas (EIP-7623): a kilobyte, paid for at 16 gas a byte and not at 40. */
function belowFloor(parts: Parts): Uint8Array {
  const data = bytes(1024);
  const limit = INTRINSIC_GAS + 39 * data.length;
  if (parts.type > 0) parts.set("accessList", []);
  return parts.set("to", bytes(20)).set("data", data).set("gasLimit", limit).encode();
}

/** A creation whose init code is a byte too long, with gas enough. */
function longInitcode(parts: Parts): Uint8Array {
  const data = bytes(MAX_INITCODE_BYTES + 1);
  return parts.set("to", bytes(0)).set("data", data).set("gasLimit", 16_000_000).encode();
}

/** Every rule, in the order of the verdicts' codes; a fork from Prague on is assumed. */
export const INVALID_RULES: readonly InvalidRule[] = [
  signature("RZero", (parts) => parts.set("r", 0)),
  signature("ROutOfRange", (parts) => parts.set("r", n)),
  signature("ROutOfRange", (parts) => parts.set("r", MAX_U256), ":max"),
  signature("SZero", (parts) => parts.set("s", 0)),
  signature("SOutOfRange", (parts) => parts.set("s", n)),
  signature("SOutOfRange", (parts) => parts.set("s", MAX_U256), ":max"),
  signature("SHigh", (parts) => parts.set("s", n - parts.integer("s")).flipParity()),
  signature("SHigh", (parts) => parts.set("s", n / 2n + 1n), ":least"),
  signature("XNotOnCurve", (parts) => parts.set("r", offCurve(parts.integer("r")))),
  signature("PublicKeyInfinity", annihilate),

  change("RlpTruncated", (parts) => parts.encode().slice(0, -1)),
  change("RlpTruncated", () => new Uint8Array(0), ALL, ":empty"),
  change("RlpNotCanonical", (parts) => padListHeader(parts.encode(), parts.type === 0 ? 0 : 1)),
  change("RlpTrailingBytes", (parts) => Uint8Array.from([...parts.encode(), 0])),
  change("TypeUnknown", (parts) => Uint8Array.from([0x05, ...parts.encode()])),
  change("FieldCount", (parts) => {
    parts.fields.pop();
    return parts.encode();
  }),
  change(
    "FieldCount",
    (parts) => {
      parts.fields.push(0);
      return parts.encode();
    },
    ALL,
    ":more",
  ),
  set("FieldKind", "value", []),
  set("FieldKind", "accessList", bytes(1), [1, 2, 3, 4], ":list"),
  set("IntegerLeadingZero", "nonce", Uint8Array.of(0, 1)),
  set("IntegerLeadingZero", "r", Uint8Array.of(0), ALL, ":zero"),
  set("IntegerTooLarge", "value", bytes(33)),
  set("IntegerTooLarge", "gasLimit", bytes(9), ALL, ":gas"),
  set("AddressLength", "to", bytes(19)),
  set("AddressLength", "to", bytes(21), ALL, ":long"),
  set("AccessListMalformed", "accessList", [[bytes(19), []]], [1, 2, 3, 4]),
  set("AccessListMalformed", "accessList", [[bytes(20), [bytes(31)]]], [1, 2, 3, 4], ":key"),
  set("BlobHashLength", "blobHashes", [bytes(31)], [3]),
  set("AuthorizationMalformed", "authorizations", [[1, bytes(19), 0, 0, 1, 1]], [4]),
  set("AuthorizationMalformed", "authorizations", [[1, bytes(20), 0, 0, 1]], [4], ":count"),

  change("ChainIdMismatch", (parts) => {
    if (parts.type > 0) return parts.set("chainId", parts.integer("chainId") + 1n).encode();
    return parts.set("v", 35n + 2n * MAX_U64 + parts.yParity).encode();
  }),
  change("ParityInvalid", (parts) => parts.set("v", parts.type === 0 ? 29 : 2).encode()),
  set("NonceLimit", "nonce", MAX_U64),
  change("GasCostOverflow", (parts) =>
    parts.set("gasLimit", MAX_U64).set("fee", MAX_U256).encode(),
  ),
  change(
    "PriorityFeeAboveMaxFee",
    (parts) => parts.set("tip", parts.integer("fee") + 1n).encode(),
    [2, 3, 4],
  ),
  set("CreationNotAllowed", "to", bytes(0), [3, 4]),
  set("BlobListEmpty", "blobHashes", [], [3]),
  set("BlobCount", "blobHashes", Array(TOO_MANY_BLOBS).fill(bytes(32)), [3]),
  set("BlobHashVersion", "blobHashes", [bytes(32), bytes(32, 2)], [3]),
  set("AuthorizationListEmpty", "authorizations", [], [4]),
  change("InitcodeTooLarge", longInitcode, [0, 1, 2]),
  set("IntrinsicGas", "gasLimit", INTRINSIC_GAS - 1),
  set("IntrinsicGas", "gasLimit", 0, ALL, ":zero"),
  change("FloorGas", belowFloor, [0, 1, 2, 3]),
];

/**
 * The transaction with one rule broken.
 *
 * @param raw a valid signed transaction in canonical form.
 * @param rule one of {@link INVALID_RULES} that applies to its type.
 * @throws RangeError where the rule does not apply, or `raw` is not such a transaction.
 */
export function invalidate(raw: Uint8Array, rule: InvalidRule): Uint8Array {
  const parts = new Parts(raw);
  if (!rule.types.includes(parts.type))
    throw new RangeError(`${rule.id}: expected a type of ${rule.types}, got ${parts.type}`);
  return rule.break(parts);
}
