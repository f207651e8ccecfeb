/**
 * The read cache of entities, in LMDB: never the only copy of anything.
 *
 * Every acknowledged commit writes its rows through before its callers are told, and marks with which
 * head (tenant, size and root) they are current; a tenant whose mark is not the head that the database
 * shows when it is loaded is dropped, so a file that was used with another database harms nobody. So a `Consistent` read finds the newest version or nothing. A fault of LMDB is a
 * miss and a warning, never an error of a request.
 */
import {existsSync, mkdirSync, renameSync} from 'node:fs';
import {join} from 'node:path';
import {open, type RootDatabase} from 'lmdb';
import type {TenantNo} from '../../../shared/ids.ts';
import type {Row} from '../../domain/aggregate.ts';

/** `consistent`: current, or a miss. `best_effort`: at most so old, without asking whether it is current. */
export type Freshness =
  | {readonly is: 'consistent'}
  | {readonly is: 'best_effort'; readonly maxStalenessMs: number};

export type Cached = {readonly row: Row<unknown>; readonly cachedAt: number; readonly leaf: number};

export type EntityCache = {
  get(tenant: TenantNo, key: string, freshness: Freshness): Cached | null;
  /** Takes in a row that is known to be the newest. */
  put(tenant: TenantNo, key: string, row: Row<unknown>): void;
  /** Takes in the rows of a commit; from then on the tenant is current at `mark`. */
  absorb(tenant: TenantNo, mark: string, rows: Iterable<readonly [key: string, row: Row<unknown>]>): void;
  /** Declares a tenant current when its rows are those of `mark`, else drops them first. */
  confirm(tenant: TenantNo, mark: string): void;
  drop(tenant: TenantNo): void;
  readonly size: number;
  close(): Promise<void>;
};

export type CacheOptions = {
  readonly folder: string;
  readonly sizeMb: number;
  readonly maxEntries?: number;
  readonly ttlMs?: number;
  readonly nowMs: () => number;
  readonly warn: (message: string, cause: unknown) => void;
};

const entriesByDefault = 10_000;
const ttlMsByDefault = 3_600_000;
/** Entries looked at to find one to evict: the oldest used of a sample is old enough. */
const sampleCount = 16;

type Stored = {row: Row<unknown>; cachedAt: number};

const megabyte = 1024 * 1024;

/** Opens the cache of a folder; a file that cannot be read is moved aside and refilled. */
export function openEntityCache(of: CacheOptions): EntityCache {
  const {maxEntries = entriesByDefault, ttlMs = ttlMsByDefault, nowMs, warn} = of;
  const db = openFile(of);
  const used = new Map<string, number>();
  const current = new Set<TenantNo>();
  for (const key of db.getKeys({})) if (!String(key).startsWith('applied/')) used.set(String(key), 0);

  /** Runs what touches the file; a fault is a miss. */
  function safely<T>(fallback: T, work: () => T): T {
    try {
      return work();
    } catch (cause) {
      warn('the entity cache did not answer; reads go to the database', cause);
      return fallback;
    }
  }

  function evict(): void {
    while (used.size > maxEntries) {
      let oldest: string | null = null;
      let seen = 0;
      for (const [key, at] of used) {
        if (oldest === null || at < (used.get(oldest) ?? 0)) oldest = key;
        if ((seen += 1) === sampleCount) break;
      }
      if (oldest === null) return;
      used.delete(oldest);
      db.removeSync(oldest);
    }
  }

  function set(key: string, row: Row<unknown>): void {
    db.putSync(key, {row, cachedAt: nowMs()});
    // Set anew, so that the order of the map is the order of use.
    used.delete(key);
    used.set(key, nowMs());
  }

  function drop(tenant: TenantNo): void {
    current.delete(tenant);
    const prefix = `${tenant}/`;
    for (const key of used.keys()) {
      if (!key.startsWith(prefix)) continue;
      used.delete(key);
      db.removeSync(key);
    }
  }

  return {
    get size() {
      return used.size;
    },
    get(tenant, key, freshness) {
      if (freshness.is === 'consistent' && !current.has(tenant)) return null;
      const name = `${tenant}/${key}`;
      if (!used.has(name)) return null;
      return safely(null, () => {
        const found = db.get(name) as Stored | undefined;
        const bound = freshness.is === 'consistent' ? ttlMs : Math.min(ttlMs, freshness.maxStalenessMs);
        if (found === undefined || nowMs() - found.cachedAt > bound) return null;
        used.delete(name);
        used.set(name, nowMs());
        return {row: found.row, cachedAt: found.cachedAt, leaf: found.row.leaf};
      });
    },
    put(tenant, key, row) {
      if (!current.has(tenant)) return;
      safely(undefined, () => {
        set(`${tenant}/${key}`, row);
        evict();
      });
    },
    absorb(tenant, mark, rows) {
      if (!current.has(tenant)) return;
      const isDone = safely(false, () => {
        db.transactionSync(() => {
          for (const [key, row] of rows) set(`${tenant}/${key}`, row);
          db.putSync(`applied/${tenant}`, mark);
        });
        evict();
        return true;
      });
      // What could not be written through is stale from here on.
      if (!isDone) current.delete(tenant);
    },
    confirm(tenant, mark) {
      safely(undefined, () => {
        if (db.get(`applied/${tenant}`) !== mark) drop(tenant);
        db.putSync(`applied/${tenant}`, mark);
        current.add(tenant);
      });
    },
    drop: (tenant) => safely(undefined, () => drop(tenant)),
    async close() {
      await db.close();
    },
  };
}

function openFile({folder, sizeMb, nowMs, warn}: CacheOptions): RootDatabase<Stored | string, string> {
  mkdirSync(folder, {recursive: true});
  const path = join(folder, 'entities.lmdb');
  // Nothing here has to survive a crash, so nothing waits for the disk.
  const options = {path, encoding: 'msgpack', noSync: true, mapSize: sizeMb * megabyte} as const;
  try {
    return open<Stored | string, string>(options);
  } catch (cause) {
    warn('the entity cache could not be opened; it is moved aside and begun anew', cause);
    if (existsSync(path)) renameSync(path, `${path}.${nowMs()}.corrupt`);
    return open<Stored | string, string>(options);
  }
}
