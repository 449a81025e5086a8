/** One flipped bit somewhere in a JSON document's hex values: what a validator has to notice. @module */

/** Where a flip went, as `transactions[3].value`. */
export interface Flip {
  readonly path: string;
  readonly json: unknown;
}

type Json = Record<string, unknown> | unknown[];

/** Paths of all hex leaves, in the order of the document. */
export function hexLeaves(json: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof json === "string") return /^0x[0-9a-fA-F]+$/.test(json) ? [path] : [];
  if (typeof json !== "object" || json === null) return [];
  const entries: [string | number, unknown][] = Array.isArray(json)
    ? [...json.entries()]
    : Object.entries(json);
  return entries.flatMap(([key, value]) => hexLeaves(value, [...path, key]));
}

/** The value at a path. */
export function valueAt(json: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce((value, key) => (value as Record<string | number, unknown>)[key], json);
}

/** A copy of the document with one bit of the hex digit `digit` (from the left, 0x aside) flipped. */
export function flipHex(
  json: unknown,
  path: readonly (string | number)[],
  digit: number,
  bit: number,
): unknown {
  const [key, ...rest] = path;
  if (key === undefined) {
    const text = json as string;
    const at = 2 + digit;
    const flipped = Number.parseInt(text[at], 16) ^ (1 << bit);
    return text.slice(0, at) + flipped.toString(16) + text.slice(at + 1);
  }
  const copy: Json = Array.isArray(json) ? [...json] : { ...(json as Record<string, unknown>) };
  const container = copy as Record<string | number, unknown>;
  container[key] = flipHex(container[key], rest, digit, bit);
  return copy;
}

/** A small seeded generator for choosing positions (xorshift32). */
export function createChooser(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
