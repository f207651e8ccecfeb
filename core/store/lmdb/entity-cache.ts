/**
 * The read cache of entities, in LMDB: never the only copy of anything.
 *
 * Every acknowledged commit writes its rows through before its callers are told, and marks with which
 * head (tenant, size and root) they are current; a tenant whose mark is not the head that the database
 * shows when it is loaded is dropped, so a file that was used with another database harms nobody. So
 * a `Consistent` read finds the newest version or nothing. A fault of LMDB is a miss and a warning,
 * never an error of a request.
 */
import {pack, unpack} from 'msgpackr';
import type {TenantNo} from '../../../shared/ids.ts';
import {decodeUtf8, encodeUtf8} from '../../../shared/ledger/bytes.ts';
import type {Row} from '../../domain/aggregate.ts';
import {openCacheFile} from './cache-file.ts';

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
  absorb(
    tenant: TenantNo,
    mark: string,
    rows: Iterable<readonly [key: string, row: Row<unknown>]>,
  ): void;
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
const megabyte = 1024 * 1024;
const pageBytes = 4_096;
/** A row above this part of the file would push out too many others. */
const largestPart = 1 / 16;
/** Pages that LMDB has written anew stay taken for a while, and its trees are not full. */
const filledPart = 3 / 4;

type Stored = {row: Row<unknown>; cachedAt: number};
type Used = {readonly bytes: number};

/** What a value takes in the file: long ones have pages of their own, leaves are half empty. */
const costOf = (bytes: number): number =>
  bytes > pageBytes / 2 ? Math.ceil((bytes + 16) / pageBytes) * pageBytes : 2 * bytes + 128;

/** Opens the cache of a folder; what an earlier process left there is used where it is whole. */
export function openEntityCache(of: CacheOptions): EntityCache {
  const {folder, sizeMb, maxEntries = entriesByDefault, ttlMs = ttlMsByDefault, nowMs, warn} = of;
  const file = openCacheFile(folder, warn);
  const {db} = file;
  const sizeBytes = sizeMb * megabyte * filledPart;
  /** The keys that are there, in the order of their use. */
  const used = new Map<string, Used>();
  let usedBytes = 0;
  const current = new Set<TenantNo>();

  /** Runs what touches the file; a fault is a miss. */
  function safely<T>(fallback: T, work: () => T): T {
    try {
      return work();
    } catch (cause) {
      warn('the entity cache did not answer; reads go to the database', cause);
      return fallback;
    }
  }

  function note(key: string, bytes: number): void {
    usedBytes += bytes - (used.get(key)?.bytes ?? 0);
    // Set anew, so that the order of the map is the order of use.
    used.delete(key);
    used.set(key, {bytes});
  }

  function remove(key: string): void {
    usedBytes -= used.get(key)?.bytes ?? 0;
    if (used.delete(key)) db.removeSync(key);
  }

  /** Lets go of what was not used for longest, until what is left fits. */
  function evict(): void {
    for (const key of used.keys()) {
      if (used.size <= maxEntries && usedBytes <= sizeBytes) return;
      remove(key);
    }
  }

  function set(key: string, row: Row<unknown>): void {
    const value = pack({row, cachedAt: nowMs()} satisfies Stored);
    const bytes = costOf(value.length);
    if (bytes > sizeBytes * largestPart) return remove(key);
    db.putSync(key, value);
    note(key, bytes);
  }

  function drop(tenant: TenantNo): void {
    current.delete(tenant);
    const prefix = `${tenant}/`;
    db.transactionSync(() => {
      for (const key of used.keys()) if (key.startsWith(prefix)) remove(key);
    });
  }

  safely(undefined, () => {
    for (const {key, value} of db.getRange({}))
      if (!key.startsWith('applied/')) note(key, costOf(value.length));
    evict();
  });

  return {
    get size() {
      return used.size;
    },
    get(tenant, key, freshness) {
      if (freshness.is === 'consistent' && !current.has(tenant)) return null;
      const name = `${tenant}/${key}`;
      const known = used.get(name);
      if (known === undefined) return null;
      return safely(null, () => {
        const value = db.get(name);
        if (value === undefined) return null;
        const found = unpack(value) as Stored;
        const bound =
          freshness.is === 'consistent' ? ttlMs : Math.min(ttlMs, freshness.maxStalenessMs);
        const ageMs = nowMs() - found.cachedAt;
        // A clock that was set back tells nothing of an age.
        if (ageMs < 0 || ageMs > bound) return null;
        note(name, known.bytes);
        return {row: found.row, cachedAt: found.cachedAt, leaf: found.row.leaf};
      });
    },
    put(tenant, key, row) {
      if (!current.has(tenant)) return;
      const isDone = safely(false, () => {
        set(`${tenant}/${key}`, row);
        evict();
        return true;
      });
      if (!isDone) current.delete(tenant);
    },
    absorb(tenant, mark, rows) {
      if (!current.has(tenant)) return;
      const isDone = safely(false, () => {
        db.transactionSync(() => {
          for (const [key, row] of rows) set(`${tenant}/${key}`, row);
          db.putSync(`applied/${tenant}`, encodeUtf8(mark));
        });
        evict();
        return true;
      });
      // What could not be written through is stale from here on.
      if (!isDone) current.delete(tenant);
    },
    confirm(tenant, mark) {
      safely(undefined, () => {
        const applied = db.get(`applied/${tenant}`);
        if (applied === undefined || decodeUtf8(applied) !== mark) drop(tenant);
        db.putSync(`applied/${tenant}`, encodeUtf8(mark));
        current.add(tenant);
      });
    },
    drop: (tenant) => safely(undefined, () => drop(tenant)),
    close: () => file.close(),
  };
}
