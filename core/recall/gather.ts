/**
 * What a context may be made of, read on one snapshot; choosing and rendering are in
 * `assemble-context.ts` and read nothing.
 */
import type {Id, Micros, TenantNo} from '../../shared/ids.ts';
import type {Row} from '../domain/aggregate.ts';
import type {Scope} from '../domain/scope.ts';
import type {Trajectory} from '../domain/trajectory.ts';
import {turnContentState, type Turn} from '../domain/turn.ts';
import {listRows} from '../store/list.ts';
import {selectHistory, selectNewest, selectRowsBy, type RecallFilter} from '../store/recall.ts';
import type {Query} from '../store/store.ts';
import {kindNumber} from '../text/index-row.ts';
import {queryCharacters, treeMost} from './constants.ts';
import {lexicalPool, termsOf, type Terms} from './lexical.ts';
import type {Scored} from './score.ts';
import {hideAlways, withRows, type Hit} from './search.ts';

export type ContextRequest = {
  readonly tenant: TenantNo;
  readonly trajectory: Row<Trajectory>;
  /** Null: the newest scope of the trajectory that is open. */
  readonly scopeId: Id | null;
  readonly userInput: string | null;
  readonly relevanceQuery: string | null;
  readonly budgetTokens: number;
  readonly includes: Readonly<
    Record<'notes' | 'artifacts' | 'history' | 'evidence' | 'hierarchy', boolean>
  >;
  readonly most: Readonly<
    Record<'notes' | 'artifacts' | 'summaries' | 'history' | 'evidence', number>
  >;
  readonly minRelevance: number;
  readonly leaf: number | null;
  readonly validAt: Micros;
  readonly now: Micros;
};

/** Everything that may go in, each list best first. */
export type Package = {
  readonly scope: Row<Scope> | null;
  /** Turns of the scope, newest first. */
  readonly history: readonly Row<Turn>[];
  readonly evidence: readonly Hit[];
  readonly notes: readonly Hit[];
  readonly artifacts: readonly Hit[];
  /** Parents, nearest first. */
  readonly parents: readonly Row<Trajectory>[];
  readonly scopeNames: ReadonlyMap<Id, string>;
};

const levels = {raw: 0, summary: 1} as const;

async function scopeOf(q: Query, of: ContextRequest): Promise<Row<Scope> | null> {
  const {tenant, scopeId, leaf} = of;
  if (scopeId !== null) {
    const [row] = await selectRowsBy<Scope>(q, tenant, 'scope', 'id', [scopeId], leaf);
    return row ?? null;
  }
  const {rows} = await listRows(q, 'scope', {
    tenant,
    filters: [
      {column: 'trajectoryId', in: [of.trajectory.id]},
      {column: 'isActive', in: [true]},
    ],
    isDescending: true,
    limit: 1,
    asOfLeaf: leaf,
  });
  return (rows[0] ?? null) as Row<Scope> | null;
}

/** The trajectory and its relatives, not those that were deleted. */
async function treeOf(q: Query, {tenant, trajectory, leaf}: ContextRequest) {
  const {rows} = await listRows(q, 'trajectory', {
    tenant,
    filters: [
      {column: 'rootTrajectoryId', in: [trajectory.state.rootTrajectoryId]},
      {column: 'isDeleted', in: [false]},
    ],
    isDescending: true,
    limit: treeMost,
    asOfLeaf: leaf,
  });
  return rows as Row<Trajectory>[];
}

function parentsOf(tree: readonly Row<Trajectory>[], of: Row<Trajectory>): Row<Trajectory>[] {
  const byId = new Map(tree.map((row) => [row.id, row]));
  const parents: Row<Trajectory>[] = [];
  let next = of.state.parentTrajectoryId;
  while (next !== null && parents.length < tree.length) {
    const parent = byId.get(next);
    if (parent === undefined) break;
    parents.push(parent);
    next = parent.state.parentTrajectoryId;
  }
  return parents;
}

/** What is asked of the index: stated, else what the user says, else what he said last. */
function queryOf(of: ContextRequest, history: readonly Row<Turn>[]): string {
  const last = history.find(({state}) => state.role === 'user')?.state.content;
  return (of.relevanceQuery ?? of.userInput ?? last ?? '').slice(0, queryCharacters);
}

const filterOf = (
  of: ContextRequest,
  kind: keyof typeof kindNumber,
  more: Partial<RecallFilter> = {},
): RecallFilter => ({
  leaf: of.leaf,
  at: of.validAt,
  now: of.now,
  hide: hideAlways,
  superseded: false,
  invalid: false,
  kinds: [kindNumber[kind]],
  ...more,
});

/** Principles before summaries before the rest on equal scores; each up to its number. */
function chosenNotes(pool: readonly Scored[], {most}: ContextRequest): Scored[] {
  const ordered = pool.toSorted(
    (a, b) => b.score - a.score || b.candidate.level - a.candidate.level,
  );
  const isSummary = ({candidate}: Scored): boolean => candidate.level === levels.summary;
  const summaries = ordered.filter(isSummary).slice(0, most.summaries);
  const others = ordered.filter((one) => !isSummary(one)).slice(0, most.notes);
  const chosen = new Set([...summaries, ...others]);
  return ordered.filter((one) => chosen.has(one));
}

async function notesOf(q: Query, of: ContextRequest, terms: Terms | null): Promise<Scored[]> {
  if (!of.includes.notes) return [];
  const filter = filterOf(of, 'note');
  if (terms !== null) return chosenNotes(await lexicalPool(q, of.tenant, terms, filter), of);
  const newest = await selectNewest(q, of.tenant, filter, of.most.notes + of.most.summaries);
  return chosenNotes(
    newest.map((candidate) => ({candidate, score: 0})),
    of,
  );
}

/** The newest of the scope, then what answers the query from anywhere. */
async function artifactsOf(
  q: Query,
  of: ContextRequest,
  terms: Terms | null,
  scope: Row<Scope> | null,
): Promise<Scored[]> {
  const most = of.most.artifacts;
  if (!of.includes.artifacts || most === 0) return [];
  const own =
    scope === null
      ? []
      : await selectNewest(q, of.tenant, filterOf(of, 'artifact', {scopes: [scope.id]}), most);
  const found =
    terms === null ? [] : await lexicalPool(q, of.tenant, terms, filterOf(of, 'artifact'));
  const scores = new Map(found.map(({candidate, score}) => [candidate.id, score]));
  const first = own.map((candidate) => ({candidate, score: scores.get(candidate.id) ?? 0}));
  const taken = new Set(own.map(({id}) => id));
  return [...first, ...found.filter(({candidate}) => !taken.has(candidate.id))].slice(0, most);
}

async function evidenceOf(
  q: Query,
  of: ContextRequest,
  terms: Terms | null,
  tree: readonly Row<Trajectory>[],
  history: readonly Row<Turn>[],
): Promise<Scored[]> {
  if (!of.includes.evidence || terms === null) return [];
  const filter = filterOf(of, 'turn', {trajectories: tree.map(({id}) => id)});
  const shown = new Set<Id>(history.map(({id}) => id));
  const pool = await lexicalPool(q, of.tenant, terms, filter);
  return pool.filter(({candidate}) => !shown.has(candidate.id)).slice(0, of.most.evidence);
}

/** Reads it all. */
export async function gather(q: Query, of: ContextRequest): Promise<Package> {
  const scope = await scopeOf(q, of);
  const isReadable = scope !== null && turnContentState(scope.state) === 'present';
  const turns = isReadable
    ? await selectHistory<Turn>(q, of.tenant, scope.id, Math.max(1, of.most.history), of.leaf)
    : [];
  const history = of.includes.history ? turns.slice(0, of.most.history) : [];
  const terms = await termsOf(q, of.tenant, queryOf(of, turns));
  const tree = await treeOf(q, of);
  const isRelevant = ({score}: Scored): boolean => score >= of.minRelevance;
  const evidence = (await evidenceOf(q, of, terms, tree, history)).filter(isRelevant);
  const notes = (await notesOf(q, of, terms)).filter((one) => terms === null || isRelevant(one));
  const artifacts = await artifactsOf(q, of, terms, scope);
  const hits = await withRows(q, of, evidence);
  const ids = [...new Set(hits.flatMap(({scopeId}) => (scopeId === null ? [] : [scopeId])))];
  const scopes = await selectRowsBy<Scope>(q, of.tenant, 'scope', 'id', ids, of.leaf);
  return {
    scope,
    history,
    evidence: hits,
    notes: await withRows(q, of, notes),
    artifacts: await withRows(q, of, artifacts),
    parents: of.includes.hierarchy ? parentsOf(tree, of.trajectory) : [],
    scopeNames: new Map(scopes.map(({id, state}) => [id, state.name])),
  };
}
