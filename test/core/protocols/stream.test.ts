/** The change stream at the core: resumable behind any message, and without content. */
import {afterAll, afterEach, beforeAll, describe, expect, test} from 'vitest';
import {resourceNamed} from '../../../core/api/resources.ts';
import {callAs} from '../../support/list-cases.ts';
import {openStream, type EventStream, type Message} from '../../support/event-stream.ts';
import {openTestApp, type Caller, type TestApp} from '../../support/test-app.ts';

let app: TestApp;
let caller: Caller;
let call: ReturnType<typeof callAs>;
let server: ReturnType<typeof Bun.serve>;
let url: string;
const streams: EventStream[] = [];

beforeAll(async () => {
  app = await openTestApp();
  caller = await app.tenant();
  call = callAs(app, caller);
  server = Bun.serve({port: 0, hostname: '127.0.0.1', idleTimeout: 0, fetch: app.app.http.fetch});
  url = server.url.origin;
});
afterEach(async () => {
  for (const stream of streams.splice(0)) stream.leave();
  await until(() => app.app.services.bus.waiters === 0);
});
afterAll(async () => {
  await server.stop(true);
  await app.close();
});

async function open(query = '', lastEventId: number | null = null, key = caller.key) {
  const stream = await openStream({url, key, query, lastEventId});
  streams.push(stream);
  return stream;
}
const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 1));
};
const position = async (): Promise<number> => (await app.sizeOf(caller)) - 1;
const trajectory = async (more = {}): Promise<string> =>
  String((await call('POST', '/trajectories', {name: 'a', ...more}))['trajectory_id']);

describe('a stream', () => {
  test('begins at once with where it stands, before anything happens', async () => {
    const stream = await open();
    expect(await stream.block()).toBe(`: ok\nid: ${await position()}`);
    expect(stream.response.headers.get('content-type')).toBe('text/event-stream');
    expect(stream.response.headers.get('cache-control')).toBe('no-cache, no-transform');
    expect(stream.response.headers.get('x-accel-buffering')).toBe('no');
  });

  test('goes on behind Last-Event-ID rather than behind `after`', async () => {
    const stream = await open('?after=0', 2);
    expect((await stream.next())?.id).toBe(3);
    const above = await fetch(`${url}/api/v1/changes/stream?after=${(await position()) + 1}`, {
      headers: {authorization: `Bearer ${caller.key}`},
    });
    const {code} = (await above.json()) as {code: string};
    expect([above.status, code]).toEqual([400, 'INVALID_RANGE']);
  });

  test('loses and doubles nothing over 20 disconnects while others write', async () => {
    const before = await position();
    const count = 120;
    const writing = Promise.all(
      Array.from({length: 4}, async () => {
        for (let n = 0; n < count / 4; n += 1) await trajectory();
      }),
    );
    const seen: number[] = [];
    let last: number | null = before;
    for (let left = 20; seen.length < count; left -= 1) {
      const stream = await open('', last);
      // At the 21st time it stays.
      const most = left > 0 ? 1 + ((seen.length * 7) % 11) : count;
      for (let n = 0; n < most && seen.length < count; n += 1) {
        const message = await stream.next();
        seen.push(message?.id ?? -1);
      }
      last = stream.lastId();
      stream.leave();
    }
    await writing;
    expect(seen).toEqual(Array.from({length: count}, (_, n) => before + 1 + n));
  });

  test('that nobody reads any more waits for nothing', async () => {
    const {bus} = app.app.services;
    const some = await Promise.all(Array.from({length: 20}, () => open()));
    for (const stream of some) await stream.block();
    await until(() => bus.waiters === 20);
    for (const stream of some) stream.leave();
    await until(() => bus.waiters === 0);
  });

  test('ends with its credential, and says so', async () => {
    const made = await call('POST', '/api-keys', {name: 'short', scopes: ['ledger:read']});
    const {api_key: of, key} = made as {api_key: {api_key_id: string}; key: string};
    const stream = await open('', null, key);
    await stream.block();
    await call('POST', `/api-keys/${of.api_key_id}/revoke`, {reason: 'a test'});
    const message = await stream.next();
    expect(message).toMatchObject({id: null, event: 'error', data: {code: 'UNAUTHORIZED'}});
    expect(await stream.next()).toBeNull();
  });
});

describe('frames', () => {
  async function framesAfter(from: number, query = ''): Promise<Message[]> {
    const to = await position();
    const stream = await open(query, from);
    const found: Message[] = [];
    for (let id = from; id < to;) {
      const message = await stream.next();
      if (message === null) break;
      found.push(message);
      id = message.id ?? to;
    }
    return found;
  }

  test('show the entity as of their version and nothing that a caller wrote at length', async () => {
    const from = await position();
    const secret = 'a secret that is 1 of its kind';
    const within = await trajectory({description: secret, metadata: {secret}});
    const scope = {trajectory_id: within, name: 'a', purpose: secret, metadata: {secret}};
    const {scope_id: scopeId} = await call('POST', '/scopes', scope);
    await call('POST', '/turns', {scope_id: scopeId, role: 'user', content: secret});
    await call('POST', '/artifacts', {
      trajectory_id: within,
      scope_id: scopeId,
      artifact_type: 'fact',
      name: 'a',
      content: secret,
      provenance: {source_turn: 0, extraction_method: 'Explicit'},
    });
    const {note_id: note} = await call('POST', '/notes', {
      note_type: 'fact',
      title: 'first',
      content: secret,
    });
    await call('PATCH', `/notes/${String(note)}`, {title: 'second'});
    const state = Buffer.from(secret).toString('base64');
    await call('POST', `/scopes/${String(scopeId)}/checkpoint`, {context_state: state});
    await call('POST', `/trajectories/${within}/outcome`, {status: 'Success', summary: secret});
    const frames = await framesAfter(from);
    expect(frames.map(({event}) => event)).toEqual(
      expect.arrayContaining(['TrajectoryCreated', 'TurnCreated', 'NoteUpdated', 'ScopeUpdated']),
    );
    for (const {data, id, event} of frames) {
      expect(JSON.stringify(data)).not.toContain(secret);
      expect(JSON.stringify(data)).not.toContain(state);
      expect(data).toMatchObject({type: event, cursor: id, tenant_id: caller.tenantId});
      const name = String(data['entity_type']);
      for (const member of resourceNamed(name)?.bodies ?? [])
        expect(data[name], `${name}.${member}`).toMatchObject({[member]: null});
    }
    const titles = frames.map(({data}) => (data['note'] as {title: string} | undefined)?.title);
    expect(titles.filter(Boolean)).toEqual(['first', 'second']);
  });

  test('of what is deleted name it, and of what is no more show null', async () => {
    const from = await position();
    const id = await trajectory();
    await call('DELETE', `/trajectories/${id}`);
    const [made, deleted] = await framesAfter(from);
    expect(deleted?.data).toMatchObject({type: 'TrajectoryDeleted', id, entity_id: id});
    expect(deleted?.data).not.toHaveProperty('trajectory');
    expect(made?.data['trajectory']).toMatchObject({trajectory_id: id, version: 1});
    const {reads} = app.app.services;
    const {at} = reads;
    Object.assign(reads, {at: async () => null});
    const erased = await framesAfter(from).finally(() => Object.assign(reads, {at}));
    expect(erased[0]?.data['trajectory']).toBeNull();
  });

  test('of a group name its first event, also to who goes on in its middle', async () => {
    const from = await position();
    const item = (name: string) => ({operation: 'create', create: {name}});
    const items = ['a', 'b', 'c'].map(item);
    await call('POST', '/batch/trajectories', {atomic: true, items});
    const groups = (await framesAfter(from)).map(({data}) => data['group'] as {id: string});
    const [first] = await framesAfter(from);
    expect(groups).toMatchObject([0, 1, 2].map((i) => ({id: first?.data['event_id'], i, n: 3})));
    // Resumed in its middle, a group still has its name.
    const [second] = await framesAfter(from + 1);
    expect(second?.data['group']).toMatchObject({id: first?.data['event_id'], i: 1});
  });

  test('pass every filter that is stated', async () => {
    const from = await position();
    const root = await trajectory();
    const child = await trajectory({parent_trajectory_id: root});
    const grandchild = await trajectory({parent_trajectory_id: child});
    await trajectory();
    await call('POST', '/scopes', {trajectory_id: grandchild, name: 'a'});
    const end = await trajectory();
    const found = async (query: string): Promise<unknown[]> => {
      const stream = await open(`?${query}&trajectory_id=${end}`, from);
      const ids: unknown[] = [];
      for (;;) {
        const message = await stream.next();
        if (message === null || message.data['entity_id'] === end) return ids;
        ids.push(message.data['entity_type']);
      }
    };
    const subtree = `trajectory_id=${root}`;
    expect(await found(subtree)).toEqual(['trajectory', 'trajectory', 'trajectory', 'scope']);
    expect(await found(`${subtree}&type=TrajectoryCreated`)).toHaveLength(3);
    expect(await found(`trajectory_id=${child}&kind=trajectory.created`)).toHaveLength(2);
    expect(await found(`${subtree}&entity_type=trajectory&entity_type=turn`)).toHaveLength(3);
  });
});
