/**
 * Byte layouts of records and results: fixed-size structs, described once and read by every column.
 *
 * @module
 */

/** One field of a {@link Layout}. */
export interface Field {
  /** Byte offset from the start of the struct. */
  readonly offset: number;
  /** Size in bytes. */
  readonly size: number;
  /** `u32`: little-endian; `bytes`: opaque; `be`: a big-endian integer as it stands on the wire. */
  readonly kind: "u32" | "bytes" | "be";
}

/** A fixed-size struct. `byteLength` is a multiple of 4, so that a GPU can address it as words. */
export interface Layout<Names extends string = string> {
  readonly byteLength: number;
  readonly fields: Readonly<Record<Names, Field>>;
}

/**
 * Lays the fields out one after another, in the order given.
 *
 * @throws RangeError when the total is not a multiple of 4 bytes, or a u32 is not on a 4-byte boundary.
 *
 * @example
 * const record = layout({ offset: ["u32", 4], length: ["u32", 4] }); // record.byteLength === 8
 */
export function layout<Names extends string>(
  fields: Record<Names, readonly [kind: Field["kind"], size: number]>,
): Layout<Names> {
  let offset = 0;
  const placed = {} as Record<Names, Field>;
  for (const name of Object.keys(fields) as Names[]) {
    const [kind, size] = fields[name];
    if (kind === "u32" && (size !== 4 || offset % 4 !== 0)) {
      throw new RangeError(
        `layout: u32 ${name}: expected 4 bytes on a 4-byte boundary, got ${size} at ${offset}`,
      );
    }
    placed[name] = { offset, size, kind };
    offset += size;
  }
  if (offset % 4 !== 0)
    throw new RangeError(`layout: expected a multiple of 4 bytes, got ${offset}`);
  return { byteLength: offset, fields: placed };
}
