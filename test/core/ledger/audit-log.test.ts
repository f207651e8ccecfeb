/**
 * A log in its database, changed behind the product's back: by a superuser, with triggers off.
 *
 * Every change is made in a transaction that is undone, so that each case begins with the same log.
 */
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {auditLog, type Audited, type AuditOptions} from '../../../core/ledger/audit-log.ts';
import {createNativeHashes} from '../../../core/ledger/hashes.ts';
import {readLog, storedLogs, type StoredLog} from '../../../core/ledger/read-log.ts';
import type {Query} from '../../../core/store/store.ts';
import {toHex} from '../../../shared/ledger/bytes.ts';
import {eventHash} from '../../../shared/ledger/header.ts';
import {parseVkey} from '../../../shared/ledger/note.ts';
import {leafHash} from '../../../shared/ledger/tree.ts';
import {freshDatabase, type TestDatabase} from '../../support/database.ts';
import {appOver, seedLog} from '../../support/seeded-log.ts';

const hashes = await createNativeHashes();
/** More than two tiles. */
const eventCount = 522;
const last = eventCount - 1;
const leaves = [0, 130, 255, 256, 257, last];

let database: TestDatabase;
let q: Query;
let log: StoredLog;

beforeAll(async () => {
  database = await freshDatabase();
  const app = await appOver(database.store);
  // The tiles are the tests' own.
  await app.upkeep.close();
  const tenant = await seedLog(app, eventCount);
  await seedLog(app, 20, 'another');
  q = {rows: ({text}, values) => database.admin.rows(text, values)};
  const [found] = await storedLogs(q, tenant.tenantId);
  if (found === undefined) throw new Error('the tenant is there');
  log = found;
});
afterAll(() => database.close());

/** Judges the log after a change that is undone again. */
async function after(change: string, options: AuditOptions = {}): Promise<Audited> {
  await database.admin.run(`begin;
    alter table ledger.event disable trigger all; alter table ledger.edge disable trigger all;
    alter table ledger.shard disable trigger all;
    do $$ declare c text; begin for c in select conname from pg_constraint
      where conrelid = 'ledger.event'::regclass and contype = 'c' and pg_get_constraintdef(oid) like '%leaf_hash%' loop
      execute format('alter table ledger.event drop constraint %I', c); end loop; end $$`);
  try {
    await database.admin.run(change);
    const [changed] = await storedLogs(q, log.tenantId);
    return await auditLog(q, hashes, changed ?? log, options);
  } finally {
    await database.admin.run('rollback');
  }
}

/** Another letter at a place of a text column. */
const flipped = (column: string, place: string): string =>
  `${column} = overlay(${column} placing case substr(${column}, ${place}, 1) when 'e' then 'f' else 'e' end from ${place} for 1)`;
const of = (leaf: number): string => `where tenant_no = ${log.tenantNo} and leaf = ${leaf}`;
const ofTenant = (): string => `where tenant_no = ${log.tenantNo}`;

test('a log that nobody touched verifies', async () => {
  const {exit, fault, report} = await auditLog(q, hashes, log);
  expect({exit, fault, size: report?.size}).toEqual({exit: 0, fault: null, size: eventCount});
});

describe.each(leaves)('leaf %i is named', (leaf) => {
  test.each(['1', 'length(data) / 2', 'length(data)'])(
    'when byte %s of its data is flipped',
    async (place) => {
      const {exit, fault} = await after(
        `update ledger.payload set ${flipped('data', place)} ${of(leaf)}`,
      );
      expect({exit, leaf: fault?.leaf, class: fault?.class}).toEqual({
        exit: 40,
        leaf,
        class: 'data',
      });
    },
  );

  test('when a byte of its salt is flipped', async () => {
    const {fault} = await after(
      `update ledger.payload set data_salt = set_byte(data_salt, 31, get_byte(data_salt, 31) # 1) ${of(leaf)}`,
    );
    expect(fault).toMatchObject({leaf, class: 'data', exit: 40});
  });

  test.each(['1', 'length(header) / 2', 'length(header)'])(
    'when byte %s of its header is flipped',
    async (place) => {
      const {exit, fault} = await after(
        `update ledger.event set ${flipped('header', place)} ${of(leaf)}`,
      );
      expect({exit, leaf: fault?.leaf}).toEqual({exit: 40, leaf});
    },
  );

  test('when a byte of its facts is flipped', async () => {
    const {fault} = await after(
      `update ledger.event set ${flipped('facts', 'length(facts) / 2')} ${of(leaf)}`,
    );
    expect(fault).toMatchObject({leaf, class: 'facts'});
  });

  test('when its event hash, or its leaf hash, is another', async () => {
    for (const column of ['event_hash', 'leaf_hash']) {
      const {fault} = await after(`update ledger.event set ${column} = sha256('x') ${of(leaf)}`);
      expect(fault).toMatchObject({
        leaf,
        class: 'column',
        expected: expect.stringContaining(column),
      });
    }
  });

  test('when its payload is gone, with no ending', async () => {
    const {exit, fault} = await after(`delete from ledger.payload ${of(leaf)}`);
    // The first leaf opens the shard: without its data nobody can tell how the log goes on.
    expect({exit, leaf: fault?.leaf}).toEqual({exit: leaf === 0 ? 20 : 40, leaf});
  });

  test('when its row is gone', async () => {
    const {exit, fault} = await after(`delete from ledger.event ${of(leaf)}`);
    expect({exit, leaf: fault?.leaf}).toEqual({exit: 40, leaf});
  });
});

describe('a column that repeats the header', () => {
  test.each([
    ['event_id', 'uuidv7()'],
    ['kind', 'kind + 1'],
    ['traj_id', 'uuidv7()'],
    ['traj_seq', 'traj_seq + 1000'],
    ['depth', 'depth + 1'],
    ['track', 'track + 1'],
    ['entity_id', 'uuidv7()'],
    ['entity_ver', 'entity_ver + 1'],
    ['corr_id', 'uuidv7()'],
    ['agent_id', 'uuidv7()'],
    ['idem', `sha256('k')`],
  ])('%s is compared with it', async (column, value) => {
    const {fault} = await after(`update ledger.event set ${column} = ${value} ${of(256)}`);
    expect(fault).toMatchObject({
      leaf: 256,
      class: 'column',
      found: expect.stringContaining(column),
    });
  });

  test('an edge that no header has is found', async () => {
    const {fault} = await after(
      `insert into ledger.edge select tenant_no, leaf, 0, 1, event_hash, leaf - 1 from ledger.event ${of(257)}`,
    );
    expect(fault).toMatchObject({leaf: 257, class: 'column'});
  });
});

describe('what is consistent within its row', () => {
  test('two rows swapped are found at the first of them', async () => {
    for (const [a, b] of [
      [254, 255],
      [255, 256],
    ]) {
      const {fault} = await after(
        `update ledger.event set leaf = -1 ${of(a ?? 0)}`.replace('-1', '900000') +
          `; update ledger.event set leaf = ${a} ${of(b ?? 0)}; update ledger.event set leaf = ${b} ${of(900000)}`,
      );
      expect(fault).toMatchObject({leaf: a, exit: 40});
    }
  });

  test('a header that is forged with all hashes of its row breaks chain or root', async () => {
    for (const leaf of leaves) {
      const records = [];
      for await (const page of readLog(q, log.tenantNo)) records.push(...page);
      const header = (records[leaf]?.header ?? '').replace('"rdx":1', '"rdx":2');
      const hash = eventHash(hashes, header);
      const {exit} =
        await after(`update ledger.event set header = $h$${header}$h$, event_hash = '\\x${toHex(hash)}',
        leaf_hash = '\\x${toHex(leafHash(hashes, hash))}' ${of(leaf)}`);
      expect({leaf, exit}).toEqual({leaf, exit: 40});
    }
  });

  test('an event above the head is found', async () => {
    const {fault} = await after(`update ledger.head set size = size - 1, root = sha256('x'),
      frontier = decode(repeat('00', 32 * bit_count((size - 1)::bit(64))::int), 'hex') ${ofTenant()}`);
    expect(fault?.exit).toBe(40);
  });
});

describe('what only a database has', () => {
  const tile = (
    index: number,
  ): string => `insert into aux.tile select ${log.tenantNo}, 1, 0, ${index},
    string_agg(leaf_hash, '' order by leaf) from ledger.event ${ofTenant()} and leaf / 256 = ${index}`;

  test('a sound tile is counted', async () => {
    expect(await after(tile(1))).toMatchObject({exit: 0, tileCount: 1});
  });

  test('a tile with another hash names the leaf below it', async () => {
    const change = `${tile(1)}; update aux.tile set hashes = set_byte(hashes, 32 * 7, get_byte(hashes, 32 * 7) # 1) ${ofTenant()}`;
    expect((await after(change)).fault).toMatchObject({leaf: 263, class: 'tile'});
  });

  test('a tile that the tree does not have is found', async () => {
    const change = `${tile(0)}; update aux.tile set idx = 9 ${ofTenant()}`;
    expect((await after(change)).fault).toMatchObject({
      class: 'tile',
      expected: '0 tiles',
      found: '1 tiles',
    });
  });

  test('a payload, and an edge, without an event are found', async () => {
    const payload = `insert into ledger.payload select tenant_no, 9999, null, data_salt, data, null, null from ledger.payload ${of(1)}`;
    expect((await after(payload)).fault).toMatchObject({leaf: 9999, class: 'stray'});
    const edge = `insert into ledger.edge values (${log.tenantNo}, 9998, 0, 1, sha256('x'), null)`;
    expect((await after(edge)).fault).toMatchObject({leaf: 9998, class: 'stray'});
  });

  test("a frontier, a root and a size that are not the log's are found", async () => {
    const set = (what: string): Promise<Audited> =>
      after(`update ledger.head set ${what} ${ofTenant()}`);
    expect(
      (await set('frontier = set_byte(frontier, 0, get_byte(frontier, 0) # 1)')).fault,
    ).toMatchObject({class: 'frontier'});
    expect((await set(`root = sha256('x')`)).fault).toMatchObject({class: 'root'});
    expect(
      (
        await set(
          "base_leaf = 1, frontier = decode(repeat('00', 32 * bit_count((size - 1)::bit(64))::int), 'hex')",
        )
      ).fault,
    ).toMatchObject({class: 'shard'});
  });

  test('a key of another name is no key of the shard', async () => {
    expect(
      (
        await after(
          `update ledger.shard set origin = 'evil.example', vkey = 'evil.example' || substr(vkey, strpos(vkey, '+')) ${ofTenant()}`,
        )
      ).fault,
    ).toMatchObject({class: 'key'});
  });
});

test("a log whose first key is not the auditor's is refused", async () => {
  const other = parseVkey(
    hashes,
    'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  );
  expect(await auditLog(q, hashes, log, {trusted: [other]})).toMatchObject({
    exit: 40,
    fault: {class: 'key'},
  });
});
