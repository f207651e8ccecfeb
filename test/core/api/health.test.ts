import {afterAll, beforeAll, expect, test} from 'vitest';
import {productVersion, wireVersion} from '../../../shared/version.ts';
import {complaints} from '../../support/problem-check.ts';
import {members, openTestApp, type Reply, type TestApp} from '../../support/test-app.ts';

let app: TestApp;
const versions = {version: productVersion, wire_version: wireVersion};

beforeAll(async () => {
  app = await openTestApp();
});

afterAll(() => app.close());

const get = (path: string): Promise<Reply> => app.send({method: 'GET', path: `/health/${path}`});

test('ping and live answer without a credential, and tell both versions', async () => {
  for (const path of ['ping', 'live']) {
    expect(members(await get(path))).toEqual({status: 'ok', ...versions});
  }
});

test('ready tells every part, and what an acknowledged write survives', async () => {
  expect(members(await get('ready'))).toEqual({
    status: 'ready',
    ...versions,
    durability: 'process',
    parts: {database: 'ok', migrations: 'ok', lanes: 'ok'},
  });
});

test('a probe with a body, a query or another method is refused like any request', async () => {
  const of = {method: 'POST', path: '/health/ready', body: {}};
  expect(complaints(await app.send(of), {status: 405})).toEqual([]);
  expect(complaints(await get('ready?deep=1'), {status: 400, names: '/deep'})).toEqual([]);
});

test('the part that cannot serve is named, and live goes on', async () => {
  const lost = await openTestApp();
  await lost.close();
  const reply = await lost.send({method: 'GET', path: '/health/ready'});
  expect(complaints(reply, {status: 503, code: 'SERVICE_UNAVAILABLE'})).toEqual([]);
  expect(members(reply)).toMatchObject({
    message: 'database: does not answer',
    details: {part: 'database', durability: 'process', ...versions},
  });
  expect((await lost.send({method: 'GET', path: '/health/live'})).status).toBe(200);
});
