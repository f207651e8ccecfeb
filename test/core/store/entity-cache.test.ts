/** what the cache answers is never older than what was acknowledged, whatever became of its file. */
import {mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import type {Row} from '../../../core/domain/aggregate.ts';
import {openEntityCache, type EntityCache} from '../../../core/store/lmdb/entity-cache.ts';

let folder: string;
let nowMs: number;
let warnings: string[];
const opened = new Set<EntityCache>();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cellstate-cache-'));
  nowMs = 1_000_000;
  warnings = [];
});
afterEach(async () => {
  for (const cache of opened) await close(cache);
  rmSync(folder, {recursive: true, force: true});
});

function open(more: {sizeMb?: number; maxEntries?: number} = {}): EntityCache {
  const warn = (message: string): void => void warnings.push(message);
  const cache = openEntityCache({folder, sizeMb: 64, nowMs: () => nowMs, warn, ...more});
  opened.add(cache);
  return cache;
}
async function close(cache: EntityCache): Promise<void> {
  opened.delete(cache);
  await cache.close();
}

const row = (version: number, text = ''): Row<unknown> => ({
  id: 'id',
  version,
  leaf: version,
  createdAt: 0,
  updatedAt: 0,
  createdBy: {kind: 'system', id: 'test', agent_id: null, on_behalf_of: null},
  state: {text},
});
const consistent = {is: 'consistent'} as const;
const versionIn = (cache: EntityCache, key: string): number | null =>
  cache.get(1, key, consistent)?.row.version ?? null;

/** The same numbers on every run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

/** A database as the lane sees it: a head that moves, rows by key. */
type Database = {head: number; readonly rows: Map<string, number>};

test('no consistent read of 3 000 writes, reads and restarts is older than its database', async () => {
  const random = numbers(7);
  const main: Database = {head: 0, rows: new Map()};
  // A restored copy: its keys are the same, its rows are not.
  const copy: Database = {head: 0, rows: new Map()};
  let database = main;
  const mark = (): string => `${database === main ? 'main' : 'copy'}/${database.head}`;
  let cache = open();
  cache.confirm(1, mark());
  let hits = 0;

  const begin = (): void => {
    cache = open();
    cache.confirm(1, mark());
  };
  const write = (isSeen: boolean): void => {
    const key = `k${random(20)}`;
    database.head += 1;
    database.rows.set(key, database.head);
    if (isSeen) cache.absorb(1, mark(), [[key, row(database.head)]]);
  };
  const read = (): void => {
    const key = `k${random(20)}`;
    const expected = database.rows.get(key);
    const found = versionIn(cache, key);
    if (found !== null) {
      expect(found).toBe(expected);
      hits += 1;
    } else if (expected !== undefined) cache.put(1, key, row(expected));
  };

  for (let step = 0; step < 3_000; step += 1) {
    const chance = random(1_000);
    if (chance < 450) read();
    else if (chance < 970) write(true);
    else if (chance < 985) {
      await close(cache);
      begin();
    } else if (chance < 990) {
      // Killed: nothing is closed, the next process has a file of its own.
      begin();
    } else if (chance < 995) {
      // Somebody else wrote while no core ran.
      await close(cache);
      write(false);
      begin();
    } else {
      await close(cache);
      database = database === main ? copy : main;
      begin();
    }
  }
  expect(hits).toBeGreaterThan(500);
  expect(warnings).toEqual([]);
});

test('a best-effort read is never older than its bound, nor of a clock that was set back', () => {
  const cache = open();
  cache.confirm(1, 'a');
  cache.put(1, 'k', row(1));
  const atMost = (maxStalenessMs: number) => cache.get(1, 'k', {is: 'best_effort', maxStalenessMs});
  nowMs += 1_000;
  expect(atMost(999)).toBeNull();
  expect(atMost(1_000)).toMatchObject({cachedAt: 1_000_000, leaf: 1});
  nowMs += 3_600_000;
  expect(atMost(Number.MAX_SAFE_INTEGER)).toBeNull();
  expect(versionIn(cache, 'k')).toBeNull();
  nowMs = 999_999;
  expect(atMost(1_000)).toBeNull();
});

describe('a file', () => {
  const filled = async (): Promise<void> => {
    const cache = open();
    cache.confirm(1, 'head 5');
    for (let n = 0; n < 200; n += 1) cache.put(1, `k${n}`, row(5, 'x'.repeat(500)));
    await close(cache);
  };
  const kept = () => join(folder, 'entities.lmdb');

  test('closed in order is there for the next process, at the head it had', async () => {
    await filled();
    const cache = open();
    expect(versionIn(cache, 'k7')).toBeNull();
    cache.confirm(1, 'head 5');
    expect(versionIn(cache, 'k7')).toBe(5);
    expect(cache.size).toBe(200);
  });

  test('of another head gives nothing', async () => {
    await filled();
    const cache = open();
    cache.confirm(1, 'head 6');
    expect(versionIn(cache, 'k7')).toBeNull();
    expect(cache.size).toBe(0);
  });

  // A page that LMDB believes and that is none ends the process, where no error can be caught.
  test.each([1, 2, 3])('with random bytes in it %# is moved aside and begun anew', async (seed) => {
    await filled();
    const random = numbers(seed);
    const bytes = readFileSync(kept());
    for (let n = 0; n < 500; n += 1) bytes[random(bytes.length)] = random(256);
    writeFileSync(kept(), bytes);
    const cache = open();
    cache.confirm(1, 'head 5');
    expect(versionIn(cache, 'k7')).toBeNull();
    expect(warnings).toHaveLength(1);
    expect(readdirSync(folder)).toContain('entities.lmdb.corrupt');
    cache.put(1, 'k7', row(5));
    expect(versionIn(cache, 'k7')).toBe(5);
  });

  test('that is no database, or cut short, is begun anew', async () => {
    for (const bytes of [Buffer.from('not a database'), Buffer.alloc(0)]) {
      await filled();
      writeFileSync(kept(), bytes);
      const cache = open();
      cache.confirm(1, 'head 5');
      expect(versionIn(cache, 'k7')).toBeNull();
      await close(cache);
    }
    expect(warnings).toHaveLength(2);
  });

  test('of a core that was killed is thrown away', async () => {
    open().confirm(1, 'head 1');
    const before = readdirSync(folder);
    open();
    expect(readdirSync(folder).filter((name) => before.includes(name))).toEqual([]);
  });

  test('is each core’s own: what one writes, the other never reads', async () => {
    const [one, two] = [open(), open()];
    for (const cache of [one, two]) cache.confirm(1, 'head 5');
    one.put(1, 'k', row(5, 'of one'));
    two.put(1, 'k', row(4, 'of two'));
    expect(versionIn(one, 'k')).toBe(5);
    expect(versionIn(two, 'k')).toBe(4);
    await close(one);
    await close(two);
    const third = open();
    third.confirm(1, 'head 5');
    expect(versionIn(third, 'k')).toBe(4);
  });
});

describe('bounds', () => {
  test('of entries keep what was used last', () => {
    const cache = open({maxEntries: 10});
    cache.confirm(1, 'a');
    for (let n = 0; n < 30; n += 1) {
      cache.put(1, `k${n}`, row(n));
      versionIn(cache, 'k0');
    }
    expect(cache.size).toBe(10);
    expect(versionIn(cache, 'k0')).toBe(0);
    expect(versionIn(cache, 'k29')).toBe(29);
    expect(versionIn(cache, 'k1')).toBeNull();
  });

  test('of size hold for the file, however much is written', () => {
    const cache = open({sizeMb: 8, maxEntries: 100_000});
    cache.confirm(1, 'a');
    for (let n = 0; n < 1_500; n += 1)
      cache.put(1, `k${n}`, row(n, 'x'.repeat(n % 3 ? 900 : 60_000)));
    const bytes = readdirSync(folder).map((name) => statSync(join(folder, name)).size);
    expect(Math.max(...bytes)).toBeLessThanOrEqual(8 * 1024 * 1024);
    expect(versionIn(cache, 'k1499')).toBe(1_499);
    cache.put(1, 'huge', row(1, 'x'.repeat(2_000_000)));
    expect(versionIn(cache, 'huge')).toBeNull();
    expect(warnings).toEqual([]);
  });

  test('a tenant that is dropped leaves nothing, and its neighbour stays', () => {
    const cache = open();
    for (const tenant of [1, 11]) {
      cache.confirm(tenant, 'a');
      cache.put(tenant, 'k', row(tenant));
    }
    cache.drop(1);
    expect(versionIn(cache, 'k')).toBeNull();
    expect(cache.get(11, 'k', consistent)?.row.version).toBe(11);
  });
});
