/** A log of as many leaves as a test of trees needs: rows that only their hashes are right of. */
import type {TenantId, TenantNo} from '../../shared/ids.ts';
import type {Hashes} from '../../shared/ledger/hashes.ts';
import {growTree} from '../../shared/ledger/tree-growth.ts';
import {emptyFrontier, packFrontier} from '../../shared/ledger/tree.ts';
import {toHex} from '../../shared/ledger/bytes.ts';
import type {TestDatabase} from './database.ts';

/** Puts it there as a superuser; answers its leaf hashes. */
export async function longLog(
  {admin, store}: TestDatabase,
  hashes: Hashes,
  size: number,
): Promise<{tenantNo: TenantNo; leaves: readonly Uint8Array[]}> {
  const origin = 'cellstate.local/long';
  const tenantNo = await store.openTenant({
    tenantId: '01900000-0000-7000-8000-00000000aaaa' as TenantId,
    salt: new Uint8Array(32),
    origin,
    vkey: `${origin}+00000000+AA==`,
  });
  await admin.run(`insert into ledger.event (tenant_no, leaf, event_id, kind, traj_id, traj_seq, depth, track,
      event_hash, leaf_hash, header, facts)
    select ${tenantNo}, n, uuidv7(), 1, '00000000-0000-0000-0000-000000000000', n, 0, 0, h,
      sha256('\\x00'::bytea || 'cellstate.dev/leaf@1'::bytea || '\\x0a'::bytea || h), '{"at":1}', '{}'
    from (select n, sha256(convert_to(n::text, 'UTF8')) as h from generate_series(0, ${size - 1}) n) s`);
  const rows = await admin.rows<{leaf_hash: Uint8Array}>(
    'select leaf_hash from ledger.event where tenant_no = $1 order by leaf',
    [tenantNo],
  );
  const leaves = rows.map(({leaf_hash: hash}) => hash);
  const {frontier, root} = growTree(hashes, emptyFrontier, leaves);
  await admin.run(`update ledger.head set size = ${size}, root = '\\x${toHex(root)}',
    frontier = '\\x${toHex(packFrontier(frontier))}' where tenant_no = ${tenantNo}`);
  return {tenantNo, leaves};
}
