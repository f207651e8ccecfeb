/** Who listens is told of its own tenant's changes as they happen, and of nobody else's. */
import type {Client, McpSubscription} from '@modelcontextprotocol/client';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {
  connect,
  did,
  listen,
  within,
  type Listening,
  type Members,
} from '../../support/mcp-client.ts';
import {openTestApp, type Caller, type TestApp} from '../../support/test-app.ts';

let app: TestApp;
let server: Listening;
let caller: Caller;
let stranger: Caller;

beforeAll(async () => {
  app = await openTestApp();
  server = listen(app);
  caller = await app.tenant();
  stranger = await app.tenant('Strangers');
});
afterAll(async () => {
  await server.stop();
  await app.close();
});

type Ear = {
  readonly client: Client;
  readonly heard: Members[];
  readonly subscription: McpSubscription;
  /** Resolves once so many messages were heard. */
  until(count: number): Promise<void>;
};

async function listenAs(key: string, uris: string[]): Promise<Ear> {
  const client = await connect({url: server.url, key});
  const heard: Members[] = [];
  let wake = (): void => undefined;
  const hear = (message: unknown): void => {
    heard.push(message as Members);
    wake();
  };
  client.setNotificationHandler('notifications/resources/updated', hear);
  client.setNotificationHandler('notifications/resources/list_changed', hear);
  const subscription = await client.listen({
    resourceSubscriptions: uris,
    resourcesListChanged: true,
  });
  return {
    client,
    heard,
    subscription,
    async until(count) {
      while (heard.length < count) await new Promise<void>((resolve) => (wake = resolve));
    },
  };
}

const note = {note_type: 'Fact', title: 'n', content: 'watch me'};

test('a change of what is watched is told, with the position to go on from; a neighbour’s is not', async () => {
  const writer = await connect({url: server.url, key: caller.key});
  const {note_id} = within(await did(writer, 'note_create', note), 'note');
  const uri = `cellstate://note/${String(note_id)}`;
  const ear = await listenAs(caller.key, [uri]);
  const thief = await listenAs(stranger.key, [uri, 'cellstate://notes']);
  expect(ear.subscription.honoredFilter).toMatchObject({
    resourceSubscriptions: [uri],
    resourcesListChanged: true,
  });
  const {position} = await did(writer, 'note_update', {note_id, title: 'changed'});
  await ear.until(1);
  expect(ear.heard[0]).toMatchObject({
    method: 'notifications/resources/updated',
    params: {uri, _meta: {'dev.cellstate/cursor': position}},
  });
  await did(writer, 'note_create', {...note, content: 'another'});
  await ear.until(2);
  expect(ear.heard[1]).toMatchObject({method: 'notifications/resources/list_changed'});

  // Its own change is what the neighbour hears first: nothing of the other tenant came before.
  const neighbour = await connect({url: server.url, key: stranger.key});
  await did(neighbour, 'note_create', note);
  await thief.until(1);
  expect(thief.heard[0]).toMatchObject({params: {uri: 'cellstate://notes'}});
  await Promise.all([ear, thief].map(({subscription}) => subscription.close()));
  await Promise.all([writer, neighbour, ear.client, thief.client].map((one) => one.close()));
});

test('idle listeners wait and ask nothing, and leave nothing behind', async () => {
  const before = app.app.services.bus.waiters;
  const ear = await listenAs(caller.key, ['cellstate://notes']);
  expect(app.app.services.bus.waiters).toBeGreaterThan(before);
  await ear.subscription.close();
  await ear.client.close();
  for (let tries = 0; app.app.services.bus.waiters > before && tries < 200; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(app.app.services.bus.waiters).toBe(before);
});

test('a stream ends with its credential', async () => {
  const made = await app.send({
    method: 'POST',
    path: '/api/v1/api-keys',
    key: caller.key,
    body: {name: 'short-lived', scopes: ['memory:read']},
  });
  const {key, api_key} = JSON.parse(made.text) as {key: string; api_key: {api_key_id: string}};
  const ear = await listenAs(key, ['cellstate://notes']);
  const path = `/api/v1/api-keys/${api_key.api_key_id}/revoke`;
  await app.send({method: 'POST', path, key: caller.key, body: {}});
  expect(await ear.subscription.closed).toMatch(/graceful|remote/);
  await ear.client.close();
});
