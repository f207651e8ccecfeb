/** The change feed: without gaps, in order, groups whole, and nothing done while nothing happens. */
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {callAs} from '../../support/list-cases.ts';
import {members, openTestApp, type Caller, type TestApp} from '../../support/test-app.ts';

type Change = {position: number; event_id: string; kind: string; entity_type: string};
type Feed = {changes: Change[]; watermark: number; has_more: boolean};

let app: TestApp;
let caller: Caller;
let call: ReturnType<typeof callAs>;
let scope: string;
/** Leaves at which a group ends. */
let ends: Set<number>;

beforeAll(async () => {
  app = await openTestApp();
  caller = await app.tenant();
  call = callAs(app, caller);
  const {trajectory_id: within} = await call('POST', '/trajectories', {name: 'a'});
  const made = await call('POST', '/scopes', {trajectory_id: within, name: 'a'});
  scope = String(made['scope_id']);
  await group(3);
  await turn();
  await group(4);
  ends = await endsOfGroups();
});
afterAll(() => app.close());

const said = (content = 'said') => ({scope_id: scope, role: 'user', content});
const turn = () => call('POST', '/turns', said());
/** One group of so many events. */
const group = (count: number) =>
  call('POST', '/batch/turns', {
    atomic: true,
    items: Array.from({length: count}, () => ({operation: 'create', create: said()})),
  });
const feed = async (query: string) => (await call('GET', `/changes?${query}`)) as Feed;

async function endsOfGroups(): Promise<Set<number>> {
  const text = `select e.leaf from ledger.event e where e.tenant_no = $1
    and (e.header::jsonb -> 'grp' ->> 0)::int = (e.header::jsonb -> 'grp' ->> 1)::int - 1`;
  const {store} = app.app.services;
  const rows = await store.read(caller.tenantNo, (q) =>
    q.rows<{leaf: number}>({name: 'test_ends', text}, [caller.tenantNo]),
  );
  return new Set(rows.map(({leaf}) => leaf));
}

/** Everything, page by page. */
async function walk(limit: number, filter = ''): Promise<Change[]> {
  const seen: Change[] = [];
  for (let hasMore = true, after = ''; hasMore;) {
    const page = await feed(`limit=${limit}${after}${filter}`);
    hasMore = page.has_more;
    const last = page.changes.at(-1);
    if (hasMore && filter === '') expect(ends).toContain(last?.position);
    // Whoever is told of more gets more.
    expect(page.changes.length).toBeGreaterThan(0);
    seen.push(...page.changes);
    after = `&after=${last?.position}`;
  }
  return seen;
}

describe('pages', () => {
  test('of every size hold every event once, in order, and end where a group ends', async () => {
    const size = await app.sizeOf(caller);
    for (let limit = 1; limit <= size + 1; limit += 1) {
      const seen = await walk(limit);
      expect(seen.map(({position}) => position)).toEqual([...Array(size).keys()]);
    }
  });

  test('of a filter end by themselves, with the watermark of the whole ledger', async () => {
    const size = await app.sizeOf(caller);
    const turns = (await walk(1_000)).filter(({kind}) => kind === 'turn.created');
    expect(turns).toHaveLength(8);
    for (const filter of ['&kind=turn.created', '&kind=0x5001', '&entity_type=turn'])
      for (let limit = 1; limit < 10; limit += 1) expect(await walk(limit, filter)).toEqual(turns);
    const last = await feed(`kind=turn.created&after=${turns.at(-1)?.position}`);
    expect(last).toEqual({changes: [], watermark: size - 1, has_more: false});
    const none = await feed('kind=turn.created&entity_type=note');
    expect(none).toEqual({changes: [], watermark: size - 1, has_more: false});
  });

  test('above the last position there is none', async () => {
    const {watermark} = await feed('limit=1');
    expect(await feed(`after=${watermark}`)).toMatchObject({changes: [], watermark});
    const path = `/api/v1/changes?after=${watermark + 1}`;
    const above = await app.send({method: 'GET', path, key: caller.key});
    expect([above.status, members(above)['code']]).toEqual([400, 'INVALID_RANGE']);
    expect(members(above)['details']).toEqual({position: watermark});
  });
});

test('under 16 writers a reader at the end misses nothing and sees no group in part', async () => {
  const before = await app.sizeOf(caller);
  let isWriting = true;
  const writing = Promise.all(
    Array.from({length: 16}, async (_, writer) => {
      for (let n = 0; n < 4; n += 1) await (writer % 4 === 0 ? group(3) : turn());
    }),
  ).then(() => (isWriting = false));
  const seen: number[] = [];
  for (let after = before - 1; isWriting || seen.length < (await app.sizeOf(caller)) - before;) {
    const page = await feed(`after=${after}&limit=7&wait_ms=1000`);
    const last = page.changes.at(-1);
    expect(page.watermark).toBeGreaterThanOrEqual(last?.position ?? after);
    seen.push(...page.changes.map(({position}) => position));
    after = last?.position ?? after;
    if (last !== undefined) expect(await endsOfGroups()).toContain(last.position);
  }
  await writing;
  expect(seen).toEqual(Array.from({length: 4 * 4 * 3 + 12 * 4}, (_, n) => before + n));
});

describe('a long poll', () => {
  const waiters = (): number => app.app.services.bus.waiters;
  const armed = async (): Promise<void> => {
    while (waiters() === 0) await new Promise(setImmediate);
  };

  test('is answered by the commit it waits for, and by no other', async () => {
    const {watermark} = await feed('limit=1');
    const asked = feed(`after=${watermark}&kind=turn.created&wait_ms=20000`);
    await armed();
    await call('POST', '/agents', {agent_type: 'worker'});
    await armed();
    await turn();
    const {changes} = await asked;
    expect(changes.map(({kind}) => kind)).toEqual(['turn.created']);
    expect(waiters()).toBe(0);
  });

  test('leaves nobody waiting where the answer is there, or refused', async () => {
    await feed('after=0&wait_ms=20000');
    expect(waiters()).toBe(0);
    const path = '/api/v1/changes?after=999999&wait_ms=20000';
    expect((await app.send({method: 'GET', path, key: caller.key})).status).toBe(400);
    expect(waiters()).toBe(0);
  });

  test('asks the database nothing while nothing happens', async () => {
    const {watermark} = await feed('limit=1');
    const {store} = app.app.services;
    const {read, assemble} = store;
    let asked = 0;
    Object.assign(store, {
      read: (...args: Parameters<typeof read>) => ((asked += 1), read(...args)),
      assemble: (...args: Parameters<typeof assemble>) => ((asked += 1), assemble(...args)),
    });
    try {
      expect(await feed(`after=${watermark}&wait_ms=50`)).toMatchObject({changes: [], watermark});
    } finally {
      Object.assign(store, {read, assemble});
    }
    expect(asked).toBe(0);
  });
});
