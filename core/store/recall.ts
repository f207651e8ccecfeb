/**
 * Questions to the index over memory, and the rows that stand behind what it finds.
 *
 * The functions of `migrations/0015_recall.sql` demand the session's tenant, so each of these is asked
 * inside a read of that tenant.
 */
import type {Id, Micros, TenantNo} from '../../shared/ids.ts';
import {snake} from '../../shared/wire/resource.ts';
import type {Row} from '../domain/aggregate.ts';
import {fromSql, type SqlRow} from './codec.ts';
import type {Query, Statement} from './store.ts';

/** What a question restricts; members that are left out restrict nothing. */
export type RecallFilter = {
  /** As of a leaf; null for the newest state. */
  readonly leaf: number | null;
  /** The moment at which what an item says must hold. */
  readonly at: Micros;
  /** The moment at which its lifetime must not be over. */
  readonly now: Micros;
  /** Bits of `hidden` that keep an item out. */
  readonly hide: number;
  /** Superseded items, and turns that were rewound, too. */
  readonly superseded: boolean;
  readonly invalid: boolean;
  readonly kinds?: readonly number[] | undefined;
  readonly levels?: readonly number[] | undefined;
  readonly agents?: readonly Id[] | undefined;
  readonly trajectories?: readonly Id[] | undefined;
  readonly scopes?: readonly Id[] | undefined;
};

/** An item that the index found, with what ranking looks at. */
export type Candidate = {
  readonly kind: number;
  readonly id: Id;
  readonly version: number;
  readonly leaf: number;
  readonly trust: number;
  readonly level: number;
  readonly scopeId: Id | null;
  readonly trajectoryId: Id | null;
  readonly speaker: string | null;
  readonly validFrom: Micros;
  readonly validTo: Micros | null;
  readonly isSuperseded: boolean;
  readonly tokenCount: number;
  /** Terms of its text. */
  readonly length: number;
  /** Terms in order, those of the date last. */
  readonly terms: readonly number[];
  /** False where its content ended with its container. */
  readonly isThere: boolean;
  readonly isRewound: boolean;
};

type Found = {
  kind: number;
  id: Id;
  version: number;
  leaf: number;
  trust: number;
  level: number;
  scope_id: Id | null;
  trajectory_id: Id | null;
  speaker: string | null;
  valid_from: number;
  valid_to: number | null;
  is_superseded: boolean;
  token_count: number;
  len: number;
  terms: Uint8Array;
  is_there: boolean;
  is_rewound: boolean;
};

const headerBytes = 20;
const elementBytes = 8;

/** Elements of an int4 array as PostgreSQL sends it: parsing their text would cost more than scoring. */
function integersOf(sent: Uint8Array): number[] {
  const view = new DataView(sent.buffer, sent.byteOffset, sent.byteLength);
  const out: number[] = [];
  for (let at = headerBytes; at + elementBytes <= sent.length; at += elementBytes) {
    out.push(view.getInt32(at + 4));
  }
  return out;
}

const toCandidate = (row: Found): Candidate => ({
  kind: row.kind,
  id: row.id,
  version: row.version,
  leaf: row.leaf,
  trust: row.trust,
  level: row.level,
  scopeId: row.scope_id,
  trajectoryId: row.trajectory_id,
  speaker: row.speaker,
  validFrom: row.valid_from,
  validTo: row.valid_to,
  isSuperseded: row.is_superseded,
  tokenCount: row.token_count,
  length: row.len,
  terms: integersOf(row.terms),
  isThere: row.is_there,
  isRewound: row.is_rewound,
});

/** `expired`: what has run out has lost its content, and is never found. */
const toFilter = (filter: RecallFilter, within: boolean): string =>
  JSON.stringify({...filter, expired: false, within});

const frequencies: Statement = {
  name: 'recall_select_frequencies',
  text: 'select docs, total_len, df from aux.recall_frequencies($1, $2, $3)',
};

export type Frequencies = {
  readonly docs: number;
  readonly totalLength: number;
  /** Items that hold each term, in the order asked. */
  readonly counts: readonly number[];
};

/** How common terms are in a tenant, each counted up to `limit`. */
export async function selectFrequencies(
  q: Query,
  tenant: TenantNo,
  terms: readonly number[],
  limit: number,
): Promise<Frequencies> {
  type Counted = {docs: number; total_len: number; df: number[]};
  const [found] = await q.rows<Counted>(frequencies, [tenant, terms, limit]);
  if (found === undefined) return {docs: 0, totalLength: 0, counts: terms.map(() => 0)};
  return {docs: found.docs, totalLength: found.total_len, counts: found.df};
}

const candidates: Statement = {
  name: 'recall_select_candidates',
  text: 'select * from aux.recall_candidates($1, $2, $3, $4, $5, $6)',
};

export type Asked = {
  /** Terms of which a candidate holds at least one. */
  readonly select: readonly number[];
  /** Terms that order the candidates, with their weights. */
  readonly terms: readonly number[];
  readonly weights: readonly number[];
  readonly filter: RecallFilter;
  /** Judges containers before the best are taken, and not only of those. */
  readonly within: boolean;
  readonly limit: number;
};

/** The items with the most weight of the terms asked for. */
export async function selectCandidates(
  q: Query,
  tenant: TenantNo,
  {select, terms, weights, filter, within, limit}: Asked,
): Promise<Candidate[]> {
  const values = [tenant, select, terms, weights, toFilter(filter, within), limit];
  return (await q.rows<Found>(candidates, values)).map(toCandidate);
}

const newest: Statement = {
  name: 'recall_select_newest',
  text: 'select * from aux.recall_newest($1, $2, $3)',
};

/** The newest items; their terms are not read. */
export async function selectNewest(
  q: Query,
  tenant: TenantNo,
  filter: RecallFilter,
  limit: number,
): Promise<Candidate[]> {
  const values = [tenant, toFilter(filter, true), limit];
  return (await q.rows<Found>(newest, values)).map(toCandidate);
}

/** Rows by a column, of the newest state or as they were right after the event of a leaf. */
const rowsBy = (entity: string, column: string): Statement => ({
  name: `${entity}_select_at_by_${column}`,
  text: `select to_jsonb(x) as row from mem.${entity} x
      where x.tenant_no = $1 and x.${column} = any ($2::uuid[]) and ($3::bigint is null or x.leaf <= $3)
    union all
    select p.row from mem.past p where $3::bigint is not null and p.tenant_no = $1 and p.entity = '${entity}'
      and (p.row ->> '${column}')::uuid = any ($2::uuid[]) and p.leaf <= $3 and p.to_leaf > $3`,
});

/** Rows of an entity by an id column, unordered. */
export async function selectRowsBy<S>(
  q: Query,
  tenant: TenantNo,
  entity: string,
  column: string,
  ids: readonly Id[],
  leaf: number | null,
): Promise<Row<S>[]> {
  if (ids.length === 0) return [];
  const found = await q.rows<{row: SqlRow}>(rowsBy(entity, snake(column)), [tenant, ids, leaf]);
  return found.map(({row}) => fromSql(row) as Row<S>);
}

const history: Statement = {
  name: 'turn_select_history',
  text: `select to_jsonb(x) as row from mem.turn x
    where x.tenant_no = $1 and x.scope_id = $2 and ($4::bigint is null or x.leaf <= $4)
      and not exists (select from aux.scope_at($1, $2, $4) s cross join lateral jsonb_array_elements(s.doc -> 'rewound') r
        where x.sequence between (r ->> 0)::bigint and (r ->> 1)::bigint)
    order by x.sequence desc limit $3`,
};

/** The newest turns of a scope that were not rewound, newest first. */
export async function selectHistory<S>(
  q: Query,
  tenant: TenantNo,
  scopeId: Id,
  limit: number,
  leaf: number | null,
): Promise<Row<S>[]> {
  const found = await q.rows<{row: SqlRow}>(history, [tenant, scopeId, limit, leaf]);
  return found.map(({row}) => fromSql(row) as Row<S>);
}
