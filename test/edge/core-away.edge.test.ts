/** What a client sees when the core is slow, gone or not the one that answers; and streams. */
import {afterAll, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import {wireVersion} from '../../shared/version.ts';
import {members, type Caller} from '../support/test-app.ts';
import {openTiers, type Tiers} from '../support/tiers.ts';

let tiers: Tiers;
let caller: Caller;

const path = '/api/v1/trajectories';
const byCore = {'cellstate-version': wireVersion};

beforeAll(async () => {
  tiers = await openTiers({edgeRate: 60});
  caller = await tiers.tenant();
  await tiers.send('edge', {method: 'GET', path, key: caller.key});
});
afterAll(() => tiers.close());
beforeEach(() => void (tiers.arrived.length = 0));

const get = () => ({method: 'GET', path, key: caller.key});
const post = () => ({method: 'POST', path, key: caller.key, body: {name: 'a'}});
const keyed = () => ({...post(), headers: {'idempotency-key': 'k'}});

describe('a core that cannot be reached', () => {
  test('is 503 with a time to come back, and the next core is found', async () => {
    await tiers.stopCore();
    const reply = await tiers.send('edge', post());
    tiers.startCore();
    expect([reply.status, members(reply)['code']]).toEqual([503, 'SERVICE_UNAVAILABLE']);
    expect(Number(reply.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect((await tiers.send('edge', post())).status).toBe(201);
  });

  test('killed in the middle of a request is 503, and the request is not sent again', async () => {
    const reply = await tiers.standIn(
      async () => {
        await tiers.stopCore();
        return new Response('too late');
      },
      () => tiers.send('edge', post()),
    );
    tiers.startCore();
    expect(reply.status).toBe(503);
    expect(tiers.arrived).toEqual([`POST ${path}`]);
  });

  const tunnelError = () => new Response('<html>error 1033</html>', {status: 530});

  test.each([
    ['a read', get, 2],
    ['a write with an idempotency key', keyed, 2],
    ['a write without one', post, 1],
  ])('%s is tried %#: as often as is safe', async (_, of, times) => {
    const reply = await tiers.standIn(tunnelError, () => tiers.send('edge', of()));
    expect(reply.status).toBe(503);
    expect(tiers.arrived).toHaveLength(times);
  });

  test('for a moment is not seen by a read', async () => {
    let left = 1;
    const once = (request: Request) => (left-- > 0 ? tunnelError() : tiers.app.http.fetch(request));
    const reply = await tiers.standIn(once, () => tiers.send('edge', get()));
    expect(reply.status).toBe(200);
  });
});

describe('a stream', () => {
  const headers = {...byCore, 'content-type': 'text/event-stream'};
  const ask = () =>
    fetch(tiers.urls.edge + path, {
      headers: {authorization: `Bearer ${caller.key}`, 'last-event-id': '41'},
    });

  test('passes chunk by chunk, with the place to go on from', async () => {
    let send: (text: string) => void = () => undefined;
    let end = (): void => undefined;
    let lastEventId: string | null = null;
    const stand = (request: Request) => {
      lastEventId = request.headers.get('last-event-id');
      const body = new ReadableStream({
        start(controller) {
          send = (text) => controller.enqueue(new TextEncoder().encode(text));
          end = () => controller.close();
          send('id: 42\n\n');
        },
      });
      return new Response(body, {headers});
    };
    await tiers.standIn(stand, async () => {
      const reader = (await ask()).body?.pipeThrough(new TextDecoderStream()).getReader();
      // Each one is sent after the one before has arrived: nothing waits in a buffer.
      expect((await reader?.read())?.value).toBe('id: 42\n\n');
      send('id: 43\n\n');
      expect((await reader?.read())?.value).toBe('id: 43\n\n');
      end();
      expect((await reader?.read())?.done).toBe(true);
    });
    expect(lastEventId).toBe('41');
  });
});

test('a tenant over the edge’s limit is refused there, and told when to come back', async () => {
  const other = await tiers.tenant('Other');
  const of = {method: 'GET', path, key: other.key};
  let reply = await tiers.send('edge', of);
  for (let sent = 1; sent < 200 && reply.status !== 429; sent += 1) {
    tiers.arrived.length = 0;
    reply = await tiers.send('edge', of);
  }
  expect(members(reply)['code']).toBe('TOO_MANY_REQUESTS');
  expect(Number(reply.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  expect(tiers.arrived).toEqual([]);
});
