/**
 * Lists, once for every entity: filters, order, cursors, the recorded moment.
 *
 * A cursor names the last row of a page by its order and is bound to route, filters, order and
 * tenant, so paging neither skips nor repeats a row that exists throughout.
 */
import {createHash} from 'node:crypto';
import {CellError} from '../../shared/errors.ts';
import {isId, type Id, type Micros, type TenantNo} from '../../shared/ids.ts';
import {canonicalize} from '../../shared/ledger/canonical.ts';
import {defaultLimit, type Paging} from '../../shared/wire/list.ts';
import type {Fields, Resource} from '../../shared/wire/resource.ts';
import type {Actor} from '../domain/actor.ts';
import type {Row} from '../domain/aggregate.ts';
import {loadLedger} from '../ledger/head.ts';
import {leafAt, listRows, timeAt, totalLimit, type Filter, type Key} from '../store/list.ts';
import {linksOf} from './links.ts';
import type {Query} from '../store/store.ts';
import type {AsOf} from './reads.ts';
import {resourceNamed} from './resources.ts';
import type {Answer, Services} from './services.ts';

type ListInput = Paging &
  AsOf & {createdAfter?: Micros | undefined; createdBefore?: Micros | undefined};

type Printed = Record<string, unknown>;

type Listed = {
  readonly route: string;
  readonly resource: Resource<Fields>;
  readonly filters: readonly (Filter | null)[];
  readonly orderBy?: string;
  /** The order without a stated one: newest first where this is left out. */
  readonly order?: Paging['order'];
  readonly limit?: number;
  /** Tells the total where it is kept and the caller asks for no part of it. */
  readonly count?: (q: Query) => Promise<number>;
  readonly print?: (row: Row<unknown>, asOfLeaf: number | null) => Printed | Promise<Printed>;
};

const cursorAgeMicros = 24 * 3_600 * 1_000_000;
const bindingCharacters = 16;

type Cursor = {readonly b: string; readonly k: Key; readonly t: Micros};

const badCursor = (): CellError =>
  new CellError('INVALID_FORMAT', 'cursor is not one of this list: begin again without it');

function readCursor(text: string, binding: string, now: Micros): Key {
  let cursor: Partial<Cursor>;
  try {
    cursor = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as Partial<Cursor>;
  } catch (cause) {
    throw new CellError('INVALID_FORMAT', 'cursor is not one that this server made', {cause});
  }
  const {b, k, t} = cursor ?? {};
  if (b !== binding || !Array.isArray(k) || typeof t !== 'number' || now - t > cursorAgeMicros)
    throw badCursor();
  const [first, id] = k;
  if (!Number.isSafeInteger(first) || typeof id !== 'string' || !isId(id)) throw badCursor();
  return [first as number, id];
}

const writeCursor = (cursor: Cursor): string =>
  Buffer.from(JSON.stringify(cursor)).toString('base64url');

/** The leaf that a read is as of; null for the newest state. Throws where that lies in the future. */
export async function leafOf(
  services: Services,
  tenant: TenantNo,
  {asOf, asOfPosition}: AsOf,
): Promise<number | null> {
  if (asOf !== undefined && asOfPosition !== undefined) {
    throw new CellError('INVALID_INPUT', 'as_of and as_of_position exclude each other');
  }
  if (asOf === undefined && asOfPosition === undefined) return null;
  const position = await services.reads.position(tenant);
  const isFuture = (asOf ?? 0) > (await nowOf(services, tenant)) || (asOfPosition ?? 0) > position;
  if (isFuture)
    throw new CellError('INVALID_RANGE', 'the moment asked about has not come', {
      details: {position},
    });
  if (asOfPosition !== undefined) return asOfPosition;
  return (await services.store.read(tenant, (q) => leafAt(q, tenant, asOf ?? 0))) ?? -1;
}

/**
 * Now, for reads of a tenant: never before its last event. The ledger's clock runs ahead of the wall
 * clock that was set back, and what was just acknowledged must not be invalid until that catches up.
 */
export async function nowOf(
  {laneOf, now, store, tools}: Services,
  tenant: TenantNo,
): Promise<Micros> {
  const {head} = await loadLedger(store, laneOf(tenant).memory, tools.hashes, tenant);
  return Math.max(now(), head.lastAt);
}

/** The moment that a read is about: the one it names, that of the event it names, else now. */
export async function momentOf(
  services: Services,
  tenant: TenantNo,
  {asOf, asOfPosition}: AsOf,
): Promise<Micros> {
  if (asOf !== undefined) return asOf;
  const at =
    asOfPosition === undefined
      ? null
      : await services.store.read(tenant, (q) => timeAt(q, tenant, asOfPosition));
  return at ?? nowOf(services, tenant);
}

/** Answers one page. */
export async function listAnswer(
  services: Services,
  actor: Actor,
  input: ListInput,
  of: Listed,
): Promise<Answer> {
  const {cursor, offset, order, limit: wantedLimit, ...stated} = input;
  const {createdAfter, createdBefore} = stated;
  if (cursor !== undefined && offset !== undefined) {
    throw new CellError('INVALID_INPUT', 'cursor and offset exclude each other');
  }
  const tenant = actor.tenantNo;
  const wanted = order ?? of.order ?? 'desc';
  const isRecent = wanted === 'recent';
  const isDescending = wanted !== 'asc';
  const asked = of.filters.filter((filter) => filter !== null);
  // What was stated, not the filters made of it: some of those hold the clock, which goes on.
  const binding = bindingOf({route: of.route, tenant, order: wanted, stated});
  const filters: Filter[] = [
    ...asked,
    ...(createdAfter === undefined ? [] : [{column: 'createdAt', above: createdAfter}]),
    ...(createdBefore === undefined ? [] : [{column: 'createdAt', below: createdBefore}]),
  ];
  const limit = wantedLimit ?? of.limit ?? defaultLimit;
  const after = cursor === undefined ? null : readCursor(cursor, binding, services.now());
  const asOfLeaf = await leafOf(services, tenant, input);
  const position = asOfLeaf ?? (await services.reads.position(tenant));
  const {orderBy} = of;
  const isAll = asOfLeaf === null && createdAfter === undefined && createdBefore === undefined;
  const page = await services.store.read(tenant, (q) =>
    listRows(q, of.resource.name, {
      tenant,
      filters,
      isDescending,
      limit,
      offset,
      after,
      asOfLeaf,
      count: isAll ? of.count : undefined,
      ...(orderBy === undefined ? {} : {orderBy}),
    }),
  );
  const print =
    of.print ?? ((row: Row<unknown>) => of.resource.print(row as never, actor.tenantId));
  const last = page.rows.at(-1);
  const next =
    page.hasMore && last !== undefined
      ? writeCursor({b: binding, k: [orderOf(last, orderBy), last.id], t: services.now()})
      : null;
  const shown = await Promise.all(page.rows.map(async (row) => print(row, asOfLeaf)));
  const body = {
    [of.resource.plural]: isRecent ? shown.toReversed() : shown,
    total: Math.min(page.total, totalLimit),
    total_is_capped: page.total > totalLimit,
    next_cursor: next,
  };
  return {body, position, nextCursor: next};
}

const orderOf = (row: Row<unknown>, orderBy: string | undefined): number =>
  orderBy === undefined ? row.createdAt : Number((row.state as Record<string, unknown>)[orderBy]);

const bindingOf = (parts: object): string =>
  createHash('sha256')
    .update(canonicalize(JSON.parse(JSON.stringify(parts))))
    .digest('base64url')
    .slice(0, bindingCharacters);

/** A filter over a column by the values asked for; none when nothing was asked. */
export const among = (
  column: string,
  values: readonly (string | number | boolean)[] | undefined,
): Filter | null => (values === undefined ? null : {column, in: values});

/** Rows that were not deleted. */
export const notDeleted: Filter = {column: 'isDeleted', in: [false]};

/** One entity by id, now or at a moment. Throws its 404 where it is not there or deleted. */
export async function oneAnswer(
  services: Services,
  actor: Actor,
  input: AsOf,
  of: {
    entity: string;
    id: Id;
    print: (row: Row<unknown>, asOfLeaf: number | null) => Printed | Promise<Printed>;
  },
): Promise<Answer> {
  const leaf = await leafOf(services, actor.tenantNo, input);
  const row =
    leaf === null
      ? await services.reads.live<unknown>(actor.tenantNo, of.entity, of.id)
      : await services.reads.liveAt<unknown>(actor.tenantNo, of.entity, of.id, leaf);
  const position = leaf ?? (await services.reads.position(actor.tenantNo));
  const printed = await of.print(row, leaf);
  const resource = resourceNamed(of.entity);
  const isEntity = resource !== undefined && resource.idKey in printed;
  const links = isEntity ? {_links: linksOf(resource, row, actor, leaf !== null)} : {};
  return {body: {...printed, ...links}, version: row.version, position};
}
