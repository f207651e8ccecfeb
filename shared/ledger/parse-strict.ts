/**
 * The strict reading of JSON, for every text that comes from outside.
 *
 * The native parser keeps the last of two equal keys, turns 1e400 into Infinity and lets lone
 * surrogates through: two readers of one text could then see two values. This refuses all three,
 * besides nesting beyond the limit, a byte order mark and anything after the value.
 *
 * Every request body passes here, so the common path is native: one scan that hops from quote to
 * quote counts members and depth before anything is built, the native parser makes the value, and
 * a walk counts the members that are left. Fewer than were written means that a key came twice.
 */
import {maxDepth} from './canonical.ts';
import type {Json} from './canonical.ts';
import {findFault} from './find-fault.ts';
import {SyntaxRefusal} from './syntax.ts';

/** What a reader may lower. */
export type ParseLimits = {readonly maxDepth?: number};

const escapedSurrogate = /\\u[dD][89a-fA-F]/;

/** The value of a JSON text; throws `SyntaxRefusal`. */
export function parseStrict(text: string, limits: ParseLimits = {}): Json {
  const depthLimit = limits.maxDepth ?? maxDepth;
  const memberCount = scan(text, depthLimit);
  if (memberCount === null) throw faultOf(text, depthLimit);
  let value: Json;
  try {
    value = JSON.parse(text);
  } catch {
    throw faultOf(text, depthLimit);
  }
  const tally = {members: 0, isSound: true};
  // An escape can make a lone surrogate out of a text that has none.
  walk(value, tally, !text.isWellFormed() || escapedSurrogate.test(text));
  if (!tally.isSound || tally.members !== memberCount) throw faultOf(text, depthLimit);
  return value;
}

function faultOf(text: string, depthLimit: number): SyntaxRefusal {
  return findFault(text, depthLimit) ?? new SyntaxRefusal('syntax', null, '');
}

/** How many members all objects have as written, or null where the nesting is too deep. */
function scan(text: string, depthLimit: number): number | null {
  let members = 0;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit === 0x22) {
      at = endOfString(text, at);
      if (at === -1) return members; // never closed: the native parser refuses it
    } else if (unit === 0x3a) {
      members += 1;
    } else if (unit === 0x7b || unit === 0x5b) {
      depth += 1;
      if (depth > depthLimit) return null;
    } else if (unit === 0x7d || unit === 0x5d) {
      depth -= 1;
    }
  }
  return members;
}

/** Index of the quote that closes the string opened at `start`, or -1. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end;
}

function isEscaped(text: string, at: number): boolean {
  let before = at - 1;
  while (text.charCodeAt(before) === 0x5c) before -= 1;
  return (at - before) % 2 === 0;
}

type Tally = {members: number; isSound: boolean};

function walk(value: Json, tally: Tally, isSuspect: boolean): void {
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) tally.isSound = false;
  } else if (typeof value === 'string') {
    if (isSuspect && !value.isWellFormed()) tally.isSound = false;
  } else if (Array.isArray(value)) {
    for (const item of value) walk(item, tally, isSuspect);
  } else if (value !== null && typeof value === 'object') {
    for (const [key, item] of Object.entries(value)) {
      tally.members += 1;
      if (isSuspect && !key.isWellFormed()) tally.isSound = false;
      walk(item, tally, isSuspect);
    }
  }
}
