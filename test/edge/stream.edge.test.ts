/** The change stream through the edge: as it comes, resumable, and never left without a last word. */
import {afterAll, afterEach, beforeAll, describe, expect, test, vi} from 'vitest';
import {relay} from '../../edge/relay.ts';
import {openStream, type EventStream} from '../support/event-stream.ts';
import {callAs} from '../support/list-cases.ts';
import type {Caller, TestApp} from '../support/test-app.ts';
import {openTiers, type Tiers} from '../support/tiers.ts';

let tiers: Tiers;
let caller: Caller;
let inside: TestApp;
let call: ReturnType<typeof callAs>;

beforeAll(async () => {
  tiers = await openTiers();
  caller = await tiers.tenant();
  inside = {...tiers, send: (of) => tiers.send('core', of)};
  call = callAs(inside, caller);
});
afterAll(() => tiers.close());

const open = (lastEventId: number | null = null): Promise<EventStream> =>
  openStream({url: tiers.urls.edge, key: caller.key, lastEventId});
const trajectory = () => call('POST', '/trajectories', {name: 'a'});
const waiters = (): number => tiers.app.services.bus.waiters;
const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 1));
};

test('passes each message as it is made', async () => {
  const stream = await open();
  expect(await stream.block()).toBe(`: ok\nid: ${(await tiers.sizeOf(caller)) - 1}`);
  // The second is made only once the first has arrived: nothing waits in a buffer.
  for (let n = 0; n < 2; n += 1) {
    await trajectory();
    expect((await stream.next())?.event).toBe('TrajectoryCreated');
  }
  expect(stream.response.headers.get('content-type')).toBe('text/event-stream');
  expect(stream.response.headers.has('cellstate-edge')).toBe(true);
  stream.leave();
});

test('a core that goes away ends it with a message, and behind that nothing is lost or doubled', async () => {
  const from = (await tiers.sizeOf(caller)) - 1;
  const seen: (number | null)[] = [];
  let stream = await open();
  await stream.block();
  for (let round = 0; round < 3; round += 1) {
    await trajectory();
    seen.push((await stream.next())?.id ?? null);
    await tiers.stopCore();
    const last = await stream.next();
    expect(last).toMatchObject({
      id: null,
      event: 'error',
      data: {type: 'Error', code: 'SERVICE_UNAVAILABLE', cursor: stream.lastId()},
    });
    expect(await stream.next()).toBeNull();
    tiers.startCore();
    // What is written meanwhile comes first when the client is back.
    await trajectory();
    stream = await open(stream.lastId());
    seen.push((await stream.next())?.id ?? null);
  }
  stream.leave();
  expect(seen).toEqual(seen.map((_, n) => from + 1 + n));
});

test('a client that leaves ends the tail at the core', async () => {
  // workerd in front of wrangler's proxy tells of it when it writes next.
  const stream = await open();
  await stream.block();
  await until(() => waiters() > 0);
  stream.leave();
  await trajectory();
  await until(() => waiters() === 0);
});

describe('relaying', () => {
  afterEach(() => vi.useRealTimers());

  /** A stream from a core, and what the client of the edge reads of it. */
  function relayed() {
    let core: ReadableStreamDefaultController<Uint8Array> | undefined;
    let isCancelled = false;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => void (core = controller),
      cancel: () => void (isCancelled = true),
    });
    const answer = relay(new Response(body as ReadableStream<Uint8Array<ArrayBuffer>>));
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    const send = (text: string): void => core?.enqueue(new TextEncoder().encode(text));
    return {
      send,
      fail: () => core?.error(new Error('lost')),
      end: () => core?.close(),
      isCancelled: () => isCancelled,
      leave: () => reader.cancel(),
      async read(): Promise<string | null> {
        const {done, value} = await reader.read();
        return done ? null : new TextDecoder().decode(value);
      },
    };
  }

  test('half a message is held until the rest has come, and lost with the core', async () => {
    const stream = relayed();
    stream.send('id: 7\ndata: "ü');
    stream.send('"\n\nid: 8\nda');
    expect(await stream.read()).toBe('id: 7\ndata: "ü"\n\n');
    stream.fail();
    const last = (await stream.read()) ?? '';
    expect(last).toMatch(/^event: error\ndata: {.*"cursor":7}\n\n$/);
    expect(await stream.read()).toBeNull();
  });

  test('a stream that the core ends has ended', async () => {
    const stream = relayed();
    stream.send('id: 7\n\n');
    stream.end();
    expect(await stream.read()).toBe('id: 7\n\n');
    expect(await stream.read()).toBeNull();
  });

  test('a core that is silent for 60 s is gone', async () => {
    vi.useFakeTimers();
    const stream = relayed();
    stream.send(': ok\nid: 3\n\n');
    await stream.read();
    const last = stream.read();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await last).toContain('"cursor":3');
    expect(stream.isCancelled()).toBe(true);
  });

  test('a client that leaves ends it at the core', async () => {
    const stream = relayed();
    await stream.leave();
    expect(stream.isCancelled()).toBe(true);
  });
});
