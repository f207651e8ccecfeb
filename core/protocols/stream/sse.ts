/**
 * Server-sent events (HTML Living Standard §9.2) over a stream that is only pulled: a slow client is
 * not written ahead of, one that takes nothing any more is cut, and one that left ends its tail.
 */
import {CellError, errorTable} from '../../../shared/errors.ts';
import {streamEnd} from '../../../shared/wire/stream-end.ts';
import type {Tick} from './tail.ts';

const encoder = new TextEncoder();

/** One message. `data` is one line of JSON. */
const message = (id: number, event: string, data: object): string =>
  `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

export type Framed = {readonly type: string; readonly frame: object};

/** A client that was sent something and asks for nothing more for so long is gone, or as good as. */
export const stallMs = 30_000;

export type SseParts = {
  readonly ticks: AsyncGenerator<Tick>;
  readonly frame: (event: NonNullable<Tick['event']>) => Promise<Framed>;
  /** Position behind which the stream begins; -1 before the first event. */
  readonly from: number;
  /** Ends the tail when the client leaves. */
  readonly abort: AbortController;
  readonly complain: (error: unknown) => void;
};

/** Makes the byte stream of a tail. */
export function sseStream({
  ticks,
  frame,
  from,
  abort,
  complain,
}: SseParts): ReadableStream<Uint8Array> {
  let cursor = from;
  let stalled: ReturnType<typeof setTimeout> | undefined;

  /** The next message, with everything of one group in it; null at the end. */
  async function next(): Promise<string | null> {
    let text = '';
    for (;;) {
      const {done, value} = await ticks.next();
      if (done === true) return null;
      const {event, position, isContinued} = value;
      if (event === null) {
        const isKnown = position === cursor;
        cursor = position;
        return isKnown ? ': ka\n\n' : message(position, 'cursor', {});
      }
      const {type, frame: data} = await frame(event);
      text += message(position, type, data);
      if (isContinued) continue;
      cursor = position;
      return text;
    }
  }

  return new ReadableStream(
    {
      start(controller) {
        // A comment opens the stream at once, and its id is where a client goes on that saw no event.
        const begin = from < 0 ? '' : `id: ${from}\n\n`;
        controller.enqueue(encoder.encode(`: ok\n${begin === '' ? '\n' : begin}`));
      },
      async pull(controller) {
        clearTimeout(stalled);
        const text = await next().catch((error: unknown) => {
          abort.abort();
          complain(error);
          return endOf(error, cursor);
        });
        if (text !== null) controller.enqueue(encoder.encode(text));
        if (text === null || abort.signal.aborted) {
          controller.close();
          return;
        }
        stalled = setTimeout(() => {
          abort.abort();
          controller.error(new Error('the client of a stream took nothing for too long'));
        }, stallMs);
      },
      async cancel() {
        clearTimeout(stalled);
        abort.abort();
        await ticks.return(undefined);
      },
    },
    {highWaterMark: 0},
  );
}

/** What a client is told when its stream cannot go on. */
function endOf(error: unknown, cursor: number): string {
  const code = error instanceof CellError ? error.code : 'INTERNAL_ERROR';
  const {status, title} = errorTable[code];
  const said = error instanceof CellError && status < 500 ? error.message : title;
  return streamEnd(code, said, cursor < 0 ? null : cursor);
}
