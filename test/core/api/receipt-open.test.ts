/** What an opened receipt shows, and to whom. */
import {afterAll, beforeAll, expect, test} from 'vitest';
import {members, openTestApp, type Caller, type TestApp} from '../../support/test-app.ts';

let app: TestApp;
let caller: Caller;

beforeAll(async () => {
  app = await openTestApp();
  caller = await app.tenant();
});
afterAll(() => app.close());

const send = (key: string, method: string, path: string, body?: object) =>
  app.send({method, path: `/api/v1${path}`, key, body, headers: {}});

test('a receipt opens its event to a key that may read the entity, and to no other', async () => {
  const made = await send(caller.key, 'POST', '/notes', {
    note_type: 'Fact',
    title: 'a note',
    content: 'what nobody else may see',
  });
  const id = made.headers.get('CellState-Receipt');
  const name = 'auditor';
  const auditor = members(
    await send(caller.key, 'POST', '/api-keys', {name, scopes: ['ledger:read']}),
  );
  const open = (key: string) => send(key, 'GET', `/receipts/${id}?open=true`);

  const own = members(await open(caller.key));
  const {body} = (own['open'] as {content: {body: string}}).content;
  expect(Buffer.from(body, 'base64').toString()).toContain('what nobody else may see');

  const shut = members(await open(String(auditor['key'])));
  expect(shut).toMatchObject({header: own['header'], open: null});
});
