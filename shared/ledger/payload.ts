/**
 * The two parts of an event, committed apart so that content can end while data stays.
 *
 * `data` = canonical `{"data": {…}, "on_behalf_of": text|null}`, `content` = the canonical object
 * of the members that are content. Each has 32 random bytes of salt of its own, without which its
 * commitment hides it, and a use of its own, so that one never passes for the other. Disclosing
 * one part of one event opens nothing else.
 */
import {canonicalize, isObject, parseCanonical} from './canonical.ts';
import type {Json} from './canonical.ts';
import {toHex} from './bytes.ts';
import {dkText} from './contexts.ts';
import {hashBytes} from './hashes.ts';
import type {Hashes} from './hashes.ts';
import {exactMembers} from './members.ts';
import {FormatRefusal} from './refusal.ts';

/** Members of an event that are no content, and the caller's opaque principal. */
export type DataPart = {
  readonly data: {readonly [member: string]: Json};
  readonly on_behalf_of: string | null;
};

/** Members of an event that are content. */
export type ContentPart = {readonly [member: string]: Json};

/** The text of a data part. */
export function renderData(part: DataPart): string {
  return canonicalize({data: part.data, on_behalf_of: part.on_behalf_of});
}

/** The text of a content part. */
export function renderContent(part: ContentPart): string {
  return canonicalize(part);
}

/** Commitment of a data part, `pay.d`, in hex. */
export function commitData(hashes: Hashes, salt: Uint8Array, text: string): string {
  return toHex(dkText(hashes, 'event data', checkedSalt('data', salt), text));
}

/** Commitment of a content part, `pay.c`, in hex. */
export function commitContent(hashes: Hashes, salt: Uint8Array, text: string): string {
  return toHex(dkText(hashes, 'event content', checkedSalt('content', salt), text));
}

function checkedSalt(part: 'content' | 'data', salt: Uint8Array): Uint8Array {
  if (salt.length !== hashBytes) throw new FormatRefusal(part, `a salt of ${salt.length} bytes`);
  return salt;
}

/** Reads a data part; refuses any text but the canonical one of exactly its two members. */
export function parseData(text: string): DataPart {
  const value = parseCanonicalObject('data', text);
  const keys = ['data', 'on_behalf_of'];
  const {data, on_behalf_of: onBehalfOf} = exactMembers('data', 'the part', value, keys);
  if (!isObject(data)) throw new FormatRefusal('data', 'data is not an object');
  if (typeof onBehalfOf !== 'string' && onBehalfOf !== null) {
    throw new FormatRefusal('data', 'on_behalf_of is neither text nor null');
  }
  return {data, on_behalf_of: onBehalfOf};
}

/** Reads a content part; refuses any text but the canonical one of an object. */
export function parseContent(text: string): ContentPart {
  return parseCanonicalObject('content', text);
}

function parseCanonicalObject(
  part: 'content' | 'data',
  text: string,
): {readonly [m: string]: Json} {
  const parsed = parseCanonical(text);
  if (parsed === null) throw new FormatRefusal(part, 'not canonical JSON');
  if (!isObject(parsed.value)) throw new FormatRefusal(part, 'not an object');
  return parsed.value;
}
