/** What the change stream is made of: a tail that waits, and bytes that are made as they are taken. */
import {afterEach, describe, expect, test, vi} from 'vitest';
import type {EventRow} from '../../../core/api/changes.ts';
import {sseStream, stallMs} from '../../../core/protocols/stream/sse.ts';
import {tail, tickMs, type Log} from '../../../core/protocols/stream/tail.ts';

describe('a tail', () => {
  const event = (leaf: number, grp = [0, 1]): EventRow =>
    ({leaf, id: `e${leaf}`, header: {grp}}) as unknown as EventRow;

  test('says of each wanted event whether another one of its group follows', async () => {
    const page = [event(1, [0, 3]), event(2, [1, 3]), event(3, [2, 3]), event(4)];
    const log: Log = {nowMs: () => 0, read: async () => page, next: async () => undefined};
    const ticks = tail(log, 0, ({leaf}) => leaf !== 3, new AbortController().signal);
    const seen: unknown[] = [];
    for (let n = 0; n < 3; n += 1) seen.push((await ticks.next()).value);
    expect(seen).toMatchObject([
      {position: 1, isContinued: true},
      {position: 2, isContinued: false},
      {position: 4, isContinued: false},
    ]);
    await ticks.return(undefined);
  });

  test('says where it stands after 15 s of events that nobody wanted', async () => {
    let ms = 0;
    let waits = 0;
    const pages = [[event(1)], [event(2)], [], [event(3)], []];
    const log: Log = {
      nowMs: () => ms,
      async read() {
        ms += 5_000;
        return pages.shift() ?? [];
      },
      async next() {
        waits += 1;
      },
    };
    const ticks = tail(log, 0, () => false, new AbortController().signal);
    expect((await ticks.next()).value).toMatchObject({event: null, position: 2});
    expect(ms).toBe(tickMs);
    expect((await ticks.next()).value).toMatchObject({event: null, position: 3});
    // One wait over all pages, a new one when it was over.
    expect(waits).toBe(3);
    await ticks.return(undefined);
  });
});

describe('bytes', () => {
  afterEach(() => vi.useRealTimers());

  function endless() {
    const abort = new AbortController();
    let made = 0;
    async function* ticks() {
      while (!abort.signal.aborted) {
        made += 1;
        const event = {leaf: made} as EventRow;
        yield {event, position: made, isContinued: false};
      }
    }
    const frame = async () => ({type: 'Changed', frame: {text: 'x'.repeat(1_000)}});
    const parts = {ticks: ticks(), frame, from: 0, abort, complain: () => undefined};
    return {abort, made: () => made, stream: sseStream(parts)};
  }

  test('are made only as they are taken, and a client that takes none for long is cut', async () => {
    vi.useFakeTimers();
    const {stream, abort, made} = endless();
    const reader = stream.getReader();
    for (let n = 0; n < 4; n += 1) await reader.read();
    await vi.advanceTimersByTimeAsync(stallMs - 1);
    expect(made()).toBe(3);
    expect(abort.signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(abort.signal.aborted).toBe(true);
    await expect(reader.read()).rejects.toThrow('took nothing');
  });

  test('that a socket does not take are not made', async () => {
    const {stream, made} = endless();
    const slow = Bun.serve({port: 0, fetch: () => new Response(stream)});
    const leave = new AbortController();
    const response = await fetch(slow.url, {signal: leave.signal});
    expect(response.status).toBe(200);
    let before = -1;
    // What the kernel holds for a socket is some MB at most; then nothing more is asked for.
    while (made() !== before) {
      before = made();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(made()).toBeLessThan(20_000);
    leave.abort();
    await slow.stop(true);
  });

  test('of a group are one piece', async () => {
    async function* ticks() {
      yield {event: {leaf: 1} as EventRow, position: 1, isContinued: true};
      yield {event: {leaf: 2} as EventRow, position: 2, isContinued: false};
    }
    const frame = async () => ({type: 'Changed', frame: {}});
    const abort = new AbortController();
    const parts = {ticks: ticks(), frame, from: 0, abort, complain: () => undefined};
    const reader = sseStream(parts).getReader();
    await reader.read();
    const {value} = await reader.read();
    expect(new TextDecoder().decode(value).match(/^id: \d$/gm)).toEqual(['id: 1', 'id: 2']);
    await reader.cancel();
  });

  test('end with a message when the reading breaks', async () => {
    const abort = new AbortController();
    async function* ticks() {
      yield {event: null, position: 5, isContinued: false};
      throw new Error('the password is hunter2');
    }
    const told: unknown[] = [];
    const complain = (error: unknown): void => void told.push(error);
    const frame = async () => ({type: 'Changed', frame: {}});
    const text = await new Response(
      sseStream({ticks: ticks(), frame, from: 4, abort, complain}),
    ).text();
    expect(text).toMatch(/^: ok\nid: 4\n\nid: 5\nevent: cursor\ndata: {}\n\nevent: error\n/);
    const last = JSON.parse(text.slice(text.lastIndexOf('data: ') + 6)) as object;
    expect(last).toMatchObject({type: 'Error', code: 'INTERNAL_ERROR', cursor: 5});
    expect(text).not.toContain('hunter2');
    expect(told).toHaveLength(1);
    expect(abort.signal.aborted).toBe(true);
  });
});
