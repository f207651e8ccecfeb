/**
 * The log as it is stored, in leaf order and in pages, for whoever reads all of it.
 *
 * A page is bounded in rows and in bytes: an event may hold 8 MiB and a log more than memory.
 */
import type {TenantId, TenantNo} from '../../shared/ids.ts';
import type {LogColumns, LogEdge, LogRecord} from '../../shared/ledger/log-record.ts';
import type {Query, Statement} from '../store/store.ts';

/** An event as its rows hold it: with its columns, and with the id, which repeats the header too. */
export type StoredRecord = LogRecord & {readonly columns: LogColumns; readonly eventId: string};

/** A tenant's ledger as its own rows describe it. */
export type StoredLog = {
  readonly tenantNo: TenantNo;
  readonly tenantId: TenantId;
  /** Null where the tenant has no head, which no tenant ever lacks. */
  readonly head: StoredHead | null;
  readonly shards: readonly {
    readonly shard: number;
    readonly origin: string;
    readonly vkey: string;
    readonly baseLeaf: number;
  }[];
};

export type StoredHead = {
  readonly shard: number;
  readonly baseLeaf: number;
  readonly size: number;
  readonly root: Uint8Array;
  readonly frontier: Uint8Array;
};

const pageRows = 512;
const pageBytes = 16 * 1024 * 1024;

const selectHeads: Statement = {
  name: 'audit_select_heads',
  text: `select t.tenant_no, t.tenant_id, h.shard, h.base_leaf, h.size, h.root, h.frontier
from ledger.tenant t left join ledger.head h using (tenant_no)
where $1::uuid is null or t.tenant_id = $1 order by t.tenant_no`,
};
const selectShards: Statement = {
  name: 'audit_select_shards',
  text: 'select tenant_no, shard, origin, vkey, base_leaf from ledger.shard order by tenant_no, shard',
};
const selectPage: Statement = {
  name: 'audit_select_page',
  // The limit stands innermost: a plan made before the first ANALYZE would sort the whole rest.
  text: `with sized as (
  select k.leaf, sum(k.bytes + coalesce(octet_length(p.data), 0) + coalesce(octet_length(p.content), 0)) over (order by k.leaf) as bytes
  from (select e.leaf, octet_length(e.facts) as bytes from ledger.event e
    where e.tenant_no = $1 and e.leaf >= $2 order by e.leaf limit ${pageRows}) k
  left join ledger.payload p on p.tenant_no = $1 and p.leaf = k.leaf)
select e.leaf, e.event_id, e.kind, e.traj_id, e.traj_seq, e.depth, e.track, e.entity_id, e.entity_ver, e.corr_id,
  e.agent_id, e.idem, e.event_hash, e.leaf_hash, e.header, e.facts, p.data_salt, p.data, p.content_salt, p.content
from ledger.event e left join ledger.payload p on p.tenant_no = e.tenant_no and p.leaf = e.leaf
where e.tenant_no = $1 and e.leaf >= $2 and e.leaf <= (
  select coalesce(max(leaf) filter (where bytes <= ${pageBytes}), min(leaf)) from sized) order by e.leaf`,
};
const selectEdges: Statement = {
  name: 'audit_select_edges',
  text: `select child_leaf, rel, parent_hash, parent_leaf from ledger.edge
where tenant_no = $1 and child_leaf >= $2 and child_leaf <= $3 order by child_leaf, ord`,
};

type HeadRow = {
  tenant_no: TenantNo;
  tenant_id: TenantId;
  shard: number | null;
  base_leaf: number;
  size: number;
  root: Uint8Array;
  frontier: Uint8Array;
};
type ShardRow = {
  tenant_no: TenantNo;
  shard: number;
  origin: string;
  vkey: string;
  base_leaf: number;
};
type EventRow = {
  leaf: number;
  event_id: string;
  kind: number;
  traj_id: string;
  traj_seq: number;
  depth: number;
  track: number;
  entity_id: string | null;
  entity_ver: number | null;
  corr_id: string | null;
  agent_id: string | null;
  idem: Uint8Array | null;
  event_hash: Uint8Array;
  leaf_hash: Uint8Array;
  header: string;
  facts: string;
  data_salt: Uint8Array | null;
  data: string | null;
  content_salt: Uint8Array | null;
  content: string | null;
};
type EdgeRow = {
  child_leaf: number;
  rel: number;
  parent_hash: Uint8Array;
  parent_leaf: number | null;
};

/** Every tenant's log, or that of one; none where the tenant is not there. */
export async function storedLogs(
  q: Query,
  tenantId: TenantId | null,
): Promise<readonly StoredLog[]> {
  const heads = await q.rows<HeadRow>(selectHeads, [tenantId]);
  const shards = await q.rows<ShardRow>(selectShards, []);
  return heads.map((row) => ({
    tenantNo: row.tenant_no,
    tenantId: row.tenant_id,
    head:
      row.shard === null
        ? null
        : {
            shard: row.shard,
            baseLeaf: row.base_leaf,
            size: row.size,
            root: row.root,
            frontier: row.frontier,
          },
    shards: shards
      .filter(({tenant_no: tenantNo}) => tenantNo === row.tenant_no)
      .map(({shard, origin, vkey, base_leaf: baseLeaf}) => ({shard, origin, vkey, baseLeaf})),
  }));
}

/** The events of a tenant, page by page, in the order of their leaves. */
export async function* readLog(
  q: Query,
  tenantNo: TenantNo,
): AsyncGenerator<readonly StoredRecord[]> {
  for (let from = 0; ;) {
    const events = await q.rows<EventRow>(selectPage, [tenantNo, from]);
    const last = events.at(-1);
    if (last === undefined) return;
    const edges = await q.rows<EdgeRow>(selectEdges, [tenantNo, from, last.leaf]);
    const edgesOf = Map.groupBy(edges, ({child_leaf: leaf}) => leaf);
    yield events.map((event) => toRecord(event, edgesOf.get(event.leaf) ?? []));
    from = last.leaf + 1;
  }
}

function toRecord(row: EventRow, edges: readonly EdgeRow[]): StoredRecord {
  return {
    leaf: row.leaf,
    eventId: row.event_id,
    header: row.header,
    facts: row.facts,
    dataSalt: row.data_salt,
    data: row.data,
    contentSalt: row.content_salt,
    content: row.content,
    columns: {
      eventHash: row.event_hash,
      leafHash: row.leaf_hash,
      kind: row.kind,
      trajId: row.traj_id,
      trajSeq: row.traj_seq,
      depth: row.depth,
      track: row.track,
      entityId: row.entity_id,
      entityVer: row.entity_ver,
      corrId: row.corr_id,
      agentId: row.agent_id,
      idem: row.idem,
      edges: edges.map(({rel, parent_hash: parentHash, parent_leaf: parentLeaf}): LogEdge => ({
        rel,
        parentHash,
        parentLeaf,
      })),
    },
  };
}
