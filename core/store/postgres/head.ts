/** The head of a tenant's ledger as its lane loads it. */
import type {Micros, TenantId, TenantNo} from '../../../shared/ids.ts';
import type {Head} from '../store.ts';

export type HeadRow = {
  readonly tenant_no: TenantNo;
  readonly tenant_id: TenantId;
  readonly salt: Uint8Array;
  readonly shard: number;
  readonly origin: string;
  readonly vkey: string;
  readonly base_leaf: number;
  readonly size: number;
  readonly root: Uint8Array;
  readonly frontier: Uint8Array;
  readonly last_at: Micros;
};

export const toHead = (row: HeadRow): Head => ({
  tenantNo: row.tenant_no,
  tenantId: row.tenant_id,
  salt: row.salt,
  shard: row.shard,
  origin: row.origin,
  vkey: row.vkey,
  baseLeaf: row.base_leaf,
  size: row.size,
  root: row.root,
  frontier: row.frontier,
  lastAt: row.last_at,
});
