/**
 * A stream of events on its way through: as it comes, and with a last word when the core goes away.
 *
 * Messages are passed on whole. Half of one cannot be taken back, and a client would take the last
 * word for its end. A client that leaves ends the stream at the core.
 */
import {streamEnd} from '../shared/wire/stream-end.ts';

/** The core says something every 15 s: one that is silent for so long is gone. */
const idleMs = 60_000;
/** A message longer than any of ours is passed on in parts. */
const heldLimitBytes = 4 * 1024 * 1024;

type Bytes = Uint8Array<ArrayBuffer>;

/** The answer of the core with its body relayed. */
export function relay(answer: Response): Response {
  const reader = (answer.body as ReadableStream<Bytes> | null)?.getReader();
  if (reader === undefined) return answer;
  let held: Bytes = new Uint8Array();
  let cursor: number | null = null;

  const body = new ReadableStream<Bytes>(
    {
      async pull(controller) {
        try {
          for (;;) {
            const {done, value} = await inTime(reader.read());
            if (done) {
              if (held.length > 0) controller.enqueue(held);
              controller.close();
              return;
            }
            held = joined(held, value);
            const end = held.length > heldLimitBytes ? held.length : endOfMessages(held);
            if (end === 0) continue;
            const whole = held.slice(0, end);
            held = held.slice(end);
            cursor = lastId(whole) ?? cursor;
            controller.enqueue(whole);
            return;
          }
        } catch {
          // Whatever broke it, the client is told what to do: to come back with the last id it saw.
          const message = 'the connection to the core was lost';
          const last = streamEnd('SERVICE_UNAVAILABLE', message, cursor);
          controller.enqueue(new TextEncoder().encode(last));
          controller.close();
          // One that broke cannot be cancelled any more; one that was silent must be.
          await Promise.allSettled([reader.cancel()]);
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    {highWaterMark: 0},
  );
  return new Response(body, answer);
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the core was silent for too long')), idleMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function joined(a: Bytes, b: Bytes): Bytes {
  if (a.length === 0) return b;
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** How far the bytes are whole messages: up to the last blank line. */
function endOfMessages(bytes: Bytes): number {
  for (let at = bytes.length - 1; at > 0; at -= 1)
    if (bytes[at] === 10 && bytes[at - 1] === 10) return at + 1;
  return 0;
}

/** The last id that a client has taken in. */
function lastId(whole: Bytes): number | null {
  const last = [...new TextDecoder().decode(whole).matchAll(/^id: (\d+)$/gm)].at(-1)?.[1];
  return last === undefined ? null : Number(last);
}
