/** Questions about the events of a tenant's ledger: pages, single ones, walks along the DAG. */
import type {Hex, Id, Micros, TenantNo} from '../../shared/ids.ts';
import {toHex} from '../../shared/ledger/bytes.ts';
import {parseHeader, type Header} from '../../shared/ledger/header.ts';
import {namedByText} from './list.ts';
import type {Query, Statement} from './store.ts';

/** An event as it is read: its parsed header, its place, its hash. */
export type EventRow = {
  readonly leaf: number;
  readonly id: Id<'event'>;
  readonly kind: number;
  readonly at: Micros;
  readonly hash: Hex;
  readonly header: Header;
};

type SqlEvent = {
  leaf: number;
  event_id: Id<'event'>;
  kind: number;
  event_hash: Uint8Array;
  header: string;
};

const columns = 'e.leaf, e.event_id, e.kind, e.event_hash, e.header';

function toEvent(row: SqlEvent): EventRow {
  const header = parseHeader(row.header);
  const hash = toHex(row.event_hash);
  return {leaf: row.leaf, id: row.event_id, kind: row.kind, at: header.at, hash, header};
}

export type EventFilter = {
  readonly kinds?: readonly number[] | undefined;
  readonly entityIds?: readonly Id[] | undefined;
  readonly trajectoryIds?: readonly Id[] | undefined;
  readonly correlationId?: Id | undefined;
  readonly agentIds?: readonly Id[] | undefined;
  readonly minDepth?: number | undefined;
  readonly maxDepth?: number | undefined;
  readonly after?: number | undefined;
  readonly before?: number | undefined;
  readonly isDescending?: boolean;
  readonly limit: number;
};

/** Events that pass every filter, in ledger order. */
export async function selectEvents(
  q: Query,
  tenant: TenantNo,
  filter: EventFilter,
): Promise<EventRow[]> {
  const values: unknown[] = [tenant];
  const where: string[] = [];
  const add = (value: unknown, condition: (place: string) => string): void => {
    if (value !== undefined) where.push(` and ${condition(`$${values.push(value)}`)}`);
  };
  add(filter.kinds, (p) => `e.kind = any (${p}::int[])`);
  add(filter.entityIds, (p) => `e.entity_id = any (${p}::uuid[])`);
  add(filter.trajectoryIds, (p) => `e.traj_id = any (${p}::uuid[])`);
  add(filter.correlationId, (p) => `(e.corr_id = ${p}::uuid or e.event_id = ${p}::uuid)`);
  add(filter.agentIds, (p) => `e.agent_id = any (${p}::uuid[])`);
  add(filter.minDepth, (p) => `e.depth >= ${p}::bigint`);
  add(filter.maxDepth, (p) => `e.depth <= ${p}::bigint`);
  add(filter.after, (p) => `e.leaf > ${p}::bigint`);
  add(filter.before, (p) => `e.leaf < ${p}::bigint`);
  const direction = filter.isDescending === true ? 'desc' : 'asc';
  const limit = `$${values.push(filter.limit)}::bigint`;
  const text = `select ${columns} from ledger.event e where e.tenant_no = $1${where.join('')} order by e.leaf ${direction} limit ${limit}`;
  return (await q.rows<SqlEvent>(namedByText('event_list', text), values)).map(toEvent);
}

const one: Statement = {
  name: 'event_select_one',
  text: `select ${columns} from ledger.event e where e.tenant_no = $1 and e.event_id = $2`,
};

/** One event by id; null where there is none. */
export async function selectEvent(q: Query, tenant: TenantNo, id: Id): Promise<EventRow | null> {
  const [row] = await q.rows<SqlEvent>(one, [tenant, id]);
  return row === undefined ? null : toEvent(row);
}

const payload: Statement = {
  name: 'event_select_payload',
  text: 'select p.data, p.content from ledger.payload p where p.tenant_no = $1 and p.leaf = $2',
};

/** The two parts of an event as JSON texts; null where they have ended. */
export async function selectPayload(
  q: Query,
  tenant: TenantNo,
  leaf: number,
): Promise<{data: string; content: string | null} | null> {
  const [row] = await q.rows<{data: string; content: string | null}>(payload, [tenant, leaf]);
  return row ?? null;
}

const before = `select x.leaf from ledger.event x where x.tenant_no = $1 and x.traj_id = e.traj_id and x.traj_seq = e.traj_seq - 1
      union all select g.parent_leaf from ledger.edge g where g.tenant_no = $1 and g.child_leaf = e.leaf and g.parent_leaf is not null`;
const behind = `select x.leaf from ledger.event x where x.tenant_no = $1 and x.traj_id = e.traj_id and x.traj_seq = e.traj_seq + 1
      union all select g.child_leaf from ledger.edge g where g.tenant_no = $1 and g.parent_hash = e.event_hash`;

/** A breadth-first walk; `union` drops a step that was taken at the same distance before. */
const walk = (name: string, step: string): Statement => ({
  name,
  text: `with recursive walk(leaf, distance) as (
    select e.leaf, 0 from ledger.event e where e.tenant_no = $1 and e.leaf = $2
    union
    select s.leaf, w.distance + 1 from walk w
      join ledger.event e on e.tenant_no = $1 and e.leaf = w.leaf
      cross join lateral (${step}) s
      where w.distance < $3)
  select ${columns}, n.distance from (select leaf, min(distance) as distance from walk group by leaf) n
    join ledger.event e on e.tenant_no = $1 and e.leaf = n.leaf
    order by n.distance, abs(e.leaf - $2) limit $4`,
});

const walks = {
  ancestors: walk('event_walk_ancestors', before),
  descendants: walk('event_walk_descendants', behind),
};

export type Walked = EventRow & {readonly distance: number};

/** Events reached from one along the DAG, nearest first, itself among them at distance 0. */
export async function walkEvents(
  q: Query,
  tenant: TenantNo,
  from: number,
  of: {readonly direction: keyof typeof walks; readonly depth: number; readonly limit: number},
): Promise<Walked[]> {
  // Each step before the farthest has an event of its own, so none of the nearest is farther than this.
  const values = [tenant, from, Math.min(of.depth, of.limit), of.limit];
  const rows = await q.rows<SqlEvent & {distance: number}>(walks[of.direction], values);
  return rows.map((row) => ({...toEvent(row), distance: row.distance}));
}
