/**
 * What each hash is for, so that a hash made for one use can never pass for another.
 *
 * `dk(use, input)` is BLAKE3 keyed with the hash of a context string: keyed mode exists in every
 * BLAKE3 library, derive_key does not. The strings are frozen for ever and a golden test pins the
 * keys: a changed rule takes a new string, a new `v` in the header and, if the entry changes, a
 * new tag.
 */
import {concat, encodeUtf8} from './bytes.ts';
import type {Hashes} from './hashes.ts';

/** The closed list of uses. */
export const uses = [
  'event header',
  'event data',
  'event content',
  'gate facts',
  'policy',
  'idempotency key',
  'request',
  'identity',
  'subject ref',
  'prompt',
  'log key',
  'token key',
  'api key',
  'seal key',
] as const;

/** Name of a use. */
export type Use = (typeof uses)[number];

// Keys by the hashes they were made with: the CLI and the tests run two libraries in one process.
const keysOf = new WeakMap<Hashes, Map<Use, Uint8Array>>();

const encoder = new TextEncoder();
// 64 KiB holds nearly every header and part; what is longer gets memory of its own.
let scratch: Uint8Array | undefined;
const scratchBytes = 65_536;

/** The BLAKE3 key of a use. */
export function useKey(hashes: Hashes, use: Use): Uint8Array {
  let keys = keysOf.get(hashes);
  if (keys === undefined) {
    keys = new Map();
    keysOf.set(hashes, keys);
  }
  let key = keys.get(use);
  if (key === undefined) {
    key = hashes.blake3(encodeUtf8(`cellstate.dev 2026-11-22 ${use} v1`));
    keys.set(use, key);
  }
  return key;
}

/** Hash of the parts, one after another, for one use. */
export function dk(hashes: Hashes, use: Use, ...parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  const input = parts.length === 1 && first !== undefined ? first : concat(...parts);
  return hashes.blake3Keyed(useKey(hashes, use), input);
}

/**
 * Hash of `prefix ‖ UTF-8(text)` for one use, without a copy of the text.
 *
 * The lane and the verifier hash four texts an event; encoding straight into one scratch buffer
 * takes 0.03 µs for 1 100 characters instead of 0.15 (Bun 1.4.5). The text must be well formed: callers pass canonical
 * JSON only, which cannot hold a lone surrogate.
 */
export function dkText(
  hashes: Hashes,
  use: Use,
  prefix: Uint8Array | null,
  text: string,
): Uint8Array {
  const offset = prefix === null ? 0 : prefix.length;
  const limit = offset + 3 * text.length;
  scratch ??= new Uint8Array(scratchBytes);
  const buffer = limit <= scratchBytes ? scratch : new Uint8Array(limit);
  if (prefix !== null) buffer.set(prefix, 0);
  const {written} = encoder.encodeInto(text, offset === 0 ? buffer : buffer.subarray(offset));
  return hashes.blake3Keyed(useKey(hashes, use), buffer.subarray(0, offset + written));
}
