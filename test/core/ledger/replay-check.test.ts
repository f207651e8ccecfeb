/** Tables changed behind the product's back: the replay names the row. */
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {auditLog} from '../../../core/ledger/audit-log.ts';
import {createNativeHashes} from '../../../core/ledger/hashes.ts';
import {readLog, storedLogs} from '../../../core/ledger/read-log.ts';
import {createReplayCheck, type ReplayResult} from '../../../core/ledger/replay-check.ts';
import type {Query} from '../../../core/store/store.ts';
import {freshDatabase, type TestDatabase} from '../../support/database.ts';
import {appOver, seedLog, seedScope} from '../../support/seeded-log.ts';

const hashes = await createNativeHashes();
let database: TestDatabase;
let q: Query;
let tenantNo: number;
/** The tenant whose log has contents, and the leaf that released them. */
let talk: {readonly tenantNo: number; readonly closedLeaf: number};

beforeAll(async () => {
  database = await freshDatabase();
  const app = await appOver(database.store);
  const tenant = await seedLog(app, 120);
  const another = await seedLog(app, 20, 'another');
  talk = {tenantNo: another.tenantNo, ...(await seedScope(app, another))};
  tenantNo = tenant.tenantNo;
  q = {rows: ({text}, values) => database.admin.rows(text, values)};
});
afterAll(() => database.close());

async function check(tenant: number): Promise<ReplayResult> {
  const replay = createReplayCheck(q, tenant);
  for await (const page of readLog(q, tenant)) await replay.add(page);
  return replay.finish();
}

/** What differs after a change that is undone again. */
async function after(change: string): Promise<ReplayResult['differences']> {
  await database.admin.run('begin');
  try {
    await database.admin.run(change);
    return (await check(tenantNo)).differences;
  } finally {
    await database.admin.run('rollback');
  }
}

/** A row of a table, the same each time. */
async function some(
  table: string,
  where = 'true',
): Promise<{id: string; version: number; leaf: number}> {
  const text = `select id, version, leaf from ${table} where tenant_no = $1 and ${where} order by leaf limit 1 offset 3`;
  const [row] = await database.admin.rows<{id: string; version: number; leaf: number}>(text, [
    tenantNo,
  ]);
  if (row === undefined) throw new Error(`${table} has a row`);
  return row;
}

test("every tenant's tables are what its events make", async () => {
  for (const {tenantNo: one} of await storedLogs(q, null)) {
    const {differences, pastCount, rowCount} = await check(one);
    expect(differences).toEqual([]);
    expect(rowCount).toBeGreaterThan(3);
    expect(pastCount).toBeGreaterThan(3);
  }
});

describe('a current row', () => {
  const one = (id: string): string => `where tenant_no = ${tenantNo} and id = '${id}'`;

  test('that was edited is named with its column', async () => {
    const {id, version} = await some('mem.trajectory');
    const [difference] = await after(`update mem.trajectory set status = 'completed' ${one(id)}`);
    expect(difference).toEqual({
      table: 'mem.trajectory',
      id,
      version,
      column: 'status',
      expected: 'active',
      found: 'completed',
    });
  });

  test('whose document was edited is named with the member', async () => {
    const {id} = await some('mem.trajectory');
    const [difference] = await after(
      `update mem.trajectory set doc = jsonb_set(doc, '{description}', '"lies"') ${one(id)}`,
    );
    expect(difference).toMatchObject({
      id,
      column: 'doc.description',
      expected: 'as told',
      found: 'lies',
    });
  });

  test('whose author or time was edited is named', async () => {
    const {id} = await some('mem.trajectory');
    const [author] = await after(
      `update mem.trajectory set created_by = jsonb_set(created_by, '{on_behalf_of}', '"me"') ${one(id)}`,
    );
    expect(author).toMatchObject({id, column: 'created_by'});
    const [time] = await after(`update mem.trajectory set updated_at = updated_at + 1 ${one(id)}`);
    expect(time).toMatchObject({id, column: 'updated_at'});
  });

  test('that was deleted, or added, is named', async () => {
    const {id} = await some('mem.trajectory');
    const [gone] = await after(`delete from mem.trajectory ${one(id)}`);
    expect(gone).toMatchObject({id, column: 'row', found: 'none'});
    const added = '01a00000-0000-7000-8000-0000000000aa';
    const [more] = await after(
      `insert into mem.trajectory select (jsonb_populate_record(t, '{"id": "${added}"}')).* from mem.trajectory t ${one(id)}`,
    );
    expect(more).toMatchObject({id: added, column: 'row', expected: 'none'});
  });
});

describe('a past version', () => {
  const one = (of: {id: string; leaf: number}): string =>
    `where tenant_no = ${tenantNo} and id = '${of.id}' and leaf = ${of.leaf}`;

  test('that was edited is named', async () => {
    const row = await some('mem.past', `entity = 'trajectory'`);
    const [text] = await after(
      `update mem.past set row = jsonb_set(row, '{name}', '"lies"') ${one(row)}`,
    );
    expect(text).toMatchObject({
      table: 'mem.past',
      id: row.id,
      version: row.version,
      column: 'name',
      found: 'lies',
    });
    const [end] = await after(`update mem.past set to_leaf = to_leaf + 1 ${one(row)}`);
    expect(end).toMatchObject({id: row.id, column: 'to_leaf'});
  });

  test('that was deleted, or added, is named', async () => {
    const row = await some('mem.past', `entity = 'trajectory'`);
    const [gone] = await after(`delete from mem.past ${one(row)}`);
    expect(gone).toMatchObject({
      table: 'mem.past',
      id: row.id,
      version: row.version,
      found: 'none',
    });
    const [more] = await after(
      `insert into mem.past select tenant_no, entity, id, 77, leaf + 1, to_leaf + 1, row from mem.past ${one(row)}`,
    );
    expect(more).toMatchObject({table: 'mem.past', id: row.id, version: 77, expected: 'none'});
  });
});

test('each table has its own first difference', async () => {
  const differences = await after(
    `update mem.trajectory set name = 'lies'; update mem.agent set team = 'lies'; delete from mem.past`,
  );
  expect(differences.map(({table}) => table)).toEqual(['mem.agent', 'mem.past', 'mem.trajectory']);
});

describe('content', () => {
  /** As the lane clears: the parts, and what the rows and their past versions repeat of them. */
  const clear = (): Promise<unknown> =>
    database.store.clear(0, talk.tenantNo, talk.closedLeaf, 1000, async (lane, ended) => {
      const values = [talk.tenantNo, ended.map(({entityId}) => entityId)];
      const text = `update mem.turn set content = null, tool_calls = null, tool_results = null
        where tenant_no = $1 and id = any ($2::uuid[])`;
      await lane.rows({name: 'test_clear_turn', text}, values);
    });

  test('that is there is folded as it was written; a text changed in a table is found', async () => {
    expect((await check(talk.tenantNo)).differences).toEqual([]);
    await database.admin.run('begin');
    await database.admin.run(
      `update mem.turn set content = 'lies' where tenant_no = ${talk.tenantNo}`,
    );
    const {differences} = await check(talk.tenantNo);
    await database.admin.run('rollback');
    expect(differences).toMatchObject([{table: 'mem.turn', column: 'content', found: 'lies'}]);
  });

  test('that has ended is null in the log and in the tables, and both still verify', async () => {
    await clear();
    const [log] = (await storedLogs(q, null)).filter((one) => one.tenantNo === talk.tenantNo);
    if (log === undefined) throw new Error('the tenant is there');
    const {exit, report} = await auditLog(q, hashes, log);
    expect(exit).toBe(0);
    expect(report?.counts.ended).toBeGreaterThan(10);
    expect((await check(talk.tenantNo)).differences).toEqual([]);
  });
});
