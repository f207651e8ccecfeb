/** The DAG of events: what callers may ask of it, and that one tenant never sees another's. */
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {kindHex, productKinds} from '../../../shared/ledger/kinds.ts';
import {callAs} from '../../support/list-cases.ts';
import {members, openTestApp, type Caller, type TestApp} from '../../support/test-app.ts';

let app: TestApp;
let caller: Caller;
let call: ReturnType<typeof callAs>;
let trajectory: string;
/** The events of that trajectory, in order. */
let chain: Event[];

type Event = {
  event_id: string;
  position: number;
  kind: string;
  correlation_id: string;
  trajectory_id: string;
  payload?: object | null;
};

beforeAll(async () => {
  app = await openTestApp();
  caller = await app.tenant();
  call = callAs(app, caller);
  trajectory = String((await call('POST', '/trajectories', {name: '0'}))['trajectory_id']);
  for (let n = 1; n < 8; n += 1) {
    await call('PATCH', `/trajectories/${trajectory}`, {name: String(n)});
    // Others write between.
    if (n % 3 === 0) await call('POST', '/trajectories', {name: 'other'});
  }
  chain = await events(`/event-dag?trajectory_id=${trajectory}`);
});
afterAll(() => app.close());

const events = async (path: string): Promise<Event[]> =>
  (await call('GET', path))['events'] as Event[];
const ids = (list: readonly Event[]): string[] => list.map(({event_id: id}) => id);
const at = (index: number): Event => chain.at(index) as Event;

describe('walks', () => {
  test('ancestors are those before, nearest first, without the event itself', async () => {
    const body = await call('GET', `/event-dag/${at(-1).event_id}/ancestors`);
    const found = body['events'] as Event[];
    expect(ids(found)).toEqual(ids(chain.slice(0, -1)).toReversed());
    expect(body).toMatchObject({count: 7, truncated: false});
  });

  test('descendants are those behind, nearest first', async () => {
    const found = await events(`/event-dag/${at(0).event_id}/descendants`);
    expect(ids(found)).toEqual(ids(chain.slice(1)));
    expect(await events(`/event-dag/${at(-1).event_id}/descendants`)).toEqual([]);
  });

  test('depth says how far, limit how many, and truncated what is missing', async () => {
    const path = `/event-dag/${at(-1).event_id}/ancestors`;
    expect(ids(await events(`${path}?depth=2`))).toEqual(ids([at(-2), at(-3)]));
    for (const limit of [6, 7, 8]) {
      const body = await call('GET', `${path}?limit=${limit}`);
      const count = Math.min(limit, 7);
      expect(body).toMatchObject({count, truncated: limit < 7});
      expect(ids(body['events'] as Event[])).toEqual(
        ids(chain.slice(0, 7)).toReversed().slice(0, count),
      );
    }
  });

  test.todo('edges between chains are walked in both directions: nothing writes one yet');
});

describe('lowest common ancestor', () => {
  const lca = (a: Event, b: Event, query = '') =>
    call('GET', `/event-dag/${a.event_id}/lca/${b.event_id}${query}`);

  test('is the older one where it is an ancestor of the younger, and the event itself for itself', async () => {
    const of = await lca(at(5), at(2));
    expect((of['lca'] as Event).event_id).toBe(at(2).event_id);
    expect(of).toMatchObject({distance: {a: 3, b: 0}, truncated: false});
    expect(await lca(at(2), at(5))).toMatchObject({distance: {a: 0, b: 3}});
    expect(await lca(at(4), at(4))).toMatchObject({
      lca: {event_id: at(4).event_id},
      distance: {a: 0, b: 0},
    });
  });

  test('is null where there is none, and says when it gave up looking', async () => {
    const [other] = (await events('/event-dag/by-kind/trajectory.created')).filter(
      (event) => event.trajectory_id !== trajectory,
    );
    expect(await lca(at(3), other as Event)).toEqual({
      lca: null,
      distance: {a: null, b: null},
      truncated: false,
    });
    expect(await lca(at(7), at(0), '?limit=3')).toMatchObject({lca: null, truncated: true});
  });
});

describe('by kind', () => {
  test.each(['trajectory.updated', '4098', '0x1002', '0X1002'])(
    '%s, newest first',
    async (kind) => {
      const found = await events(`/event-dag/by-kind/${kind}`);
      expect(ids(found)).toEqual(ids(chain.slice(1)).toReversed());
    },
  );

  test.each(['0', '65536', '0x10000', '4106', 'trajectory.nothing', '-1', '1e3'])(
    '%s is no kind',
    async (kind) => {
      const reply = await app.send({
        method: 'GET',
        path: `/api/v1/event-dag/by-kind/${kind}`,
        key: caller.key,
      });
      expect([reply.status, members(reply)['code']]).toEqual([400, 'INVALID_INPUT']);
    },
  );

  test('depths bound it, also beyond every depth there is', async () => {
    expect(await events('/event-dag/by-kind/trajectory.updated?min_depth=1')).toEqual([]);
    const all = await events(`/event-dag/by-kind/trajectory.updated?max_depth=${2 ** 40}`);
    expect(all).toHaveLength(7);
  });

  test('the kinds are those of the ledger', async () => {
    const kinds = (await call('GET', '/event-dag/kinds'))['kinds'];
    expect(kinds).toEqual(
      productKinds.map(({name, code, entity}) => ({
        kind: name,
        code: `0x${kindHex(code)}`,
        entity_type: entity,
      })),
    );
  });
});

test('a correlation is found by the id that its events show', async () => {
  const [first] = chain;
  const found = await events(`/event-dag/correlation/${first?.correlation_id}`);
  expect(ids(found)).toContain(first?.event_id);
  for (const event of found) expect(event.correlation_id).toBe(first?.correlation_id);
});

test('pages of the list go on behind the last position, and filters stand together', async () => {
  const seen: Event[] = [];
  for (let after: number | null = -1; after !== null;) {
    const query = after === -1 ? '' : `&after=${after}`;
    const body = await call('GET', `/event-dag?limit=3${query}`);
    seen.push(...(body['events'] as Event[]));
    after = body['next_after'] as number | null;
  }
  expect(seen.map(({position}) => position)).toEqual(seen.map((_, index) => index));
  const every =
    'kind=trajectory.updated&entity_type=trajectory&min_depth=0&max_depth=9&after=0&before=99999999';
  const within = `entity_id=${trajectory}&trajectory_id=${trajectory}`;
  expect(ids(await events(`/event-dag?${every}&${within}`))).toEqual(ids(chain.slice(1)));
});

test('another tenant’s events are those of nobody', async () => {
  const other = await app.tenant();
  const foreign = at(2).event_id;
  const paths = [
    `/event-dag/${foreign}`,
    `/event-dag/${foreign}/ancestors`,
    `/event-dag/${foreign}/descendants`,
    `/event-dag/${foreign}/lca/${foreign}`,
  ];
  for (const path of paths) {
    const reply = await app.send({method: 'GET', path: `/api/v1${path}`, key: other.key});
    expect([reply.status, members(reply)['code']]).toEqual([404, 'ENTITY_NOT_FOUND']);
  }
  const theirs = callAs(app, other);
  for (const query of [`trajectory_id=${trajectory}`, `entity_id=${trajectory}`])
    expect((await theirs('GET', `/event-dag?${query}`))['events']).toEqual([]);
  const correlated = await theirs('GET', `/event-dag/correlation/${at(0).correlation_id}`);
  expect(correlated['events']).toEqual([]);
});

test('a payload is shown to who could read the entity, and to nobody else', async () => {
  const key = await app.keyOf(caller, {scopes: ['ledger:read']});
  const path = `/api/v1/event-dag/${at(1).event_id}`;
  const blind = members(await app.send({method: 'GET', path, key}));
  expect(blind).toMatchObject({kind: 'trajectory.updated', payload: null});
  const both = await app.keyOf(caller, {scopes: ['ledger:read', 'memory:read']});
  expect(members(await app.send({method: 'GET', path, key: both}))).toMatchObject({
    payload: {name: '1'},
  });
});

test('a read that must reflect an event which is not there is refused', async () => {
  const last = (await app.sizeOf(caller)) - 1;
  const ask = (stated: string, path = '/trajectories') =>
    app.send({
      method: 'GET',
      path: `/api/v1${path}`,
      key: caller.key,
      headers: {'x-min-position': stated},
    });
  expect((await ask(String(last))).status).toBe(200);
  for (const path of ['/trajectories', `/trajectories/${trajectory}`, '/changes']) {
    const above = await ask(String(last + 1), path);
    expect([above.status, members(above)['code']]).toEqual([400, 'INVALID_RANGE']);
    expect(members(above)['details']).toEqual({position: last});
  }
  for (const form of ['-1', '1.5', 'x', '01'])
    expect(members(await ask(form))['code']).toBe('INVALID_FORMAT');
});
