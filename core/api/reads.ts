/**
 * Reads by id, as every surface and every use case makes them.
 *
 * Memory holds what the lane acknowledged last, so a row found there is current; anything else comes
 * from the primary. A caller always sees its own acknowledged writes.
 */
import {CellError, type ErrorCode} from '../../shared/errors.ts';
import {isId, type Id, type Micros, type TenantNo} from '../../shared/ids.ts';
import type {Row} from '../domain/aggregate.ts';
import {aggregateNamed} from '../domain/aggregates.ts';
import {loadLedger} from '../ledger/head.ts';
import type {Lane} from '../ledger/lane.ts';
import {offer, recallRow} from '../ledger/memory.ts';
import type {Tools} from '../pipeline/record.ts';
import {rowKey} from '../pipeline/view.ts';
import {fromSql, type SqlRow} from '../store/codec.ts';
import type {Store} from '../store/store.ts';

/** The recorded moment a read is about: the newest state without. */
export type AsOf = {readonly asOf?: Micros | undefined; readonly asOfPosition?: number | undefined};

export type Reads = {
  /** The newest row; null when there is none. Deleted ones are shown: the caller judges. */
  row<S>(tenant: TenantNo, entity: string, id: Id): Promise<Row<S> | null>;
  /** The newest row that is not deleted; throws the entity's 404 otherwise. */
  live<S>(tenant: TenantNo, entity: string, id: string, field?: string): Promise<Row<S>>;
  /**
   * The id that a reference names: itself, or the id of the row with that external id. A deleted one
   * is found by its id, since the request may be a repeat of an earlier one; the gates judge it.
   */
  resolve(
    tenant: TenantNo,
    entity: 'trajectory' | 'scope',
    reference: string,
    field?: string,
  ): Promise<Id>;
  /**
   * The same for reads, which no gate judges: what is deleted is its type's 404, and of a read of the
   * past what was deleted by `leaf`.
   */
  resolveLive(
    tenant: TenantNo,
    entity: 'trajectory' | 'scope',
    reference: string,
    field?: string,
    leaf?: number | null,
  ): Promise<Id>;
  /** A row as it was right after the event at `leaf`. */
  at<S>(tenant: TenantNo, entity: string, id: Id, leaf: number): Promise<Row<S> | null>;
  /** The same, not deleted by then; throws the entity's 404 otherwise. */
  liveAt<S>(tenant: TenantNo, entity: string, id: Id, leaf: number): Promise<Row<S>>;
  /** The ledger's last position. */
  position(tenant: TenantNo): Promise<number>;
};

export const notFound = (entity: string, field?: string): CellError => {
  const code: ErrorCode = aggregateNamed(entity)?.missing ?? 'ENTITY_NOT_FOUND';
  return new CellError(code, `no such ${entity}`, field === undefined ? {} : {details: {field}});
};

const isDeleted = (row: Row<unknown>): boolean =>
  (row.state as {isDeleted?: boolean}).isDeleted === true;

const pastRow = {
  name: 'past_select_at',
  text: 'select row from mem.past where tenant_no = $1 and entity = $2 and id = $3 and leaf <= $4 and to_leaf > $4',
};

type Parts = {
  readonly store: Store;
  readonly tools: Tools;
  readonly laneOf: (tenant: TenantNo) => Lane;
};

export function createReads({store, tools, laneOf}: Parts): Reads {
  async function row<S>(tenant: TenantNo, entity: string, id: Id): Promise<Row<S> | null> {
    const {memory} = laneOf(tenant);
    const key = rowKey(entity, id);
    const known = recallRow(memory, tenant, key);
    if (known !== undefined) return known as Row<S>;
    await loadLedger(store, memory, tools.hashes, tenant);
    const cached = memory.cache?.get(tenant, key, {is: 'consistent'});
    if (cached) return cached.row as Row<S>;
    const answer = await store.assemble(tenant, [{entity, column: 'id', values: [id]}], [], []);
    const found = answer.rows[0]?.row ?? null;
    if (found !== null) offer(memory, tenant, answer.size, key, found);
    return found as Row<S> | null;
  }

  async function live<S>(
    tenant: TenantNo,
    entity: string,
    id: string,
    field?: string,
  ): Promise<Row<S>> {
    const found = isId(id) ? await row<S>(tenant, entity, id) : null;
    if (found === null || isDeleted(found)) throw notFound(entity, field);
    return found;
  }

  const resolve: Reads['resolve'] = async (tenant, entity, reference, field) => {
    if (isId(reference) && (await row(tenant, entity, reference)) !== null) return reference;
    const wanted = {entity, column: 'externalId', values: [reference]};
    const {rows} = await store.assemble(tenant, [wanted], [], []);
    const found = rows.find((one) => !isDeleted(one.row));
    if (found === undefined) throw notFound(entity, field);
    return found.row.id;
  };

  async function liveAt<S>(
    tenant: TenantNo,
    entity: string,
    id: Id,
    leaf: number,
    field?: string,
  ): Promise<Row<S>> {
    const found = await at<S>(tenant, entity, id, leaf);
    if (found === null || isDeleted(found)) throw notFound(entity, field);
    return found;
  }

  return {
    row,
    live,
    resolve,
    async resolveLive(tenant, entity, reference, field, leaf = null) {
      const id = await resolve(tenant, entity, reference, field);
      if (leaf === null) return (await live(tenant, entity, id, field)).id;
      return (await liveAt(tenant, entity, id, leaf, field)).id;
    },
    at,
    liveAt,
    async position(tenant) {
      const ledger = await loadLedger(store, laneOf(tenant).memory, tools.hashes, tenant);
      return ledger.head.size - 1;
    },
  };

  async function at<S>(
    tenant: TenantNo,
    entity: string,
    id: Id,
    leaf: number,
  ): Promise<Row<S> | null> {
    const newest = await row<S>(tenant, entity, id);
    if (newest === null || newest.leaf <= leaf) return newest;
    const [past] = await store.read(tenant, (q) =>
      q.rows<{row: SqlRow}>(pastRow, [tenant, entity, id, leaf]),
    );
    return past === undefined ? null : (fromSql(past.row) as Row<S>);
  }
}
