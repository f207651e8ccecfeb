/**
 * The one builder of list queries: rows of one entity, newest or as of a leaf, filtered and paged.
 *
 * Names of columns come from aggregates and this file, values travel as parameters.
 */
import {createHash} from 'node:crypto';
import type {Id, Micros, TenantNo} from '../../shared/ids.ts';
import {snake} from '../../shared/wire/resource.ts';
import type {Row} from '../domain/aggregate.ts';
import {fromSql, type SqlRow} from './codec.ts';
import type {Query, Statement} from './store.ts';

type Value = string | number | boolean;

export type Filter =
  | {readonly column: string; readonly in: readonly Value[]}
  | {readonly column: string; readonly is: 'null' | 'not_null'}
  | {readonly column: string; readonly above: number; readonly orNull?: true}
  | {readonly column: string; readonly below: number; readonly orNull?: true}
  /** A condition that only one entity has; `$p` stands for its one parameter. */
  | {readonly sql: string; readonly value?: unknown}
  /** Rows whose container, named by the column `on` and read as of the same leaf, is not so. */
  | {readonly unless: Unless};

type Unless = {readonly entity: string; readonly on: string; readonly condition: string};

export type Key = readonly [first: number, id: Id];

export type ListQuery = {
  readonly tenant: TenantNo;
  readonly filters: readonly Filter[];
  /**
   * The column that orders, where the entity has an order of its own: no two rows that pass the filters
   * are equal in it. Else it is `created_at`, with the id behind it.
   */
  readonly orderBy?: string;
  readonly isDescending: boolean;
  readonly limit: number;
  readonly offset?: number | undefined;
  /** The last row of the page before. */
  readonly after?: Key | null | undefined;
  readonly asOfLeaf?: number | null | undefined;
  /** Tells how many rows there are without counting them, where something else keeps count. */
  readonly count?: ((q: Query) => Promise<number>) | undefined;
};

/** How far `total` counts exactly. */
export const totalLimit = 10_000;

export type Page = {
  readonly rows: readonly Row<unknown>[];
  readonly hasMore: boolean;
  readonly total: number;
};

type Built = {
  readonly where: string[];
  readonly values: unknown[];
  readonly asOfLeaf: number | null | undefined;
};

const typeOf = (value: Value | undefined, column: string): string => {
  if (typeof value === 'number') return 'bigint';
  if (typeof value === 'boolean') return 'boolean';
  return column === 'id' || (column.endsWith('_id') && column !== 'external_id') ? 'uuid' : 'text';
};

function addFilter(built: Built, filter: Filter): void {
  const {values, where} = built;
  const place = (value: unknown): string => `$${values.push(value)}`;
  if ('unless' in filter) {
    const {entity, on, condition} = filter.unless;
    const container = source(entity, 'c', built.asOfLeaf, values, `x.${on}::uuid`);
    where.push(`not exists (select 1 from ${container} and ${condition})`);
    return;
  }
  if ('sql' in filter) {
    where.push(
      filter.value === undefined ? filter.sql : filter.sql.replaceAll('$p', place(filter.value)),
    );
    return;
  }
  const column = snake(filter.column);
  if ('in' in filter) {
    const [first] = filter.in;
    const type = typeOf(first, column);
    // One value is compared as such: behind an array, even of one, an index gives no order.
    const isOne = filter.in.length === 1;
    where.push(
      isOne
        ? `x.${column} = ${place(first)}::${type}`
        : `x.${column} = any (${place([...filter.in])}::${type}[])`,
    );
    return;
  }
  if ('is' in filter) {
    where.push(`x.${column} is ${filter.is === 'null' ? 'null' : 'not null'}`);
    return;
  }
  const [sign, bound] = 'above' in filter ? ['>', filter.above] : ['<', filter.below];
  const compared = `x.${column} ${sign} ${place(bound)}::bigint`;
  where.push(filter.orNull === true ? `(x.${column} is null or ${compared})` : compared);
}

/**
 * Rows as of a leaf, under an alias: those whose version began by then, from the table and the past.
 * With `id`, an expression of the query around it, the one row that it names: the past is found by it,
 * and would else be read whole for each row around.
 */
function source(
  entity: string,
  alias: string,
  asOfLeaf: number | null | undefined,
  values: unknown[],
  id?: string,
): string {
  const table = `mem.${entity}`;
  const named = (of: string): string => (id === undefined ? '' : ` and ${of}.id = ${id}`);
  if (asOfLeaf === null || asOfLeaf === undefined) {
    return `${table} ${alias} where ${alias}.tenant_no = $1${named(alias)}`;
  }
  const leaf = `$${values.push(asOfLeaf)}`;
  return `(select n.* from ${table} n where n.tenant_no = $1 and n.leaf <= ${leaf}${named('n')}
    union all
    select r.* from mem.past p cross join lateral jsonb_populate_record(null::${table}, p.row) r
      where p.tenant_no = $1 and p.entity = '${entity}' and p.leaf <= ${leaf} and p.to_leaf > ${leaf}${named('p')}) ${alias} where true`;
}

/** One page of an entity's rows, and how many there are up to `totalLimit`. */
export async function listRows(q: Query, entity: string, list: ListQuery): Promise<Page> {
  const {asOfLeaf, limit, offset = 0, after} = list;
  const built: Built = {where: [], values: [list.tenant], asOfLeaf};
  const from = source(entity, 'x', asOfLeaf, built.values);
  for (const filter of list.filters) addFilter(built, filter);
  const conditions = built.where.map((one) => ` and ${one}`).join('');
  const page = pageOf(entity, from + conditions, built.values, list);
  const found = await q.rows<{row: SqlRow}>(page.statement, page.values);
  const rows = found.slice(0, limit).map(({row}) => fromSql(row));
  const hasMore = found.length > limit;
  // A last page that was reached by its offset has counted everything already.
  const isCounted = !hasMore && !after && (offset === 0 || rows.length > 0);
  if (isCounted) return {rows, hasMore, total: offset + rows.length};
  const total = list.count ?? ((ask) => countRows(ask, entity, from + conditions, built.values));
  return {rows, hasMore, total: await total(q)};
}

async function countRows(
  q: Query,
  entity: string,
  from: string,
  values: readonly unknown[],
): Promise<number> {
  const text = `select count(*)::int as total from (select 1 from ${from} limit ${totalLimit + 1}) t`;
  const [counted] = await q.rows<{total: number}>(namedByText(`${entity}_count`, text), values);
  return counted?.total ?? 0;
}

function pageOf(
  entity: string,
  from: string,
  counted: readonly unknown[],
  list: ListQuery,
): {statement: Statement; values: unknown[]} {
  const {isDescending, limit, offset, after, orderBy} = list;
  const [sign, direction] = isDescending ? ['<', 'desc'] : ['>', 'asc'];
  const values = [...counted];
  const place = (value: unknown): string => `$${values.push(value)}`;
  // A column more than the index has would sort everything that passes the filters.
  const order = orderBy === undefined ? ['x.created_at', 'x.id'] : [`x.${orderBy}`];
  const types = ['bigint', 'uuid'];
  const last = after ? order.map((_, at) => `${place(after[at])}::${types[at]}`) : [];
  const behind = after ? ` and (${order.join()}) ${sign} (${last.join()})` : '';
  const skipped = offset === undefined ? '' : ` offset ${place(offset)}::bigint`;
  const text = `select to_jsonb(x) as row from ${from}${behind} order by ${order.map((one) => `${one} ${direction}`).join()} limit ${place(limit + 1)}::bigint${skipped}`;
  return {statement: namedByText(`${entity}_list`, text), values};
}

/** A statement under a name of its own: PostgreSQL cuts names at 63 bytes, so the text is hashed in. */
export const namedByText = (prefix: string, text: string): Statement => ({
  name: `${prefix}_${createHash('sha1').update(text).digest('hex').slice(0, 12)}`,
  text,
});

/** The last leaf whose event's time is at most `at`: ids carry the time, so one index probe tells. */
export async function leafAt(q: Query, tenant: TenantNo, at: Micros): Promise<number | null> {
  const [found] = await q.rows<{leaf: number}>(lastBefore, [tenant, lastIdOf(at)]);
  return found?.leaf ?? null;
}

/** The time of the event at a leaf: the moment that a read as of it is about. Null where there is none. */
export async function timeAt(q: Query, tenant: TenantNo, leaf: number): Promise<Micros | null> {
  const [found] = await q.rows<{at: Micros}>(timeOf, [tenant, leaf]);
  return found?.at ?? null;
}

const timeOf: Statement = {
  name: 'event_select_time',
  text: `select (header::jsonb ->> 'at')::bigint as at from ledger.event where tenant_no = $1 and leaf = $2`,
};

const lastBefore: Statement = {
  name: 'event_select_last_before',
  text: 'select leaf from ledger.event where tenant_no = $1 and event_id <= $2 order by event_id desc limit 1',
};

/** The greatest event id of a microsecond. */
function lastIdOf(at: Micros): string {
  const ms = Math.floor(at / 1000)
    .toString(16)
    .padStart(12, '0');
  const fraction = Math.floor(((at % 1000) * 4096) / 1000)
    .toString(16)
    .padStart(3, '0');
  return `${ms.slice(0, 8)}-${ms.slice(8)}-7${fraction}-bfff-ffffffffffff`;
}
