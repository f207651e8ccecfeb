/**
 * Server-sent events (HTML Living Standard §9.2) over a stream that is only pulled: a slow client is
 * not written ahead of, and one that left ends its tail.
 */
import type {Tick} from './tail.ts';

const encoder = new TextEncoder();

/** One message. `data` is one line of JSON. */
const message = (id: number, event: string, data: object): Uint8Array =>
  encoder.encode(`id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);

export type Framed = {readonly type: string; readonly frame: object};

/** Makes the byte stream of a tail. `abort` ends the tail when the client leaves. */
export function sseStream(
  ticks: AsyncGenerator<Tick>,
  frame: (event: NonNullable<Tick['event']>) => Promise<Framed>,
  abort: AbortController,
): ReadableStream<Uint8Array> {
  return new ReadableStream(
    {
      start(controller) {
        // A comment opens the stream at once, so that a client knows it is connected.
        controller.enqueue(encoder.encode(': connected\n\n'));
      },
      async pull(controller) {
        const next = await ticks.next();
        if (next.done === true) {
          controller.close();
          return;
        }
        const {event, position} = next.value;
        if (event === null) {
          controller.enqueue(message(position, 'cursor', {}));
          return;
        }
        const {type, frame: data} = await frame(event);
        controller.enqueue(message(position, type, data));
      },
      cancel() {
        abort.abort();
      },
    },
    {highWaterMark: 0},
  );
}
