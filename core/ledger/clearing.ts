/**
 * Destroying content that an event has ended.
 *
 * The event decided it and its receipt proves it; this makes it true on disk: the parts of the
 * ledger, the content columns of the rows, what the past and the indexes hold of them, and what the
 * lane, the cache and every snapshot in flight remember. A step that died half-way is repeated, and
 * repeating it harms nothing.
 */
import type {Id, TenantNo} from '../../shared/ids.ts';
import {kindEntity, kindName} from '../../shared/ledger/kinds.ts';
import {snake} from '../../shared/wire/resource.ts';
import {aggregateNamed} from '../domain/aggregates.ts';
import type {Aggregate, Row} from '../domain/aggregate.ts';
import {newLayer, setRow, type Layer} from '../pipeline/view.ts';
import {fromSql, type SqlRow} from '../store/codec.ts';
import type {Query, Statement, Store} from '../store/store.ts';
import type {Lane} from './lane.ts';
import {forget, overlay} from './memory.ts';

/** Contents destroyed in one transaction. */
const clearLimit = 1_000;

/** Content members that are columns: what is content of events alone stands in no row. */
function contentColumns({columns, content}: Aggregate): string[] {
  const all: readonly string[] = columns;
  return content.filter((member) => all.includes(member)).map(snake);
}

/**
 * Whether what version `v` says was said by the ending's leaf `$3`. A version made later carries it on,
 * an expired item that was deleted say, unless an event after the ending gave it a content of its own.
 */
const isEnded = (v: string): string => `(${v}.leaf <= $3 or not exists (
        select from ledger.event e join ledger.payload c using (tenant_no, leaf)
        where e.tenant_no = $1 and e.entity_id = ${v}.id and e.leaf > $3 and e.leaf <= ${v}.leaf
          and c.content is not null))`;

function clearRows(of: Aggregate, columns: readonly string[]): Statement {
  const set = columns.map((column) => `${column} = null`).join(', ');
  const holds = columns.map((column) => `x.${column} is not null`).join(' or ');
  return {
    name: `${of.name}_clear_content`,
    text: `update mem.${of.name} x set ${set}
      where x.tenant_no = $1 and x.id = any ($2::uuid[]) and (${holds}) and ${isEnded('x')}
      returning to_jsonb(x) as row`,
  };
}

const clearPast: Statement = {
  name: 'past_clear_content',
  text: `update mem.past p set row = p.row || $5::jsonb
    where p.tenant_no = $1 and p.entity = $4 and p.id = any ($2::uuid[]) and ${isEnded('p')}`,
};

/** Terms are hashes of what was said, so they go with it, and out of what ranking counts. */
const clearIndex: Statement = {
  name: 'recall_clear_ended',
  text: `with gone as (delete from aux.recall_item i
      where i.tenant_no = $1 and i.id = any ($2::uuid[]) and i.leaf <= $3 returning i.len, i.to_leaf)
    update aux.recall_stat s set docs = s.docs - n.docs, total_len = s.total_len - n.len
      from (select count(*) as docs, sum(len) as len from gone where to_leaf is null) n
      where s.tenant_no = $1 and n.docs > 0`,
};

type Ended = {readonly kind: number; readonly entityId: Id | null};

/** Ids of the entities whose events lost content, by entity. */
function byEntity(ended: readonly Ended[]): Map<string, Id[]> {
  const ids = new Map<string, Set<Id>>();
  for (const {kind, entityId} of ended) {
    const entity = kindEntity(kindName(kind));
    if (entity === null || entityId === null) continue;
    const known = ids.get(entity) ?? new Set();
    ids.set(entity, known.add(entityId));
  }
  return new Map([...ids].map(([entity, set]) => [entity, [...set]]));
}

/** Nulls the content of rows and past versions, and takes them out of the index; the rows go into the layer. */
async function clearEntities(
  q: Query,
  tenant: TenantNo,
  leaf: number,
  ended: readonly Ended[],
  layer: Layer,
): Promise<void> {
  for (const [entity, ids] of byEntity(ended)) {
    const aggregate = aggregateNamed(entity);
    const columns = aggregate === undefined ? [] : contentColumns(aggregate);
    if (aggregate === undefined || columns.length === 0) continue;
    const rows = await q.rows<{row: SqlRow}>(clearRows(aggregate, columns), [tenant, ids, leaf]);
    const nulls = JSON.stringify(Object.fromEntries(columns.map((column) => [column, null])));
    await q.rows(clearPast, [tenant, ids, leaf, entity, nulls]);
    await q.rows(clearIndex, [tenant, ids, leaf]);
    for (const {row} of rows) setRow(layer, entity, fromSql(row) as Row<unknown>);
  }
}

type Parts = {readonly store: Store; readonly lane: Lane; readonly laneIndex: number};

/** Destroys everything that the event at `leaf` ended; answers how many contents were destroyed. */
export async function clearEnding(
  {store, lane, laneIndex}: Parts,
  tenant: TenantNo,
  leaf: number,
): Promise<number> {
  let count = 0;
  for (let isDone = false; !isDone;) {
    await lane.between(tenant, async (ledger) => {
      const layer = newLayer();
      try {
        const ended = await store.clear(laneIndex, tenant, leaf, clearLimit, (q, found) =>
          clearEntities(q, tenant, leaf, found, layer),
        );
        // A unit that was assembled before this must not bring the content back.
        overlay(lane.memory, ledger, layer);
        count += ended.length;
        isDone = ended.length < clearLimit;
      } catch (cause) {
        // Whether it was destroyed nobody can tell: what is remembered may hold what is gone.
        forget(lane.memory, tenant);
        throw cause;
      }
    });
  }
  return count;
}
