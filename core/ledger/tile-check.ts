/**
 * Tile rows against the leaves they were made from.
 *
 * A tile is 256 hashes of one level; one that is not stored is computed when somebody asks, so only
 * those that are stored can be wrong. Fed leaf by leaf, it keeps one unfinished tile a level.
 */
import {equalBytes, toHex} from '../../shared/ledger/bytes.ts';
import type {TenantNo} from '../../shared/ids.ts';
import type {Hashes} from '../../shared/ledger/hashes.ts';
import {nodeHash} from '../../shared/ledger/tree.ts';
import type {Query, Statement} from '../store/store.ts';

export type TileFault = {
  /** First leaf below the hash that differs; null where there are tiles too many. */
  readonly leaf: number | null;
  readonly expected: string;
  readonly found: string;
};

type Tile = {
  readonly shard: number;
  readonly baseLeaf: number;
  readonly level: number;
  readonly index: number;
  readonly hashes: readonly Uint8Array[];
};

const tileHashes = 256;
const hashBytes = 32;
/** Levels that a row may have (CHECK in 0001_ledger.sql). */
const levelCount = 8;

const selectTile: Statement = {
  name: 'audit_select_tile',
  text: 'select hashes from aux.tile where tenant_no = $1 and shard = $2 and level = $3 and idx = $4',
};
const countTiles: Statement = {
  name: 'audit_count_tiles',
  text: 'select count(*) as n from aux.tile where tenant_no = $1',
};

/** Compares the tiles of one tenant. */
export class TileCheck {
  readonly #hashes: Hashes;
  readonly #q: Query;
  readonly #tenantNo: TenantNo;
  #shard = {shard: 1, baseLeaf: 0};
  /** Hashes of the unfinished tile of each level, and how many are finished. */
  #levels: {open: Uint8Array[]; count: number}[] = [];
  #due: Tile[] = [];
  #storedCount = 0;

  constructor(q: Query, hashes: Hashes, tenantNo: TenantNo) {
    this.#q = q;
    this.#hashes = hashes;
    this.#tenantNo = tenantNo;
  }

  /** Goes over to the next shard, which has a tree of its own. */
  beginShard(shard: number, baseLeaf: number): void {
    this.#shard = {shard, baseLeaf};
    this.#levels = [];
  }

  /** Takes the next leaf in. */
  add(leafHash: Uint8Array): void {
    this.#push(0, leafHash);
  }

  #push(level: number, hash: Uint8Array): void {
    if (level === levelCount) return;
    const at = (this.#levels[level] ??= {open: [], count: 0});
    at.open.push(hash);
    if (at.open.length < tileHashes) return;
    this.#due.push({...this.#shard, level, index: at.count, hashes: at.open});
    const root = this.#rootOf(at.open);
    at.open = [];
    at.count += 1;
    this.#push(level + 1, root);
  }

  #rootOf(hashes: readonly Uint8Array[]): Uint8Array {
    let level = hashes;
    while (level.length > 1) {
      const next: Uint8Array[] = [];
      for (let i = 0; i < level.length; i += 2) {
        next.push(
          nodeHash(this.#hashes, level[i] ?? new Uint8Array(), level[i + 1] ?? new Uint8Array()),
        );
      }
      level = next;
    }
    return level[0] ?? new Uint8Array();
  }

  /** Compares the tiles that are complete by now with their rows. */
  async compare(): Promise<TileFault | null> {
    const due = this.#due;
    this.#due = [];
    for (const tile of due) {
      const values = [this.#tenantNo, tile.shard, tile.level, tile.index];
      const [row] = await this.#q.rows<{hashes: Uint8Array}>(selectTile, values);
      if (row === undefined) continue;
      this.#storedCount += 1;
      const fault = faultOf(tile, row.hashes);
      if (fault !== null) return fault;
    }
    return null;
  }

  /** What only the end shows: rows of tiles that the tree does not have. Answers how many it has. */
  async finish(): Promise<TileFault | number> {
    const [counted] = await this.#q.rows<{n: number}>(countTiles, [this.#tenantNo]);
    const found = counted?.n ?? 0;
    if (found === this.#storedCount) return found;
    return {leaf: null, expected: `${this.#storedCount} tiles`, found: `${found} tiles`};
  }
}

function faultOf({baseLeaf, hashes, index, level}: Tile, stored: Uint8Array): TileFault | null {
  for (const [at, expected] of hashes.entries()) {
    const found = stored.subarray(at * hashBytes, (at + 1) * hashBytes);
    if (equalBytes(expected, found)) continue;
    const leaf = baseLeaf + (index * tileHashes + at) * tileHashes ** level;
    const name = `tile ${level}/${index} hash ${at}`;
    return {leaf, expected: `${name} ${toHex(expected)}`, found: `${name} ${toHex(found)}`};
  }
  return null;
}
