/**
 * Gate facts: what the decision about a command was made on.
 *
 * They stand beside the header in clear, are committed by `gates.f` and never removed: `ends` is
 * the proof that a content was allowed to go. They hold ids, versions, counts and names, never
 * content. Nobody judges them again; what is checked is that they are well formed and that a
 * reason stands exactly where a letter asks for one.
 */
import {encodeUtf8, toHex} from './bytes.ts';
import {canonicalize, isObject, parseCanonical} from './canonical.ts';
import type {Json} from './canonical.ts';
import {dk, dkText} from './contexts.ts';
import {gatesWithReason} from './gates.ts';
import type {Hashes} from './hashes.ts';
import {isUuid} from './ids.ts';
import {FormatRefusal} from './refusal.ts';

/** Inclusive ranges of leaves, ascending and apart. */
export type Ranges = readonly (readonly [from: number, to: number])[];

/** Exactly the members of gate facts, as they are spelled in the hashed text. */
export type Facts = {
  readonly v: 1;
  readonly at: number;
  readonly ends: Ranges;
  readonly policy: string;
  readonly reads: readonly (readonly [id: string, version: number])[];
  readonly why: {readonly [gate: string]: Json};
};

/** Facts are at most this long: an erasure may name hundreds of thousands of leaves. */
export const factsLimitBytes = 8_388_608;

const hashPattern = /^[0-9a-f]{64}$/;

/** The canonical text of facts; throws where they break a rule. */
export function renderFacts(facts: Facts): string {
  const {at, ends, policy, reads, v, why} = facts;
  const text = canonicalize({at, ends, policy, reads, v, why});
  // Read before it is hashed: facts that no verifier accepts must never be signed.
  parseFacts(text);
  return text;
}

/** Reads facts; refuses any text but the canonical one that keeps every rule. */
export function parseFacts(text: string): Facts {
  // A character takes 1 to 3 bytes: only long texts are encoded to be measured.
  const isLong = 3 * text.length > factsLimitBytes;
  if (isLong && (text.length > factsLimitBytes || encodeUtf8(text).length > factsLimitBytes)) {
    throw new FormatRefusal('facts', `more than the limit ${factsLimitBytes} bytes`);
  }
  const parsed = parseCanonical(text);
  if (parsed === null) throw new FormatRefusal('facts', 'not canonical JSON');
  const value = parsed.value;
  if (!isObject(value) || Object.keys(value).join() !== 'at,ends,policy,reads,v,why') {
    throw new FormatRefusal('facts', 'its members are not at, ends, policy, reads, v, why');
  }
  const {at, ends, policy, reads, v, why} = value;
  if (!isCount(at)) throw new FormatRefusal('facts', 'at is not a safe integer');
  if (v !== 1) throw new FormatRefusal('facts', 'v is not 1');
  if (typeof policy !== 'string' || !hashPattern.test(policy)) {
    throw new FormatRefusal('facts', 'policy is not a hash');
  }
  if (!isRanges(ends)) throw new FormatRefusal('facts', 'ends are not ascending ranges of leaves');
  if (!isReads(reads)) throw new FormatRefusal('facts', 'reads are not ids with versions, sorted');
  if (!isObject(why) || !hasOnlyIntegers(why)) {
    throw new FormatRefusal('facts', 'why is not an object without broken numbers');
  }
  return {v, at, ends, policy, reads, why};
}

/** Hash of facts, `gates.f`, in hex. */
export function factsHash(hashes: Hashes, text: string): string {
  return toHex(dkText(hashes, 'gate facts', null, text));
}

/** Hash of an effective policy, the member `policy`, in hex. */
export function policyHash(hashes: Hashes, policy: Json): string {
  return toHex(dk(hashes, 'policy', encodeUtf8(canonicalize(policy))));
}

/** The rule that reasons break against the letters of the header, or null. */
export function whyFault(why: Facts['why'], letters: string): string | null {
  const gates = gatesWithReason(letters);
  for (const gate of gates) {
    const reason = why[gate];
    if (!isObject(reason) || typeof reason['code'] !== 'string') return `why lacks ${gate}`;
  }
  const isExact = Object.keys(why).length === gates.length;
  return isExact ? null : 'why names a gate that neither warned nor denied';
}

function isCount(value: Json | undefined): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isRanges(value: Json | undefined): value is Ranges {
  if (!Array.isArray(value)) return false;
  let last = -1;
  return value.every((range: Json) => {
    if (!Array.isArray(range) || range.length !== 2) return false;
    const [from, to]: readonly Json[] = range;
    if (!isCount(from) || !isCount(to) || from <= last || to < from) return false;
    last = to;
    return true;
  });
}

function isReads(value: Json | undefined): value is Facts['reads'] {
  if (!Array.isArray(value)) return false;
  let last = '';
  return value.every((read: Json) => {
    if (!Array.isArray(read) || read.length !== 2) return false;
    const [id, version]: readonly Json[] = read;
    if (typeof id !== 'string' || !isUuid(id) || id <= last || !isCount(version)) return false;
    last = id;
    return true;
  });
}

function hasOnlyIntegers(value: Json): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value);
  if (value === null || typeof value !== 'object') return true;
  return Object.values(value).every(hasOnlyIntegers);
}
