/** A database that was set back halts its tenant and no other (cases 8, 25). */
import {mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {open} from 'lmdb';
import {afterAll, afterEach, beforeAll, beforeEach, expect, test} from 'vitest';
import {createTenant, type NewTenant} from '../../../core/api/bootstrap.ts';
import {freshDatabase, type TestDatabase} from '../../support/database.ts';
import {endingApp, type EndingApp} from '../../support/ending-app.ts';

let database: TestDatabase;
let folder: string;
let of: EndingApp;

beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cellstate-guard-'));
  of = await endingApp(database, {folder});
});
afterEach(() => rmSync(folder, {recursive: true, force: true}));

const write = (app: EndingApp, as?: NewTenant) =>
  app.call('POST', '/trajectories', {name: 'a task'}, as);
const evidence = (): string[] =>
  readdirSync(join(folder, 'guard')).filter((name) =>
    name.startsWith(`halted-${of.tenant.tenantId}`),
  );

type Kept = {readonly size: number; readonly root: string; readonly frontier: string};

/** The rows of a tenant's ledger as they are now, to be put back later. */
async function copied({tenantNo}: NewTenant): Promise<() => Promise<void>> {
  const {admin} = database;
  const [head] = await admin.rows<Kept>(
    `select size, encode(root, 'hex') as root, encode(frontier, 'hex') as frontier
      from ledger.head where tenant_no = $1`,
    [tenantNo],
  );
  if (head === undefined) throw new Error('the tenant has a head');
  const {frontier, root, size} = head;
  return () =>
    admin.run(`begin; set local session_replication_role = replica;
      alter table ledger.event disable trigger all; alter table ledger.edge disable trigger all;
      delete from ledger.event where tenant_no = ${tenantNo} and leaf >= ${size};
      delete from ledger.payload where tenant_no = ${tenantNo} and leaf >= ${size};
      delete from mem.trajectory where tenant_no = ${tenantNo} and leaf >= ${size};
      update ledger.head set size = ${size}, root = '\\x${root}',
        frontier = '\\x${frontier}' where tenant_no = ${tenantNo};
      alter table ledger.event enable always trigger ro; alter table ledger.event enable always trigger nt;
      alter table ledger.edge enable always trigger ro; alter table ledger.edge enable always trigger nt; commit`);
}

test('a tenant whose log was cut and whose head was set back is halted, and no other', async () => {
  const other = await createTenant(of.app.services, {name: 'Other'});
  await write(of);
  const setBack = await copied(of.tenant);
  await write(of);
  await of.close();
  await setBack();

  const later = await of.again();
  expect((await later.call('GET', '/trajectories')).body.total).toBe(1);
  expect(await write(later)).toMatchObject({status: 503, body: {code: 'LEDGER_HALTED'}});
  expect((await write(later, other)).status).toBe(201);
  const [file = ''] = evidence();
  expect(evidence()).toHaveLength(1);
  const told = JSON.parse(readFileSync(join(folder, 'guard', file), 'utf8'));
  expect(told).toMatchObject({tenant: of.tenant.tenantId, guarded: {size: 6}, found: {size: 5}});
  await later.close();

  // The guard keeps what it has seen, so the next start halts as well.
  const third = await later.again();
  expect((await write(third)).status).toBe(503);
  await third.close();
});

test('a log that goes on from another past is halted at the size that the guard has seen', async () => {
  await write(of);
  const setBack = await copied(of.tenant);
  await write(of);
  await of.close();
  await setBack();
  // A core without the guard lets the other history grow beyond what was seen.
  const blind = await endingApp(database, {tenant: of.tenant});
  await write(blind);
  await write(blind);
  await blind.close();

  const later = await of.again();
  expect((await write(later)).status).toBe(503);
  const told = JSON.parse(readFileSync(join(folder, 'guard', evidence()[0] ?? ''), 'utf8'));
  expect(told.found.rootAtGuard).not.toBe(told.guarded.root);
  await later.close();
});

test('a guard that lags is no fault, and one that is missing is begun anew', async () => {
  await write(of);
  await of.close();
  const blind = await endingApp(database, {tenant: of.tenant});
  await write(blind);
  await blind.close();
  const lagging = await of.again();
  expect((await write(lagging)).status).toBe(201);
  await lagging.close();

  rmSync(join(folder, 'guard'), {recursive: true});
  const later = await of.again();
  expect((await write(later)).status).toBe(201);
  await later.close();
  const guard = open<{size: number}, string>({
    path: join(folder, 'guard', 'guard.lmdb'),
    encoding: 'json',
  });
  expect(guard.get(`guard/${of.tenant.tenantId}`)?.size).toBe(8);
  await guard.close();
});

test.each([
  [
    'a frontier that does not give the root',
    'frontier = set_byte(frontier, 0, get_byte(frontier, 0) # 1)',
  ],
  ['a root that is no root of its leaves', `root = sha256('x')`],
])('%s halts the tenant', async (_, change) => {
  await write(of);
  await of.close();
  await database.admin.run(
    `update ledger.head set ${change} where tenant_no = ${of.tenant.tenantNo}`,
  );
  const later = await of.again();
  expect(await write(later)).toMatchObject({status: 503, body: {code: 'LEDGER_HALTED'}});
  expect((await later.call('GET', '/trajectories')).body.total).toBe(1);
  expect(evidence()).toHaveLength(1);
  await later.close();
});

test('leaves that are gone below a guard that lags halt the tenant, whose reads go on', async () => {
  await write(of);
  await of.close();
  const blind = await endingApp(database, {tenant: of.tenant});
  await write(blind);
  await blind.close();
  await database.admin.run(`begin; alter table ledger.event disable trigger all;
    delete from ledger.event where tenant_no = ${of.tenant.tenantNo} and leaf = 2;
    alter table ledger.event enable always trigger ro; alter table ledger.event enable always trigger nt; commit`);
  const later = await of.again();
  expect((await later.call('GET', '/trajectories')).body.total).toBe(2);
  expect((await write(later)).status).toBe(503);
  await later.close();
});

test('upkeep touches nothing of a tenant that is halted', async () => {
  await of.ok('PATCH', '/config', {delete_retention_days: 0});
  const {note_id: id} = await of.ok('POST', '/notes', {
    note_type: 'Fact',
    title: 'n',
    content: 'evidence',
  });
  await of.close();
  const blind = await endingApp(database, {tenant: of.tenant});
  await blind.app.upkeep.close();
  await blind.ok('DELETE', `/notes/${id}`);
  await blind.close();
  await database.admin.run(
    `update ledger.head set root = sha256('x') where tenant_no = ${of.tenant.tenantNo}`,
  );
  const later = await of.again();
  await later.app.upkeep.run(of.tenant.tenantNo);
  const [kept] = await database.admin.rows<{n: number}>(
    `select count(*)::int as n from ledger.payload where tenant_no = $1 and content like '%evidence%'`,
    [of.tenant.tenantNo],
  );
  expect(kept?.n).toBe(1);
  await later.close();
});
