/**
 * Receipts: what a holder keeps to prove one event offline, `cellstate/receipt@1`.
 *
 * The key set is closed and nothing authenticated is repeated outside header and note: there is no
 * size, root, index or verdict here that a lazy client could trust instead of checking.
 */
import {fromBase64, toBase64} from './bytes.ts';
import type {Json} from './canonical.ts';
import {hashBytes} from './hashes.ts';
import {exactMembers} from './members.ts';
import {parseStrict} from './parse-strict.ts';
import {FormatRefusal} from './refusal.ts';

/** Media type of a receipt. */
export const receiptMediaType = 'application/vnd.cellstate.receipt+json';

/** One part of an event with the salt that opens its commitment. */
export type OpenedPart = {readonly salt: Uint8Array; readonly body: Uint8Array};

/** What the holder was allowed to see of the event. */
export type Opened = {readonly data: OpenedPart | null; readonly content: OpenedPart | null};

/** A receipt as it was read, not yet verified. */
export type Receipt = {
  /** The hashed text, byte for byte. */
  readonly header: string;
  /** A tlog-proof, byte for byte. */
  readonly proof: string;
  readonly open: Opened | null;
};

const receiptKeys = ['receipt', 'header', 'proof', 'open', 'anchor'];
const version = 'cellstate/receipt@1';

/** The text of a receipt. */
export function renderReceipt({header, proof, open}: Receipt): string {
  const opened =
    open === null ? null : {data: renderPart(open.data), content: renderPart(open.content)};
  return JSON.stringify({receipt: version, header, proof, open: opened, anchor: null});
}

function renderPart(part: OpenedPart | null): {salt: string; body: string} | null {
  return part === null ? null : {salt: toBase64(part.salt), body: toBase64(part.body)};
}

/** Reads a receipt; an unknown or a missing member is refused. */
export function parseReceipt(text: string): Receipt {
  const value = exactMembers('receipt', 'the receipt', parseStrict(text), receiptKeys);
  if (value['receipt'] !== version) throw new FormatRefusal('receipt', `is not a ${version}`);
  const {header, proof, open, anchor} = value;
  if (typeof header !== 'string') throw new FormatRefusal('receipt', 'header is not text');
  if (typeof proof !== 'string') throw new FormatRefusal('receipt', 'proof is not text');
  if (anchor !== null) throw new FormatRefusal('receipt', 'anchor is not null');
  return {header, proof, open: open === null ? null : parseOpened(open)};
}

function parseOpened(value: Json | undefined): Opened {
  const {data, content} = exactMembers('receipt', 'open', value, ['data', 'content']);
  return {data: parsePart(data, 'open.data'), content: parsePart(content, 'open.content')};
}

function parsePart(value: Json | undefined, name: string): OpenedPart | null {
  if (value === null) return null;
  const {salt, body} = exactMembers('receipt', name, value, ['salt', 'body']);
  if (typeof salt !== 'string' || typeof body !== 'string') {
    throw new FormatRefusal('receipt', `${name} is not of base64 texts`);
  }
  const part = {salt: fromBase64(salt), body: fromBase64(body)};
  if (part.salt.length !== hashBytes) {
    throw new FormatRefusal('receipt', `${name}.salt is not of 32 bytes`);
  }
  return part;
}
