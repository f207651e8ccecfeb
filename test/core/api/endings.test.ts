/** Every kind of ending that there is, from the request to the last byte (01-model §7, 04-ledger §8). */
import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi} from 'vitest';
import {createNativeHashes} from '../../../core/ledger/hashes.ts';
import {createUpkeep} from '../../../core/ledger/upkeep.ts';
import {settingsOf} from '../../../core/api/settings-of.ts';
import {verifyReceipt} from '../../../shared/ledger/verify.ts';
import {freshPglite, type TestDatabase} from '../../support/database.ts';
import {
  endingApp,
  indexRowsOf,
  judged,
  sound,
  tracesOf,
  type Body,
  type EndingApp,
} from '../../support/ending-app.ts';

const hashes = await createNativeHashes();
let database: TestDatabase;
let of: EndingApp;
let made = 0;

beforeAll(async () => {
  database = await freshPglite();
});
afterAll(() => database.close());
beforeEach(async () => {
  vi.useFakeTimers({toFake: ['Date'], now: Date.now()});
  of = await endingApp(database);
  made += 1;
});
afterEach(async () => {
  await of.close();
  vi.useRealTimers();
});

const secret = (): string => `vermilion${made}x`;
const dayMs = 86_400_000;

async function opened(): Promise<{trajectoryId: string; scopeId: string}> {
  const {trajectory_id} = await of.ok('POST', '/trajectories', {name: 'a task'});
  const {scope_id} = await of.ok('POST', '/scopes', {trajectory_id, name: 'window'});
  return {trajectoryId: trajectory_id, scopeId: scope_id};
}

/** An item of each kind, changed once; answers their paths. */
async function items(
  ttl: unknown,
  {scopeId, trajectoryId}: {scopeId: string; trajectoryId: string},
  text = secret(),
): Promise<string[]> {
  const {artifact_id} = await of.ok('POST', '/artifacts', {
    trajectory_id: trajectoryId,
    scope_id: scopeId,
    artifact_type: 'Fact',
    name: 'found',
    content: text,
    source_turn: 0,
    extraction_method: 'Explicit',
    ttl,
  });
  const {note_id} = await of.ok('POST', '/notes', {
    note_type: 'Fact',
    title: 'kept',
    content: text,
    scope_id: scopeId,
    source_trajectory_ids: [trajectoryId],
    ttl,
  });
  const paths = [`/artifacts/${artifact_id}`, `/notes/${note_id}`];
  for (const path of paths) await of.ok('PATCH', path, {content: `${text} again`});
  return paths;
}

/** Everything that is due by a moment that lies so far ahead. */
async function kept(aheadMs = 0): Promise<void> {
  const {services} = of.app;
  const upkeep = createUpkeep({
    store: services.store,
    tools: services.tools,
    now: () => services.now() + aheadMs * 1_000,
    warn: (message, cause) => {
      throw new Error(message, {cause});
    },
    laneOf: (tenant) => ({lane: services.laneOf(tenant), index: tenant % services.store.lanes}),
    settingsOf: (tenant) => settingsOf(services, tenant),
  });
  await upkeep.run(of.tenant.tenantNo);
}

async function gone(paths: readonly string[]): Promise<void> {
  expect(await tracesOf(database, secret())).toEqual([]);
  expect(
    await indexRowsOf(
      database,
      paths.map((path) => path.split('/')[2] ?? ''),
    ),
  ).toBe(0);
  expect(await judged(database, of.tenant)).toMatchObject(sound);
  await receiptsVerify();
}

/** The receipts of the last events verify, at the newest size and at their first. */
async function receiptsVerify(): Promise<void> {
  const {shards} = await of.ok('GET', '/log/key');
  const policy = `log ${shards[0].vkey}\nquorum none\n`;
  const {events} = await of.ok('GET', '/event-dag?limit=1000');
  for (const {event_id, position: leaf} of events.slice(-12)) {
    for (const size of ['', `&checkpoint=${leaf + 1}`]) {
      const {body} = await of.call('GET', `/receipts/${event_id}?open=true${size}`);
      const receipt = typeof body === 'string' ? body : JSON.stringify(body);
      expect(verifyReceipt(hashes, {receipt, policy})).toMatchObject({exit: 0, level: 'L1'});
    }
  }
}

const position = async (): Promise<number> => (await of.call('GET', '/agents')).position;

test.each([1, 40])(
  'closing a scope of %i turns is one event (M-4), and releases what they said',
  async (count) => {
    const place = await opened();
    const turns: string[] = [];
    for (let index = 0; index < count; index += 1) {
      const turn = await of.ok('POST', '/turns', {
        scope_id: place.scopeId,
        role: 'User',
        content: secret(),
        tool_calls: [{a: secret()}],
      });
      turns.push(`/turns/${turn.turn_id}`);
    }
    const paths = await items('Scope', place);
    const before = await position();
    const closed = await of.ok('POST', `/scopes/${place.scopeId}/close`, {});
    expect(await position()).toBe(before + 1);
    expect(closed.released_turns).toBe(count);
    expect(closed.expired).toHaveLength(2);
    await kept();
    await gone([...turns, ...paths]);
    const turn = await of.ok('GET', turns[0] ?? '');
    expect(turn).toMatchObject({
      content: null,
      tool_calls: null,
      content_state: 'released',
      role: 'User',
    });
    expect(turn.content_hash).toMatch(/^[0-9a-f]{64}$/);
    expect(await of.ok('GET', `${turns[0]}?as_of_position=${before}`)).toMatchObject({
      content_state: 'released',
    });
    for (const path of paths) {
      expect(await of.ok('GET', path)).toMatchObject({content: null, content_state: 'expired'});
      expect(await of.ok('GET', `${path}?as_of_position=${before}`)).toMatchObject({
        content: null,
        content_state: 'expired',
      });
    }
  },
);

test('a tenant that keeps turns keeps them until their trajectory is deleted', async () => {
  await of.ok('PATCH', '/config', {turn_retention: 'keep', delete_retention_days: 0});
  const place = await opened();
  const {turn_id} = await of.ok('POST', '/turns', {
    scope_id: place.scopeId,
    role: 'User',
    content: secret(),
  });
  const paths = await items('Scope', place, 'of the scope');
  const artifact = (await items('Persistent', place))[0] ?? '';
  await of.ok('DELETE', `/notes/${(await of.ok('GET', '/notes')).notes[0].note_id}`);
  await of.ok('POST', `/scopes/${place.scopeId}/close`, {});
  await kept();
  expect(await of.ok('GET', `/turns/${turn_id}`)).toMatchObject({
    content: secret(),
    content_state: 'present',
  });
  expect(await tracesOf(database, 'of the scope')).toEqual([]);
  for (const path of paths)
    expect(await of.ok('GET', path)).toMatchObject({content_state: 'expired'});
  await of.ok('DELETE', `/trajectories/${place.trajectoryId}`);
  await kept();
  await gone([`/turns/${turn_id}`, artifact]);
  expect(await of.ok('GET', `/turns/${turn_id}`)).toMatchObject({
    content: null,
    content_state: 'deleted',
  });
});

test('the end of a trajectory ends what lives for the session', async () => {
  const place = await opened();
  const paths = await items('Session', place);
  await of.ok('POST', `/trajectories/${place.trajectoryId}/outcome`, {
    status: 'Success',
    summary: 'done',
  });
  for (const path of paths)
    expect(await of.ok('GET', path)).toMatchObject({content: null, content_state: 'expired'});
  await kept();
  await gone(paths);
});

test('the deletion of a trajectory that never ended ends what lives for the session', async () => {
  await of.ok('PATCH', '/config', {delete_retention_days: 0});
  const place = await opened();
  const paths = await items('Session', place);
  await of.ok('POST', `/scopes/${place.scopeId}/close`, {});
  await of.ok('DELETE', `/trajectories/${place.trajectoryId}`);
  await kept();
  await gone(paths);
});

describe('what was deleted', () => {
  test('is destroyed when its retention is over, and not before', async () => {
    const place = await opened();
    const paths = await items('Persistent', place);
    const before = await position();
    for (const path of paths) await of.call('DELETE', path);
    await kept(30 * dayMs - 60_000);
    for (const path of paths) {
      expect((await of.call('GET', path)).status).toBe(404);
      expect(await of.ok('GET', `${path}?as_of_position=${before}`)).toMatchObject({
        content: `${secret()} again`,
        content_state: 'present',
      });
    }
    await kept(30 * dayMs + 60_000);
    await gone(paths);
    for (const path of paths) {
      expect(await of.ok('GET', `${path}?as_of_position=${before}`)).toMatchObject({
        content: null,
        content_state: 'deleted',
      });
    }
  });

  test('is destroyed at once where the tenant retains nothing', async () => {
    await of.ok('PATCH', '/config', {delete_retention_days: 0});
    const paths = await items('Persistent', await opened());
    for (const path of paths) await of.call('DELETE', path);
    await kept();
    await gone(paths);
  });
});

describe('a lifetime that is over', () => {
  const ended = async (paths: readonly string[]): Promise<Body[]> =>
    Promise.all(paths.map(async (path) => of.ok('GET', path)));

  test('gets its event from the job, once, and its content is destroyed', async () => {
    const paths = await items({Duration: 30_000}, await opened());
    vi.setSystemTime(Date.now() + 29_000);
    expect(await of.app.expiry.run()).toBe(0);
    vi.setSystemTime(Date.now() + 1_100);
    // Reads know it before the event is written.
    for (const item of await ended(paths))
      expect(item).toMatchObject({content: null, content_state: 'expired'});
    expect((await of.ok('GET', '/notes')).total).toBe(0);
    const before = await position();
    const runs = await Promise.all([of.app.expiry.run(), of.app.expiry.run()]);
    expect(runs).toEqual([2, 0]);
    expect(await position()).toBe(before + 2);
    await kept();
    await gone(paths);
  });

  test('that was prolonged is left alone, and one that a lock guards is not', async () => {
    const [artifact = '', note = ''] = await items({Duration: 30_000}, await opened());
    await of.ok('PATCH', artifact, {ttl: 'Persistent'});
    const {agentId} = of.tenant;
    await of.ok('POST', '/locks/acquire', {
      resource_type: 'note',
      resource_id: note.split('/')[2],
      holder_agent_id: agentId,
      timeout_ms: 100_000,
    });
    vi.setSystemTime(Date.now() + 31_000);
    expect(await of.app.expiry.run()).toBe(1);
    expect(await of.ok('GET', artifact)).toMatchObject({content_state: 'present'});
    expect(await of.ok('GET', note)).toMatchObject({content_state: 'expired'});
  });

  test('of a halted tenant waits, and keeps no other from ending', async () => {
    const paths = await items({Duration: 30_000}, await opened());
    const {services} = of.app;
    const ledger = services.laneOf(of.tenant.tenantNo).memory.tenants.get(of.tenant.tenantNo);
    if (ledger === undefined) throw new Error('the tenant is loaded');
    ledger.isHalted = true;
    vi.setSystemTime(Date.now() + 31_000);
    expect(await of.app.expiry.run()).toBe(0);
    ledger.isHalted = false;
    expect(await of.app.expiry.run()).toBe(2);
    expect(paths).toHaveLength(2);
  });
});

test('of a group that counts the oldest make room, and are destroyed', async () => {
  const place = await opened();
  const oldest = await items({Max: 2}, place);
  await items({Max: 2}, place, 'second');
  await items({Max: 2}, place, 'third');
  for (const path of oldest)
    expect(await of.ok('GET', path)).toMatchObject({content_state: 'expired'});
  expect((await of.ok('GET', '/notes')).total).toBe(2);
  await kept();
  await gone(oldest);
});

test('scope checkpoints that are pushed out lose their state, and all of them when the scope closes', async () => {
  await of.ok('PATCH', '/config', {max_scope_checkpoints: 2});
  const {scopeId} = await opened();
  const save = (text: string) =>
    of.ok('POST', `/scopes/${scopeId}/checkpoint`, {
      context_state: Buffer.from(text).toString('base64'),
    });
  const state = Buffer.from(secret()).toString('base64');
  for (const text of [secret(), 'second', 'third']) await save(text);
  const states = async (): Promise<Body[]> =>
    (await of.ok('GET', `/scopes/${scopeId}/checkpoints`)).scope_checkpoints.map(
      ({context_state}: Body) =>
        context_state === null ? null : Buffer.from(context_state, 'base64').toString(),
    );
  expect(await states()).toEqual(['third', 'second', null]);
  await kept();
  expect(await tracesOf(database, state)).toEqual([]);
  const [newest] = (await of.ok('GET', `/scopes/${scopeId}/checkpoints`)).scope_checkpoints;
  await of.ok('POST', `/scopes/${scopeId}/close`, {});
  expect(await states()).toEqual([null, null, null]);
  expect(
    (await of.call('POST', `/scope-checkpoints/${newest.checkpoint_id}/restore`, {})).status,
  ).toBe(410);
  await kept();
  expect(await tracesOf(database, Buffer.from('third').toString('base64'))).toEqual([]);
  await gone([]);
});
