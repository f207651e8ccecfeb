/**
 * Tiles: every 256 hashes of one level of a tenant's tree as one row (c2sp.org/tlog-tiles).
 *
 * They are derived and may be missing: proofs then read leaves instead, and cost more. So they are
 * written behind the commits and never hold one up.
 */
import type {Hashes} from '../../shared/ledger/hashes.ts';
import {concat} from '../../shared/ledger/bytes.ts';
import {nodeHash} from '../../shared/ledger/tree.ts';
import type {Head, Query, Statement} from '../store/store.ts';

export const tileHashes = 256;
const hashBytes = 32;
/** Level-0 tiles made in one go. */
const goLimit = 64;

const newest: Statement = {
  name: 'tile_select_newest',
  text: 'select coalesce(max(idx), -1)::bigint as idx from aux.tile where tenant_no = $1 and shard = $2 and level = $3',
};
const leaves: Statement = {
  name: 'event_select_tile_leaves',
  text: 'select leaf_hash as hash from ledger.event where tenant_no = $1 and leaf >= $2 and leaf < $3 order by leaf',
};
const below: Statement = {
  name: 'tile_select_below',
  text: 'select hashes from aux.tile where tenant_no = $1 and shard = $2 and level = $3 and idx >= $4 and idx < $5 order by idx',
};
const insert: Statement = {
  name: 'tile_insert',
  text: 'insert into aux.tile (tenant_no, shard, level, idx, hashes) values ($1, $2, $3, $4, $5) on conflict do nothing',
};

/** Root over the 256 hashes of a tile. */
function tileRoot(hashes: Hashes, tile: Uint8Array): Uint8Array {
  let level: Uint8Array[] = [];
  for (let at = 0; at < tile.length; at += hashBytes) level.push(tile.subarray(at, at + hashBytes));
  while (level.length > 1) {
    const next: Uint8Array[] = [];
    for (let at = 0; at + 1 < level.length; at += 2) {
      next.push(nodeHash(hashes, level[at] ?? tile, level[at + 1] ?? tile));
    }
    level = next;
  }
  return level[0] ?? tile;
}

async function hashesOf(
  q: Query,
  hashes: Hashes,
  head: Head,
  level: number,
  index: number,
): Promise<Uint8Array | null> {
  const {tenantNo, shard, baseLeaf} = head;
  const [from, to] = [index * tileHashes, (index + 1) * tileHashes];
  if (level === 0) {
    const rows = await q.rows<{hash: Uint8Array}>(leaves, [
      tenantNo,
      baseLeaf + from,
      baseLeaf + to,
    ]);
    return rows.length === tileHashes ? concat(...rows.map(({hash}) => hash)) : null;
  }
  const rows = await q.rows<{hashes: Uint8Array}>(below, [tenantNo, shard, level - 1, from, to]);
  if (rows.length < tileHashes) return null;
  return concat(...rows.map((row) => tileRoot(hashes, row.hashes)));
}

/**
 * Writes the tiles that a head has completed and nobody has written; answers whether it came to its
 * limit and more are due. One that lacks a leaf or a tile below stays unwritten, and nobody waits for it.
 */
export async function writeTiles(q: Query, hashes: Hashes, head: Head): Promise<boolean> {
  let isMore = false;
  for (
    let level = 0, due = Math.floor((head.size - head.baseLeaf) / tileHashes);
    due > 0;
    level += 1
  ) {
    const [last] = await q.rows<{idx: number}>(newest, [head.tenantNo, head.shard, level]);
    const first = (last?.idx ?? -1) + 1;
    const end = Math.min(due, first + goLimit);
    let next = first;
    for (; next < end; next += 1) {
      const tile = await hashesOf(q, hashes, head, level, next);
      if (tile === null) break;
      await q.rows(insert, [head.tenantNo, head.shard, level, next, tile]);
    }
    isMore ||= next === end && end < due;
    due = Math.floor(due / tileHashes);
  }
  return isMore;
}
