/** What was gathered, as pieces that may stand in a context: each item once, with its costs. */
import type {Id, Micros} from '../../shared/ids.ts';
import {sourceClass, type ValueOf} from '../../shared/wire/enums.ts';
import {isoTime} from '../../shared/wire/scalar.ts';
import type {Row} from '../domain/aggregate.ts';
import type {Trajectory} from '../domain/trajectory.ts';
import type {Turn} from '../domain/turn.ts';
import {speakerOf} from '../text/index-row.ts';
import {countTokens} from '../text/tokens.ts';
import type {Piece} from './budget.ts';
import type {ContextRequest, Package} from './gather.ts';
import {entryTokens, groupHead, oneLine, type Entry} from './render.ts';
import type {Hit} from './search.ts';

export type ItemRef = {
  readonly entity_type: 'turn' | 'artifact' | 'note' | 'trajectory';
  readonly id: Id;
  readonly version: number;
};

export type ContextPiece = Piece & {
  readonly ref: ItemRef;
  readonly entry: Entry;
  /** Its place among those of its section. */
  readonly order: string;
  readonly group: (NonNullable<Piece['group']> & {readonly title: string}) | null;
  /** What makes two items the same. */
  readonly hash: string | null;
  readonly isSummary: boolean;
};

type State = Readonly<Record<string, unknown>>;

/** As the index ranks it: 4 user … 0 tool_external. */
const rankOf = (trust: unknown): number =>
  sourceClass.values.length - 1 - sourceClass.values.indexOf(trust as ValueOf<typeof sourceClass>);

const entryOf = (lead: string, state: State): Entry => ({
  lead,
  text: typeof state['content'] === 'string' ? state['content'] : '',
  trust: rankOf(state['trust']),
});

/** A number that sorts as text. */
const sortable = (value: number): string => String(value).padStart(16, '0');

type Made = Omit<ContextPiece, 'tokens' | 'isSummary'> & {readonly isSummary?: boolean};

const piece = (made: Made): ContextPiece => ({
  isSummary: false,
  ...made,
  tokens: entryTokens(made.entry),
});

const hashOf = (state: State): string | null =>
  typeof state['contentHash'] === 'string' ? state['contentHash'] : null;

const refOf = ({kind, row}: Hit): ItemRef => ({
  entity_type: kind,
  id: row.id,
  version: row.version,
});

/** Notes and artifacts: kind, title and content, in the order of their scores. */
const keptPieces = (section: 'notes' | 'artifacts', hits: readonly Hit[]): ContextPiece[] =>
  hits.map((hit, place) => {
    const {state} = hit.row;
    const level = (state['abstractionLevel'] ?? 'raw') as string;
    const type = String(section === 'notes' ? state['noteType'] : state['artifactType']);
    const kind = level === 'raw' || level === type ? type : `${level}, ${type}`;
    const name = String(section === 'notes' ? state['title'] : state['name']);
    return piece({
      section,
      ref: refOf(hit),
      entry: entryOf(`(${kind}) ${name}`, state),
      order: sortable(place),
      score: hit.score,
      group: null,
      hash: hashOf(state),
      isSummary: level === 'summary',
    });
  });

/** Turns of other places, under the day and the scope they are of, in time order. */
function evidencePieces(hits: readonly Hit[], scopeNames: Package['scopeNames']): ContextPiece[] {
  return hits.map((hit) => {
    const {state} = hit.row;
    const scopeId = (hit.scopeId ?? '') as Id;
    const day = isoTime(state['validFrom'] as Micros).slice(0, 10);
    const title = `${day} · ${scopeNames.get(scopeId) ?? ''}`;
    const key = `${day}/${scopeId}`;
    return piece({
      section: 'evidence',
      ref: refOf(hit),
      entry: entryOf(hit.speaker ?? String(state['role']), state),
      order: `${key}/${sortable(Number(state['sequence']))}`,
      score: hit.score,
      group: {key, title, tokens: countTokens(groupHead(title))},
      hash: hashOf(state),
    });
  });
}

/** The scope's own turns: the newest is worth most, and they stand in their order. */
const historyPieces = (turns: readonly Row<Turn>[]): ContextPiece[] =>
  turns
    .filter(({state}) => state.content !== null && state.content !== '')
    .map(({id, version, state}, age) =>
      piece({
        section: 'history',
        ref: {entity_type: 'turn', id, version},
        entry: entryOf(speakerOf(state, null), state),
        order: sortable(state.sequence),
        score: 1 / (age + 1),
        group: null,
        hash: hashOf(state),
      }),
    );

/** The task and those it is part of, the whole first. */
function hierarchyPieces(of: Row<Trajectory>, parents: readonly Row<Trajectory>[]): ContextPiece[] {
  return [of, ...parents].map((row, distance) => {
    const {name, description, status} = row.state;
    const what = distance === 0 ? 'task' : 'part of';
    return piece({
      section: 'hierarchy',
      ref: {entity_type: 'trajectory', id: row.id, version: row.version},
      entry: {
        lead: `(${what}, ${status}) ${oneLine(name)}`,
        text: description ?? '',
        trust: rankOf('user'),
      },
      order: sortable(parents.length - distance),
      score: 1 / (distance + 1),
      group: null,
      hash: null,
    });
  });
}

/** Every piece; of two with the same content the first stays, and history before what was found. */
export function piecesOf(of: ContextRequest, found: Package): ContextPiece[] {
  const hierarchy = of.includes.hierarchy ? hierarchyPieces(of.trajectory, found.parents) : [];
  const seen = new Set<string>();
  const isFirst = ({hash}: ContextPiece): boolean => {
    if (hash === null) return true;
    const isNew = !seen.has(hash);
    seen.add(hash);
    return isNew;
  };
  // A conversation repeats itself, and stays what it was.
  const history = historyPieces(found.history);
  for (const {hash} of history) if (hash !== null) seen.add(hash);
  const others = [
    ...keptPieces('artifacts', found.artifacts),
    ...keptPieces('notes', found.notes),
    ...evidencePieces(found.evidence, found.scopeNames),
  ];
  return [...hierarchy, ...others.filter(isFirst), ...history];
}
