/**
 * Which entities are searched, what of them is indexed, and the row that stands for one version.
 *
 * Everything in the index follows from a row of `mem`, the name of the agent that wrote it and the
 * owner of its trajectory: the lane writes it with the version, and it can be made again from the
 * tables at any time. It holds numbers of words, never a word.
 */
import type {Id, Micros} from '../../shared/ids.ts';
import {abstractionLevel, sourceClass} from '../../shared/wire/enums.ts';
import {analyze, analyzerNumber, termLimit} from './analyze.ts';
import {dateTerms, termOf} from './terms.ts';

/** The kinds of the index, by the number that stands in its rows. */
export const kindNumber = {turn: 1, artifact: 2, note: 3} as const;
export type SearchKind = keyof typeof kindNumber;

/** Bits of `hidden`; superseded items are told by the leaf that superseded them. */
export const hiddenBit = {quarantined: 2, recalled: 8} as const;

type State = Readonly<Record<string, unknown>>;
export type Source = {
  readonly id: Id;
  readonly version: number;
  readonly leaf: number;
  readonly state: State;
};

/** What only other rows tell: the name of the agent that wrote it, and whose its trajectory is. */
export type Around = {readonly agentName: string | null; readonly ownerId: Id | null};

/** The texts of an item in their order, and the terms made of them before the lane is asked. */
export type Prepared = {
  readonly parts: readonly string[];
  /** Terms in order, separated by commas: what costs one text, and not thousands of numbers, to check. */
  readonly terms: string;
  readonly length: number;
};

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const captionOf = ({metadata}: State): string =>
  textOf((metadata as State | undefined)?.['caption']);

const speakerCharacters = 64;
const readable =
  /^(?:text\/|application\/(?:json|xml|javascript|typescript|yaml|toml|sql|x-)|[^;]*\+(?:json|xml))/i;

/** Who speaks in a turn: as its writer names him, else the writing agent, else the role. */
export function speakerOf({metadata, role}: State, agentName: string | null): string {
  const named = textOf((metadata as State | undefined)?.['speaker']);
  if (named !== '' && named.length <= speakerCharacters) return named;
  return agentName ?? textOf(role);
}

const partsOf: Readonly<Record<SearchKind, (s: State, agentName: string | null) => string[]>> = {
  turn: (s, agentName) => [speakerOf(s, agentName), textOf(s['content']), captionOf(s)],
  artifact: (s) => [
    textOf(s['name']),
    readable.test(textOf(s['mediaType'])) ? textOf(s['content']) : '',
    captionOf(s),
  ],
  note: (s) => [textOf(s['title']), textOf(s['content'])],
};

export const isSearchKind = (entity: string): entity is SearchKind => entity in kindNumber;

/** Makes the terms of an item; outside the lane, since a long content takes milliseconds. */
export function prepare(kind: SearchKind, state: State, agentName: string | null): Prepared {
  const parts = partsOf[kind](state, agentName);
  const terms: number[] = [];
  for (const part of parts) {
    for (const stem of analyze(part, 'en1', termLimit - terms.length)) terms.push(termOf(stem));
  }
  return {parts, terms: terms.join(','), length: terms.length};
}

/** The preparation that was handed in where it is of these texts, else a new one. */
function preparedFor(
  kind: SearchKind,
  state: State,
  agentName: string | null,
  given: Prepared | undefined,
): Prepared {
  const parts = partsOf[kind](state, agentName);
  const isSame = given !== undefined && parts.every((part, at) => part === given.parts[at]);
  return isSame ? given : prepare(kind, state, agentName);
}

/** Whether a version says the same as the one before: then only columns of its row change. */
export function saysTheSame(kind: SearchKind, before: State, after: State): boolean {
  const [old, next] = [partsOf[kind](before, null), partsOf[kind](after, null)];
  const [month, year] = dateTerms(before['validFrom'] as Micros);
  const [nextMonth, nextYear] = dateTerms(after['validFrom'] as Micros);
  return month === nextMonth && year === nextYear && next.every((part, at) => part === old[at]);
}

const rankOf = (trust: unknown): number =>
  sourceClass.values.length - 1 - (sourceClass.values as readonly unknown[]).indexOf(trust);

/** Columns that may change while the text stays. */
export function indexColumns(kind: SearchKind, {version, leaf, state: s}: Source): object {
  const isSuperseded = (s['supersededBy'] ?? null) !== null;
  const level = abstractionLevel.values.indexOf((s['abstractionLevel'] ?? 'raw') as 'raw');
  return {
    version,
    trust: rankOf(s['trust']),
    level,
    hidden: s['recalled'] === true ? hiddenBit.recalled : 0,
    superseded_leaf: isSuperseded ? leaf : null,
    valid_from: s['validFrom'],
    valid_to: s['validTo'] ?? null,
    expires_at: s['expiresAt'] ?? null,
    expires_with: s['expiresWith'] ?? null,
    region_id: s['regionId'] ?? null,
    doc: docOf(kind, s),
  };
}

/** The few fields that a filter may name and that are no columns. */
function docOf(kind: SearchKind, s: State): object {
  const {metadata, claimKey = null} = s;
  const shared = {claim_key: claimKey, metadata};
  switch (kind) {
    case 'turn':
      return {role: s['role'], metadata};
    case 'artifact':
      return {
        ...shared,
        artifact_type: s['artifactType'],
        confidence: (s['provenance'] as State | undefined)?.['confidence'] ?? null,
      };
    case 'note':
      return {...shared, note_type: s['noteType'], confidence: s['confidence'] ?? null};
  }
}

/** The whole row of a version, but for its tenant. `given` saves the analysis where it fits. */
export function indexRow(
  kind: SearchKind,
  source: Source,
  {agentName, ownerId}: Around,
  given?: Prepared,
): Record<string, unknown> {
  const {id, leaf, state: s} = source;
  const {terms, length} = preparedFor(kind, s, agentName, given);
  const dates = dateTerms(s['validFrom'] as Micros).join(',');
  return {
    id,
    leaf,
    kind: kindNumber[kind],
    agent_id: s['agentId'] ?? ownerId,
    trajectory_id: s['trajectoryId'] ?? s['homeTrajectoryId'] ?? null,
    scope_id: s['scopeId'] ?? null,
    seq: s['sequence'] ?? null,
    speaker: kind === 'turn' ? speakerOf(s, agentName) : null,
    token_count: s['tokenCount'] ?? 0,
    len: length,
    analyzer: analyzerNumber.en1,
    terms: terms === '' ? `{${dates}}` : `{${terms},${dates}}`,
    ...indexColumns(kind, source),
  };
}
