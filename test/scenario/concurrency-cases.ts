/** Many callers at once, on whatever database a test file opens. */
import {pino} from 'pino';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {createTenant, type NewTenant} from '../../core/api/bootstrap.ts';
import {createApp, type App} from '../../core/app.ts';
import {parseConfig} from '../../core/config.ts';
import {canonicalize} from '../../shared/ledger/canonical.ts';
import type {TestDatabase} from '../support/database.ts';

type Reply = {readonly status: number; readonly headers: Headers; readonly text: string};
type Sending = {
  readonly key?: string;
  readonly ifMatch?: number;
  readonly agent?: string;
  readonly body?: unknown;
};

const plenty = '100000000';

const config = parseConfig({
  CELLSTATE_MASTER_KEY: Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64'),
  DATABASE_URL: 'pglite:memory',
  CELLSTATE_RATE_LIMIT_TENANT: plenty,
  CELLSTATE_RATE_LIMIT_BURST: plenty,
});

const times = <T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({length: count}, (_, index) => make(index)));

/** The cases. */
export function describeConcurrency(open: () => Promise<TestDatabase>): void {
  let database: TestDatabase;
  let app: App;
  let tenant: NewTenant;

  /** A core over the database as it is now, which remembers nothing. */
  const start = (): Promise<App> =>
    createApp({
      config,
      store: {...database.store, close: () => Promise.resolve()},
      log: pino({level: 'silent'}),
    });

  beforeAll(async () => {
    database = await open();
    app = await start();
    tenant = await createTenant(app.services, {name: 'Acme'});
  });
  afterAll(async () => {
    await app.close();
    await database.close();
  });

  async function send(
    method: string,
    path: string,
    {key, ifMatch, agent, body}: Sending = {},
  ): Promise<Reply> {
    const response = await app.http.request(`/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${tenant.key}`,
        ...(body === undefined ? {} : {'content-type': 'application/json'}),
        ...(key === undefined ? {} : {'idempotency-key': key}),
        ...(ifMatch === undefined ? {} : {'if-match': `"${ifMatch}"`}),
        ...(agent === undefined ? {} : {'x-agent-id': agent}),
      },
      ...(body === undefined ? {} : {body: JSON.stringify(body)}),
    });
    // What SQL has given back has its members in another order.
    const text = response.status === 204 ? '' : canonicalize(await response.json());
    return {status: response.status, headers: response.headers, text};
  }

  async function made(path: string, body: object): Promise<string> {
    const reply = await send('POST', path, {body});
    expect(reply.status).toBe(201);
    return String(
      (JSON.parse(reply.text) as Record<string, unknown>)[
        path === '/agents' ? 'agent_id' : 'trajectory_id'
      ],
    );
  }

  const sizeNow = async (): Promise<number> =>
    (await database.store.head(tenant.tenantNo))?.size ?? -1;
  const versionOf = (reply: Reply): number => (JSON.parse(reply.text) as {version: number}).version;
  const statusesOf = (replies: readonly Reply[]): Record<number, number> => {
    const counts: Record<number, number> = {};
    for (const {status} of replies) counts[status] = (counts[status] ?? 0) + 1;
    return counts;
  };
  const receiptOf = ({headers}: Reply): string | null => headers.get('cellstate-receipt');

  describe('writers of one trajectory', () => {
    test('32 writers: every change is stored and visible, in one order', async () => {
      const id = await made('/trajectories', {name: 'shared'});
      const before = await sizeNow();
      const replies = (
        await times(32, async (writer) => {
          const own: Reply[] = [];
          for (let turn = 0; turn < 8; turn += 1) {
            own.push(
              await send('PATCH', `/trajectories/${id}`, {body: {name: `${writer}/${turn}`}}),
            );
          }
          const versions = own.map(versionOf);
          expect(versions).toEqual(versions.toSorted((a, b) => a - b));
          return own;
        })
      ).flat();
      expect(statusesOf(replies)).toEqual({200: 256});
      const versions = replies.map(versionOf).toSorted((a, b) => a - b);
      expect(versions).toEqual(Array.from({length: 256}, (_, index) => index + 2));
      expect((await sizeNow()) - before).toBe(256);
      const last = replies.find((reply) => versionOf(reply) === 257);
      const shown = JSON.parse((await send('GET', `/trajectories/${id}`)).text) as {
        name: string;
        version: number;
      };
      expect(shown).toMatchObject({
        version: 257,
        name: (JSON.parse(last?.text ?? '{}') as {name: string}).name,
      });
    });

    test('64 writers with If-Match: every success raised the version by one, every loser got 412', async () => {
      const id = await made('/trajectories', {name: 'guarded'});
      let version = 1;
      for (let round = 0; round < 4; round += 1) {
        const replies = await times(64, (writer) =>
          send('PATCH', `/trajectories/${id}`, {
            ifMatch: version,
            body: {name: `${round} ${writer}`},
          }),
        );
        expect(statusesOf(replies)).toEqual({200: 1, 412: 63});
        const winner = replies.find(({status}) => status === 200);
        expect(winner === undefined ? 0 : versionOf(winner)).toBe(version + 1);
        version += 1;
      }
    });

    test('a change of name and status at once is one version compared, not two', async () => {
      const id = await made('/trajectories', {name: 'both'});
      const reply = await send('PATCH', `/trajectories/${id}`, {
        ifMatch: 1,
        body: {name: 'changed', status: 'suspended'},
      });
      expect([reply.status, versionOf(reply)]).toEqual([200, 3]);
      expect(
        (await send('PATCH', `/trajectories/${id}`, {ifMatch: 2, body: {name: 'stale'}})).status,
      ).toBe(412);
    });

    test('a group of which a later part is refused is refused whole, with a receipt', async () => {
      const id = await made('/trajectories', {name: 'active'});
      const before = await sizeNow();
      const reply = await send('PATCH', `/trajectories/${id}`, {
        body: {name: 'lost', status: 'active'},
      });
      expect([reply.status, (JSON.parse(reply.text) as {code: string}).code]).toEqual([
        409,
        'STATE_CONFLICT',
      ]);
      expect((await sizeNow()) - before).toBe(1);
      expect(JSON.parse((await send('GET', `/trajectories/${id}`)).text)).toMatchObject({
        name: 'active',
        version: 1,
      });
    });
  });

  describe('one idempotency key', () => {
    test('10 identical creates at once are one event and 10 equal answers', async () => {
      const before = await sizeNow();
      const replies = await times(10, () =>
        send('POST', '/trajectories', {key: 'ten', body: {name: 'once'}}),
      );
      expect(statusesOf(replies)).toEqual({201: 10});
      expect(new Set(replies.map(({text}) => text)).size).toBe(1);
      expect(new Set(replies.map(receiptOf)).size).toBe(1);
      expect((await sizeNow()) - before).toBe(1);
    });

    test('50 requests at once, then again by a core that knows nothing of them', async () => {
      const id = await made('/trajectories', {name: 'replayed'});
      const change = (): Promise<Reply> =>
        send('PATCH', `/trajectories/${id}`, {
          key: 'fifty',
          body: {name: 'renamed', status: 'suspended'},
        });
      const before = await sizeNow();
      const first = await times(50, change);
      app = await start();
      const second = await times(50, change);
      // Everything that Assemble needs is in memory now, so nobody asks for the key before the index does.
      app = await start();
      await made('/agents', {name: 'warm', agent_type: 'worker'});
      await send('PATCH', `/trajectories/${id}`, {ifMatch: 99, body: {name: 'refused'}});
      const third = await times(50, change);
      const all = [...first, ...second, ...third];
      expect(statusesOf(all)).toEqual({200: 150});
      expect(new Set(all.map(({text}) => text)).size).toBe(1);
      expect((await sizeNow()) - before).toBe(4);
    });

    test('a known key is found by the index although memory has everything else', async () => {
      const body = {name: 'worker', agent_type: 'worker'};
      const first = await send('POST', '/agents', {key: 'worker', body});
      app = await start();
      await made('/agents', {name: 'warm', agent_type: 'worker'});
      const again = await send('POST', '/agents', {key: 'worker', body});
      expect([again.status, again.text]).toEqual([201, first.text]);
      expect(again.headers.get('x-idempotency-replay')).toBe('true');
    });

    test('a retry is told what was done, although what it was done to is gone and memory knows that', async () => {
      const agent = await made('/agents', {name: 'leaving', agent_type: 'worker'});
      const leave = (): Promise<Reply> => send('DELETE', `/agents/${agent}`, {key: 'leave'});
      expect((await leave()).status).toBe(204);
      app = await start();
      await made('/agents', {name: 'warm', agent_type: 'worker'});
      expect((await send('GET', `/agents/${agent}`)).status).toBe(404);
      const again = await leave();
      expect([again.status, again.headers.get('x-idempotency-replay')]).toEqual([204, 'true']);
    });

    test('with another body it is refused, and the refusal takes the key from nobody', async () => {
      const of = (name: string): Promise<Reply> =>
        send('POST', '/trajectories', {key: 'mine', body: {name}});
      const first = await of('mine');
      expect((await of('yours')).status).toBe(409);
      app = await start();
      const replies = [await of('yours'), await of('mine')];
      expect(replies.map(({status}) => status)).toEqual([409, 201]);
      expect(replies[1]?.text).toBe(first.text);
    });

    test('a request that was done is refused when it comes again by an agent killed since', async () => {
      const agent = await made('/agents', {name: 'doomed', agent_type: 'worker'});
      const act = (): Promise<Reply> =>
        send('POST', '/trajectories', {key: 'last act', agent, body: {name: 'done'}});
      expect((await act()).status).toBe(201);
      expect((await send('POST', `/agents/${agent}/kill`, {body: {}})).status).toBe(200);
      expect([(await act()).status, (await act()).status]).toEqual([409, 409]);
      expect((await send('POST', '/trajectories', {body: {name: 'the lane goes on'}})).status).toBe(
        201,
      );
    });
  });

  test('what happens to an agent does not happen to the one it reports to', async () => {
    const head = await made('/agents', {name: 'head', agent_type: 'lead'});
    const hand = await made('/agents', {name: 'hand', agent_type: 'worker', reports_to: head});
    await send('PATCH', `/agents/${hand}`, {body: {name: 'left hand'}});
    await send('POST', `/agents/${hand}/kill`, {body: {}});
    const shown = JSON.parse((await send('GET', `/agents/${head}`)).text) as object;
    expect(shown).toMatchObject({name: 'head', agent_type: 'lead', status: 'Idle', version: 1});
  });
}
