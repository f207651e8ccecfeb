/** The statements that both drivers run, by name. */
import type {Statement} from '../store.ts';

/** Runs one statement where its driver decided; throws what the driver's library throws. */
export type Ask = <T>(statement: Statement, values: readonly unknown[]) => Promise<T[]>;

export const statements = {
  commit: {name: 'batch_commit', text: 'select ledger.commit($1, $2, $3)'},
  assemble: {
    name: 'snapshot_assemble',
    text: 'select tbl, doc from ledger.assemble($1, $2, $3, $4)',
  },
  // One row more than a lane needs to go on: size, root and frontier, and the time of the last event.
  head: {
    name: 'head_select_tenant',
    text: `select h.tenant_no, t.tenant_id, t.salt, h.shard, s.origin, s.vkey, h.base_leaf, h.size, h.root, h.frontier,
  coalesce((select (e.header::jsonb ->> 'at')::bigint from ledger.event e
    where e.tenant_no = h.tenant_no order by e.leaf desc limit 1), 0) as last_at
from ledger.head h join ledger.tenant t using (tenant_no) join ledger.shard s using (tenant_no, shard)
where h.tenant_no = $1`,
  },
  // The root of no leaves is SHA-256 of nothing.
  openTenant: {
    name: 'tenant_insert_empty',
    text: `with t as (
    insert into ledger.tenant (tenant_id, salt) values ($1, $2) on conflict (tenant_id) do nothing returning tenant_no),
  s as (insert into ledger.shard (tenant_no, shard, origin, vkey, base_leaf) select tenant_no, 1, $3, $4, 0 from t),
  h as (insert into ledger.head (tenant_no, size, root, frontier) select tenant_no, 0, sha256(''), '' from t)
select tenant_no from t`,
  },
  tenantNo: {
    name: 'tenant_select_number',
    text: 'select tenant_no from ledger.tenant where tenant_id = $1',
  },
  endContent: {
    name: 'content_end',
    text: 'select ended_kind, ended_id from ledger.end_content($1, $2, $3)',
  },
  // As jsonb, like the rows of assemble, so that one codec reads both.
  credential: {
    name: 'api_key_select_hashes',
    text: 'select to_jsonb(k) as doc from lookup.credential($1) k',
  },
  tenant: {
    name: 'tenant_select_by',
    text: 'select to_jsonb(t) as doc from lookup.tenant($1, $2) t',
  },
  tenants: {
    name: 'tenant_select_after',
    text: 'select to_jsonb(t) as doc from lookup.tenants($1, $2) t',
  },
  behind: {
    name: 'cursor_select_behind',
    text: 'select tenant_no, leaf, size from lookup.behind($1, $2)',
  },
  due: {
    name: 'sweep_select_due',
    text: 'select tenant_no, id, version from lookup.due($1, $2, $3)',
  },
  ping: {name: 'ping', text: 'select 1 as one'},
} as const satisfies Record<string, Statement>;
