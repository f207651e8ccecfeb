/** Deleting a trajectory with everything below it. */
import {afterAll, beforeAll, expect, test} from 'vitest';
import {members, openTestApp, type Caller, type TestApp} from '../../support/test-app.ts';

let app: TestApp;
let caller: Caller;

beforeAll(async () => {
  app = await openTestApp();
  caller = await app.tenant();
});
afterAll(() => app.close());

async function call(method: string, path: string, body?: object, headers = {}) {
  const reply = await app.send({method, path: `/api/v1${path}`, key: caller.key, body, headers});
  return {status: reply.status, body: reply.status === 204 ? {} : members(reply)};
}

const trajectory = async (parent?: string): Promise<string> => {
  const body = {name: 'task', ...(parent === undefined ? {} : {parent_trajectory_id: parent})};
  return String((await call('POST', '/trajectories', body)).body['trajectory_id']);
};

async function family() {
  const root = await trajectory();
  const child = await trajectory(root);
  const grandchild = await trajectory(child);
  const scope = await call('POST', '/scopes', {trajectory_id: grandchild, name: 'open'});
  return {root, child, grandchild, scope: String(scope.body['scope_id'])};
}

test('without cascade a trajectory with a live child stays', async () => {
  const {root, child} = await family();
  expect((await call('DELETE', `/trajectories/${root}`)).status).toBe(409);
  expect((await call('GET', `/trajectories/${child}`)).status).toBe(200);
});

test('cascade closes the scopes below and deletes children before parents, as one group', async () => {
  const {root, child, grandchild, scope} = await family();
  const before = Number((await call('GET', '/changes/watermark')).body['watermark']);
  expect((await call('DELETE', `/trajectories/${root}?cascade=true`)).status).toBe(204);
  for (const id of [root, child, grandchild]) {
    expect((await call('GET', `/trajectories/${id}`)).status).toBe(404);
  }
  expect((await call('GET', `/scopes/${scope}`)).body).toMatchObject({is_active: false});
  const {changes} = (await call('GET', `/changes?after=${before}`)).body as {
    changes: {kind: string; entity_id: string}[];
  };
  expect(changes.map(({kind, entity_id: id}) => [kind, id])).toEqual([
    ['scope.closed', scope],
    ['trajectory.deleted', grandchild],
    ['trajectory.deleted', child],
    ['trajectory.deleted', root],
  ]);
});

test('a stale If-Match stops a cascade before anything below it is touched', async () => {
  const {root, child} = await family();
  const stale = {'if-match': '"7"'};
  const refused = await call('DELETE', `/trajectories/${root}?cascade=true`, undefined, stale);
  expect(refused.status).toBe(412);
  expect((await call('GET', `/trajectories/${child}`)).status).toBe(200);
});
