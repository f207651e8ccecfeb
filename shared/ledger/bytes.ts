/**
 * Bytes to text and back, strictly: one spelling for each value.
 *
 * A second accepted spelling of a hash would give one receipt two texts, so hex is lower case only
 * and base64 (RFC 4648 §4) must be padded, without white space and with zero trailing bits.
 * Native conversions (ES2026) are used where the runtime has them: Bun and new browsers do,
 * Node 20 does not.
 */
import {FormatRefusal} from './refusal.ts';

const encoder = new TextEncoder();
// ignoreBOM keeps a byte order mark in the text, where the strict parsers see and refuse it.
const decoder = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true});
const hexPattern = /^(?:[0-9a-f]{2})*$/;
const hexPairs: readonly string[] = Array.from({length: 256}, (_, byte) =>
  byte.toString(16).padStart(2, '0'),
);
const isNative = 'toHex' in Uint8Array.prototype && 'fromBase64' in Uint8Array;

/** Lower-case hex. */
export function toHex(bytes: Uint8Array): string {
  if (isNative) return bytes.toHex();
  let text = '';
  for (const byte of bytes) text += hexPairs[byte];
  return text;
}

/** Bytes of lower-case hex; upper case, odd lengths and anything else are refused. */
export function fromHex(text: string): Uint8Array {
  if (!hexPattern.test(text)) throw new FormatRefusal('hex', 'not pairs of 0-9a-f');
  if (isNative) return Uint8Array.fromHex(text);
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i += 1) {
    bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  }
  return bytes;
}

/** Padded standard base64. */
export function toBase64(bytes: Uint8Array): string {
  if (isNative) return bytes.toBase64();
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** Bytes of canonical base64: what `toBase64` would not print is refused. */
export function fromBase64(text: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = isNative ? Uint8Array.fromBase64(text) : decodeByAtob(text);
  } catch (cause) {
    throw new FormatRefusal('base64', 'not standard base64', cause);
  }
  if (toBase64(bytes) !== text) throw new FormatRefusal('base64', 'not in canonical form');
  return bytes;
}

function decodeByAtob(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

/** UTF-8 of a text; one with a lone surrogate has none and is refused. */
export function encodeUtf8(text: string): Uint8Array {
  if (!text.isWellFormed()) throw new FormatRefusal('text', 'has a lone surrogate');
  return encoder.encode(text);
}

/** Text of UTF-8 bytes; overlong forms, surrogates and cut sequences are refused. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new FormatRefusal('text', 'is not UTF-8', cause);
  }
}

/** All parts one after another. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** Two bytes, most significant first. */
export function u16be(value: number): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff) {
    throw new RangeError(`${value} does not fit two bytes`);
  }
  return Uint8Array.of(value >>> 8, value & 0xff);
}

/** Four bytes, most significant first. */
export function u32be(value: number): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
    throw new RangeError(`${value} does not fit four bytes`);
  }
  return Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}

/** Order of byte strings: by the first byte that differs, a prefix before what it begins. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i += 1) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Whether two byte strings are the same. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compareBytes(a, b) === 0;
}
