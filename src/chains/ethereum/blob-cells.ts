/**
 * The cells of a blob (EIP-7594): the blob's polynomial of degree below 4096, evaluated at the 8192nd roots of unity of the
 * BLS12-381 scalar field, in bit-reversed order, cut into 128 cells of 64 field elements.
 *
 * A sidecar carries proofs of all 128 cells and no cell: whoever checks the proofs extends the blob first. In this order the first
 * 64 cells are the blob itself, so that one inverse and one forward transform of 4096 points give the other half.
 *
 * @module
 */

/** Order of BLS12-381's groups. */
const MODULUS = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;
/** `PRIMITIVE_ROOT_OF_UNITY` of EIP-4844: generates the field's multiplicative group. */
const GENERATOR = 7n;
const POINTS = 4_096;
const ELEMENT_BYTES = 32;

export const CELLS_PER_BLOB = 128;
export const CELL_BYTES = 2_048;

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let square = base, rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % MODULUS;
    square = (square * square) % MODULUS;
  }
  return result;
}

/** The first `count` powers of `root`. */
function powers(root: bigint, count: number): bigint[] {
  const list = [1n];
  while (list.length < count) list.push((list[list.length - 1] * root) % MODULUS);
  return list;
}

const ROOT_8192 = power(GENERATOR, (MODULUS - 1n) / BigInt(2 * POINTS));
const ROOT_4096 = (ROOT_8192 * ROOT_8192) % MODULUS;
const INVERSE_POINTS = power(BigInt(POINTS), MODULUS - 2n);

/** Tables of both transforms, built on first use. */
let tables: { forward: bigint[]; inverse: bigint[]; shift: bigint[] } | undefined;

function transformTables(): NonNullable<typeof tables> {
  tables ??= {
    forward: powers(ROOT_4096, POINTS / 2),
    inverse: powers(power(ROOT_4096, MODULUS - 2n), POINTS / 2),
    // The odd 8192nd roots are the 4096th roots times ROOT_8192.
    shift: powers(ROOT_8192, POINTS).map((value) => (value * INVERSE_POINTS) % MODULUS),
  };
  return tables;
}

/** Values in bit-reversed order → coefficients × 4096, in place (decimation in time, inverse roots). */
function toCoefficients(values: bigint[], roots: readonly bigint[]): void {
  for (let half = 1; half < POINTS; half *= 2) {
    const step = POINTS / (2 * half);
    for (let start = 0; start < POINTS; start += 2 * half) {
      for (let i = 0; i < half; i++) {
        const even = values[start + i];
        const odd = (values[start + i + half] * roots[i * step]) % MODULUS;
        const sum = even + odd;
        values[start + i] = sum >= MODULUS ? sum - MODULUS : sum;
        values[start + i + half] = even >= odd ? even - odd : even - odd + MODULUS;
      }
    }
  }
}

/** Coefficients → values in bit-reversed order, in place (decimation in frequency). */
function toValues(values: bigint[], roots: readonly bigint[]): void {
  for (let half = POINTS / 2; half >= 1; half /= 2) {
    const step = POINTS / (2 * half);
    for (let start = 0; start < POINTS; start += 2 * half) {
      for (let i = 0; i < half; i++) {
        const low = values[start + i];
        const high = values[start + i + half];
        const sum = low + high;
        const difference = low >= high ? low - high : low - high + MODULUS;
        values[start + i] = sum >= MODULUS ? sum - MODULUS : sum;
        values[start + i + half] = (difference * roots[i * step]) % MODULUS;
      }
    }
  }
}

/**
 * Extends a blob to its 128 cells, as hex without a prefix: what the KZG library takes.
 *
 * @param hex 131 072 bytes as hex digits.
 * @returns `undefined` where a field element is not below the modulus.
 */
export function blobCells(hex: string): string[] | undefined {
  const { forward, inverse, shift } = transformTables();
  const digits = 2 * ELEMENT_BYTES;
  const values: bigint[] = new Array(POINTS);
  for (let i = 0; i < POINTS; i++) {
    values[i] = BigInt(`0x${hex.slice(i * digits, (i + 1) * digits)}`);
    if (values[i] >= MODULUS) return undefined;
  }
  toCoefficients(values, inverse);
  for (let i = 0; i < POINTS; i++) values[i] = (values[i] * shift[i]) % MODULUS;
  toValues(values, forward);
  const extended = hex + values.map((value) => value.toString(16).padStart(digits, "0")).join("");
  return Array.from({ length: CELLS_PER_BLOB }, (_, cell) =>
    extended.slice(cell * 2 * CELL_BYTES, (cell + 1) * 2 * CELL_BYTES),
  );
}
