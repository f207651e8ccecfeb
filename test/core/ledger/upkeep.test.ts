/** Upkeep goes on from where it died, repeats itself without harm and fails no mutation. */
import {afterAll, afterEach, beforeAll, beforeEach, expect, test} from 'vitest';
import {settingsOf} from '../../../core/api/settings-of.ts';
import {createUpkeep, type Upkeep} from '../../../core/ledger/upkeep.ts';
import type {Store} from '../../../core/store/store.ts';
import {freshDatabase, type TestDatabase} from '../../support/database.ts';
import {endingApp, judged, sound, tracesOf, type EndingApp} from '../../support/ending-app.ts';

let database: TestDatabase;
let of: EndingApp;
let made = 0;

beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  of = await endingApp(database);
  await of.app.upkeep.close();
  made += 1;
});
afterEach(() => of.close());

const secret = (): string => `cinnabar${made}x`;

/** Upkeep over a store, and what it warned of. */
function upkeepOver(store: Store, app = of): Upkeep & {readonly warnings: string[]} {
  const {services} = app.app;
  const warnings: string[] = [];
  const upkeep = createUpkeep({
    store,
    tools: services.tools,
    now: services.now,
    warn: (message) => warnings.push(message),
    laneOf: (tenant) => ({lane: services.laneOf(tenant), index: tenant % store.lanes}),
    settingsOf: (tenant) => settingsOf(services, tenant),
  });
  return {...upkeep, warnings};
}

/** Scopes that are closed and notes that are deleted, with nobody to clear them. */
async function ended(scopeCount: number): Promise<void> {
  await of.ok('PATCH', '/config', {delete_retention_days: 0});
  const {trajectory_id} = await of.ok('POST', '/trajectories', {name: 'a task'});
  for (let index = 0; index < scopeCount; index += 1) {
    const {scope_id} = await of.ok('POST', '/scopes', {trajectory_id, name: 'window'});
    await of.ok('POST', '/turns', {scope_id, role: 'User', content: secret()});
    await of.ok('POST', `/scopes/${scope_id}/close`, {});
    const {note_id} = await of.ok('POST', '/notes', {
      note_type: 'Fact',
      title: `n${index}`,
      content: `${secret()} ${index}`,
    });
    await of.call('DELETE', `/notes/${note_id}`);
  }
}

const cursors = (): Promise<{consumer: string; leaf: number}[]> =>
  database.admin.rows('select consumer, leaf from aux.cursor where tenant_no = $1 order by 1', [
    of.tenant.tenantNo,
  ]);

/** A store that dies in its k-th call, and stays dead. */
function dyingAt(k: number, inner: Store): Store {
  let count = 0;
  const once =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      count += 1;
      if (count >= k) throw new Error('the process died');
      return call(...args);
    };
  return {
    ...inner,
    clear: once(inner.clear),
    maintain: once(inner.maintain) as Store['maintain'],
    read: once(inner.read) as Store['read'],
  };
}

test('it goes on from any call in which it died, also in the next process', async () => {
  await ended(3);
  const {tenantNo} = of.tenant;
  const {store} = of.app.services;
  let k = 1;
  for (let isDone = false; !isDone; k += 1) {
    const upkeep = upkeepOver(dyingAt(k, store));
    isDone = await upkeep.run(tenantNo).then(
      () => true,
      () => false,
    );
    const {exit, differences} = await judged(database, of.tenant);
    expect({k, exit, differences}).toEqual({k, exit: 0, differences: []});
    // The next process remembers nothing.
    if (k % 4 === 0) of.app.services.laneOf(tenantNo).memory.tenants.clear();
  }
  expect(k).toBeGreaterThan(6);
  expect(await tracesOf(database, secret())).toEqual([]);
  const {position} = await of.call('GET', '/agents');
  expect((await cursors()).map(({leaf}) => leaf)).toEqual([position, position]);
});

test('doing all of it once more changes nothing', async () => {
  await ended(2);
  const {tenantNo} = of.tenant;
  const upkeep = upkeepOver(of.app.services.store);
  await upkeep.run(tenantNo);
  await database.admin.run(`delete from aux.cursor where tenant_no = ${tenantNo}`);
  await Promise.all([upkeep.run(tenantNo), upkeepOver(of.app.services.store).run(tenantNo)]);
  expect(await tracesOf(database, secret())).toEqual([]);
  expect(await judged(database, of.tenant)).toMatchObject(sound);
});

test('a new process finds by itself what the one before left', async () => {
  await ended(1);
  const next = await of.again();
  await expect.poll(() => tracesOf(database, secret()), {timeout: 20_000}).toEqual([]);
  await next.close();
});

test('what it cannot do is put off, and nobody who writes notices', async () => {
  await ended(1);
  const {store} = of.app.services;
  const broken: Store = {...store, clear: () => Promise.reject(new Error('no disk'))};
  const upkeep = upkeepOver(broken);
  upkeep.noticed(of.tenant.tenantNo, [{isEnding: true} as never], 10);
  const writes = await Promise.all(
    Array.from({length: 8}, (_, index) => of.call('POST', '/trajectories', {name: `t${index}`})),
  );
  expect(writes.map(({status}) => status)).toEqual(writes.map(() => 201));
  await upkeep.close();
  expect(upkeep.warnings).toEqual([`upkeep of tenant ${of.tenant.tenantNo} is put off`]);
  await upkeepOver(store).run(of.tenant.tenantNo);
  expect(await tracesOf(database, secret())).toEqual([]);
});

test('more contents than one transaction takes are destroyed in several', async () => {
  const {trajectory_id} = await of.ok('POST', '/trajectories', {name: 'a task'});
  const {scope_id} = await of.ok('POST', '/scopes', {
    trajectory_id,
    name: 'window',
    token_budget: 1_000_000,
  });
  for (let from = 0; from < 1_050; from += 50) {
    const items = Array.from({length: 50}, () => ({scope_id, role: 'User', content: secret()}));
    await Promise.all(items.map((item) => of.ok('POST', '/turns', item)));
  }
  const {position: before} = await of.call('GET', '/agents');
  await of.ok('POST', `/scopes/${scope_id}/close`, {});
  expect((await of.call('GET', '/agents')).position).toBe(before + 1);
  await upkeepOver(of.app.services.store).run(of.tenant.tenantNo);
  expect(await tracesOf(database, secret())).toEqual([]);
  expect(await judged(database, of.tenant)).toMatchObject({...sound, tileCount: 4});
});
