/**
 * The header: the text whose hash is an event.
 *
 * A canonical header is a regular language – 18 keys in one order, no space, few shapes – so one
 * anchored pattern decides canonical form, key set and types at once: 0.6 µs, where parsing and
 * printing again takes 3 (Bun 1.4.5). What a pattern cannot say (order of parents, id
 * against time, letters against kind) `headerFault` does.
 *
 * Anything left out here is left out on purpose: see 04-ledger.md §2.6.
 */
import {toHex} from './bytes.ts';
import {dkText} from './contexts.ts';
import {lettersFault} from './gates.ts';
import type {Hashes} from './hashes.ts';
import {explainHeader, headerPattern, parentPattern} from './header-pattern.ts';
import {idMatchesTime} from './ids.ts';
import {deniedCode, isKindCode} from './kinds.ts';
import {FormatRefusal} from './refusal.ts';
import {isRelation} from './relations.ts';
import type {Relation} from './relations.ts';

/** A typed link to another event, by its hash. */
export type Parent = {readonly h: string; readonly r: Relation};

/** Exactly the members of a header, as they are spelled in the hashed text. */
export type Header = {
  readonly v: 1;
  readonly log: string;
  readonly id: string;
  readonly at: number;
  readonly kind: string;
  readonly traj: string | null;
  readonly dag: string;
  readonly prev: string | null;
  readonly parents: readonly Parent[];
  readonly corr: string | null;
  readonly trace: string | null;
  readonly actor: {readonly agent: string | null; readonly by: string};
  readonly ent: {readonly id: string; readonly ver: number | null} | null;
  readonly grp: readonly [number, number];
  readonly rdx: number;
  readonly pay: {readonly c: string | null; readonly d: string; readonly s: string | null};
  readonly gates: {readonly v: 1; readonly r: string; readonly f: string};
  readonly idem: string | null;
};

/** A header is at most this long; a group of 32 parents takes 3 KiB. */
export const headerLimitBytes = 16_384;
/** Most parents an event may have. */
export const parentLimitCount = 32;

/** The canonical text of a header; throws where the header breaks a rule. */
export function renderHeader(header: Header): string {
  const {actor, ent, gates, grp, pay} = header;
  const entity = ent === null ? 'null' : `{"id":"${ent.id}","ver":${ent.ver}}`;
  const text =
    `{"actor":{"agent":${quoted(actor.agent)},"by":"${actor.by}"},"at":${header.at},` +
    `"corr":${quoted(header.corr)},"dag":"${header.dag}","ent":${entity},` +
    `"gates":{"f":"${gates.f}","r":"${gates.r}","v":${gates.v}},"grp":[${grp[0]},${grp[1]}],` +
    `"id":"${header.id}","idem":${quoted(header.idem)},"kind":"${header.kind}",` +
    `"log":"${header.log}","parents":[${renderParents(header.parents)}],` +
    `"pay":{"c":${quoted(pay.c)},"d":"${pay.d}","s":${quoted(pay.s)}},` +
    `"prev":${quoted(header.prev)},"rdx":${header.rdx},"trace":${quoted(header.trace)},` +
    `"traj":${quoted(header.traj)},"v":${header.v}}`;
  // Read before it is hashed: a header that no verifier accepts must never be signed.
  parseHeader(text);
  return text;
}

function renderParents(parents: readonly Parent[]): string {
  return parents.map(({h, r}) => `{"h":"${h}","r":"${r}"}`).join();
}

function quoted(text: string | null): string {
  return text === null ? 'null' : `"${text}"`;
}

/** Reads a header; refuses any text but the canonical one that keeps every rule. */
export function parseHeader(text: string): Header {
  if (text.length > headerLimitBytes) {
    throw new FormatRefusal('header', `${text.length} characters, limit ${headerLimitBytes}`);
  }
  const m = headerPattern.exec(text);
  if (m === null) throw new FormatRefusal('header', explainHeader(text));
  const entityId = m[6] ?? null;
  const header: Header = {
    v: 1,
    log: m[15] ?? '',
    id: m[12] ?? '',
    at: Number(m[3]),
    kind: m[14] ?? '',
    traj: m[23] ?? null,
    dag: m[5] ?? '',
    prev: m[20] ?? null,
    parents: parseParents(m[16] ?? ''),
    corr: m[4] ?? null,
    trace: m[22] ?? null,
    actor: {agent: m[1] ?? null, by: m[2] ?? ''},
    ent: entityId === null ? null : {id: entityId, ver: m[7] === undefined ? null : Number(m[7])},
    grp: [Number(m[10]), Number(m[11])],
    rdx: Number(m[21]),
    pay: {c: m[17] ?? null, d: m[18] ?? '', s: m[19] ?? null},
    gates: {v: 1, r: m[9] ?? '', f: m[8] ?? ''},
    idem: m[13] ?? null,
  };
  const fault = headerFault(header);
  if (fault !== null) throw new FormatRefusal('header', fault);
  return header;
}

function parseParents(text: string): readonly Parent[] {
  if (text === '') return [];
  const parents: Parent[] = [];
  for (const [, h = '', r = ''] of text.matchAll(parentPattern)) {
    if (!isRelation(r)) throw new FormatRefusal('header', `no relation is called ${r}`);
    parents.push({h, r});
  }
  if (renderParents(parents) !== text) throw new FormatRefusal('header', 'parents is malformed');
  return parents;
}

/** The rule a well-formed header breaks, or null. */
function headerFault(header: Header): string | null {
  const {at, ent, grp, parents} = header;
  const kind = Number.parseInt(header.kind, 16);
  const isDenial = header.gates.r.includes('D');
  const letters = lettersFault(header.gates.r);
  if (letters !== null) return letters;
  if (!Number.isSafeInteger(at)) return 'at is not a safe integer';
  if (!idMatchesTime(header.id, at)) return 'the time in id is not at';
  if (!isKindCode(kind)) return `kind ${header.kind} is reserved or unknown`;
  if (isDenial !== (kind === deniedCode)) return 'gates.r has a D where kind is no denial, or none';
  if (ent !== null && (ent.ver === null) !== isDenial) return 'ent.ver is null in a denial only';
  if (grp[0] >= grp[1]) return 'grp is no place in a group';
  if (header.idem !== null && grp[0] !== 0) return 'idem is not on the first event of its group';
  if (parents.length > parentLimitCount) return `${parents.length} parents, limit 32`;
  for (let i = 1; i < parents.length; i += 1) {
    if (compareParents(parents[i - 1], parents[i]) >= 0) return 'parents are not sorted and unique';
  }
  return null;
}

/** Order of parents in a header: by hash, then by the name of the relation. */
export function compareParents(a: Parent | undefined, b: Parent | undefined): number {
  const left = `${a?.h} ${a?.r}`;
  const right = `${b?.h} ${b?.r}`;
  return left < right ? -1 : Number(left > right);
}

/** Depth, track and sequence of an event. */
export function placeOf(header: Header): readonly [depth: number, track: number, sequence: number] {
  const [depth, track, sequence] = header.dag.split(':');
  return [Number(depth), Number(track), Number(sequence)];
}

/** Hash of an event: of the text of its header. */
export function eventHash(hashes: Hashes, headerText: string): Uint8Array {
  return dkText(hashes, 'event header', null, headerText);
}

/** Hash of an event, in hex. */
export function eventHashHex(hashes: Hashes, headerText: string): string {
  return toHex(eventHash(hashes, headerText));
}
