/**
 * Hexadecimal text, as Ethereum's JSON-RPC writes bytes: 0x and two digits per byte.
 *
 * @module
 */
const DIGITS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Value of each ASCII hex digit; 255 for any other character. */
const VALUES = new Uint8Array(128).fill(255);
for (let value = 0; value < 16; value++) {
  VALUES[value.toString(16).charCodeAt(0)] = value;
  VALUES[value.toString(16).toUpperCase().charCodeAt(0)] = value;
}

/** `0x`-prefixed lower-case hex. */
export function toHex(bytes: Uint8Array): string {
  let hex = "0x";
  for (let i = 0; i < bytes.length; i++) hex += DIGITS[bytes[i]];
  return hex;
}

/**
 * The bytes of `0x`-prefixed hex with an even number of digits of either case; `undefined` for any other text.
 */
export function fromHex(hex: string): Uint8Array | undefined {
  if (hex.length % 2 !== 0 || !hex.startsWith("0x")) return undefined;
  const bytes = new Uint8Array(hex.length / 2 - 1);
  for (let i = 0, at = 2; i < bytes.length; i++, at += 2) {
    const high = VALUES[hex.charCodeAt(at)] ?? 255;
    const low = VALUES[hex.charCodeAt(at + 1)] ?? 255;
    if ((high | low) > 15) return undefined;
    bytes[i] = high * 16 + low;
  }
  return bytes;
}
