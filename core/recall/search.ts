/**
 * One search: from a question to the rows that answer it, best first.
 *
 * Everything is asked inside one read, on one snapshot, so an item that was found is there when its
 * row is fetched. See README.md, "the life of a query".
 */
import type {Id, Micros, TenantNo} from '../../shared/ids.ts';
import type {Row} from '../domain/aggregate.ts';
import {isValidAt} from '../domain/memory-item.ts';
import {selectNewest, selectRowsBy, type Candidate, type RecallFilter} from '../store/recall.ts';
import type {Query} from '../store/store.ts';
import {hiddenBit, kindNumber, type SearchKind} from '../text/index-row.ts';
import {candidateCount, listedMost, rankedMost} from './constants.ts';
import {lexicalPool, termsOf} from './lexical.ts';
import type {Scored} from './score.ts';

export type Question = {
  readonly tenant: TenantNo;
  readonly query: string;
  readonly kinds: readonly SearchKind[];
  readonly trajectoryId: Id | null;
  readonly scopeId: Id | null;
  readonly agentId: Id | null;
  readonly limit: number;
  /** Results below are left out; null keeps all. */
  readonly minScore: number | null;
  readonly leaf: number | null;
  readonly validAt: Micros;
  readonly now: Micros;
  readonly includes: ReadonlySet<'superseded' | 'invalid'>;
};

export type ItemState = 'current' | 'superseded' | 'invalid';

export type Hit = {
  readonly kind: SearchKind;
  readonly row: Row<Readonly<Record<string, unknown>>>;
  readonly score: number;
  readonly state: ItemState;
  readonly speaker: string | null;
  readonly trajectoryId: Id | null;
  readonly scopeId: Id | null;
};

export type Answered = {
  readonly hits: readonly Hit[];
  readonly total: number;
  readonly totalIsCapped: boolean;
  /** Terms of the query, for passages. */
  readonly terms: ReadonlySet<number>;
};

export const allKinds = Object.keys(kindNumber) as SearchKind[];
const kindOf = (number: number): SearchKind =>
  allKinds.find((kind) => kindNumber[kind] === number) ?? 'note';

/** What every question leaves out: what was recalled would echo its origin. */
export const hideAlways = hiddenBit.quarantined | hiddenBit.recalled;

const filterOf = (of: Question): RecallFilter => ({
  leaf: of.leaf,
  at: of.validAt,
  now: of.now,
  hide: hideAlways,
  superseded: of.includes.has('superseded'),
  invalid: of.includes.has('invalid'),
  kinds: of.kinds.map((kind) => kindNumber[kind]),
  ...(of.trajectoryId !== null && {trajectories: [of.trajectoryId]}),
  ...(of.scopeId !== null && {scopes: [of.scopeId]}),
  ...(of.agentId !== null && {agents: [of.agentId]}),
});

function stateOf({isSuperseded, isRewound, ...one}: Candidate, at: Micros): ItemState {
  if (isSuperseded || isRewound) return 'superseded';
  return isValidAt(one, at) ? 'current' : 'invalid';
}

/** Fetches the rows of what was found, kind by kind; one whose row is not there is left out. */
export async function withRows(
  q: Query,
  {tenant, leaf, validAt}: Pick<Question, 'tenant' | 'leaf' | 'validAt'>,
  found: readonly Scored[],
): Promise<Hit[]> {
  const rows = new Map<Id, Hit['row']>();
  for (const kind of allKinds) {
    const of = found.filter(({candidate}) => candidate.kind === kindNumber[kind]);
    const ids = of.map(({candidate}) => candidate.id);
    const read = await selectRowsBy<Hit['row']['state']>(q, tenant, kind, 'id', ids, leaf);
    for (const row of read) rows.set(row.id, row);
  }
  return found.flatMap(({candidate, score}): Hit[] => {
    const {id, speaker, trajectoryId, scopeId} = candidate;
    const row = rows.get(id);
    if (row === undefined) return [];
    const state = stateOf(candidate, validAt);
    const kind = kindOf(candidate.kind);
    return [{kind, row, score, state, speaker, trajectoryId, scopeId}];
  });
}

/** What was widened in comes behind everything that is current. */
function currentFirst(found: readonly Scored[], at: Micros): Scored[] {
  const isCurrent = ({candidate}: Scored): boolean => stateOf(candidate, at) === 'current';
  return [...found.filter(isCurrent), ...found.filter((one) => !isCurrent(one))];
}

/** Answers a search. */
export async function search(q: Query, of: Question): Promise<Answered> {
  const terms = of.query.trim() === '' ? null : await termsOf(q, of.tenant, of.query);
  if (terms === null) return newestFirst(q, of);
  const limit = Math.min(of.limit, rankedMost);
  const most = Math.max(candidateCount, limit);
  const pool = await lexicalPool(q, of.tenant, terms, filterOf(of), most);
  const kept = pool.filter(({score}) => score >= (of.minScore ?? 0));
  const best = currentFirst(kept, of.validAt).slice(0, limit);
  return {
    hits: await withRows(q, of, best),
    total: kept.length,
    totalIsCapped: pool.length === most,
    terms: new Set(terms.terms.keys()),
  };
}

/** An empty query finds everything; one of stop words alone does too, but nothing speaks for it. */
async function newestFirst(q: Query, of: Question): Promise<Answered> {
  const score = of.query.trim() === '' ? 1 : 0;
  const isNone = score < (of.minScore ?? 0);
  const found = isNone ? [] : await selectNewest(q, of.tenant, filterOf(of), listedMost + 1);
  const scored = found.slice(0, listedMost).map((candidate) => ({candidate, score}));
  const best = currentFirst(scored, of.validAt).slice(0, of.limit);
  return {
    hits: await withRows(q, of, best),
    total: scored.length,
    totalIsCapped: found.length > listedMost,
    terms: new Set(),
  };
}
