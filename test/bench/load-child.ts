/**
 * The load generator: a Bun process of its own, so that its work is not done on the server's thread.
 *
 * Each connection has one request in flight and sends the next when the answer is whole.
 */
import {connect, requestText, type Connection, type Reply} from './connection.ts';
import type {Asking, Load, Plan} from './load-plan.ts';
import {percentilesOf, seeded} from './stats.ts';
import {texts} from './text.ts';

const textCount = 4_000;

/** Makes the next request of a caller; `host` is whom it goes to. */
type Next = (caller: number, host: string) => string;

let keyCount = 0;

function turnsOf(plan: Plan, {targets, words}: Extract<Asking, {is: 'turns'}>): Next {
  const bodies = texts(plan.seed, textCount, words).map((text) => JSON.stringify(text));
  let used = 0;
  return (caller, host) => {
    const {key, scopeId} = targets[caller % targets.length] ?? {key: '', scopeId: ''};
    used += 1;
    keyCount += 1;
    const headers = `Idempotency-Key: ${plan.seed}-${process.pid}-${keyCount}\r\n${plan.headers ?? ''}`;
    const content = bodies[used % textCount] ?? '""';
    const body = `{"scope_id":"${scopeId}","role":"user","content":${content}}`;
    return requestText(host, {method: 'POST', path: '/api/v1/turns', key, headers, body});
  };
}

function readsOf(plan: Plan, {key, paths}: {key: string; paths: readonly string[]}): Next {
  const random = seeded(plan.seed);
  const hot = Math.ceil(paths.length / 5);
  return (_, host) => {
    const place = random() < 0.8 ? random() * hot : hot + random() * (paths.length - hot);
    const path = paths[Math.min(paths.length - 1, Math.floor(place))] ?? '/';
    return requestText(host, {method: 'GET', path, key, headers: plan.headers ?? ''});
  };
}

type Counting = {isOn: boolean; refused: number; complaint: string | null; left: number};

async function timed(connection: Connection, request: string, counting: Counting): Promise<number> {
  const began = performance.now();
  const reply: Reply = await connection.ask(request);
  const took = performance.now() - began;
  if (reply.status >= 300) {
    counting.refused += 1;
    counting.complaint ??= `${reply.status} ${reply.body.subarray(0, 300).toString()}`;
  }
  return took;
}

async function run(plan: Plan): Promise<Load> {
  const {asking} = plan;
  const next = asking.is === 'turns' ? turnsOf(plan, asking) : readsOf(plan, asking);
  const other = asking.is === 'pairs' ? asking.other : null;
  const random = seeded(plan.seed + 1);
  const counting: Counting = {
    isOn: false,
    refused: 0,
    complaint: null,
    left: plan.calls ?? Infinity,
  };
  const ms: number[] = [];
  const otherMs: number[] = [];
  let isOver = false;

  async function call(caller: number): Promise<void> {
    const near = await connect(plan.url);
    const far = other === null ? null : await connect(other);
    const host = new URL(plan.url).host;
    while (!isOver && counting.left > 0) {
      if (counting.isOn) counting.left -= 1;
      const request = next(caller, host);
      const isFarFirst = far !== null && random() < 0.5;
      // A request belongs to the measured time when it began in it.
      const isCounted = counting.isOn;
      const farTook = isFarFirst ? await timed(far, request, counting) : 0;
      const took = await timed(near, request, counting);
      const lateTook = far !== null && !isFarFirst ? await timed(far, request, counting) : farTook;
      if (!isCounted) continue;
      ms.push(took);
      if (far !== null) otherMs.push(lateTook);
    }
    near.close();
    far?.close();
  }

  const callers = Array.from({length: plan.connections}, (_, caller) => call(caller));
  await Bun.sleep(plan.warmMs);
  counting.isOn = true;
  const began = performance.now();
  await Promise.race([Bun.sleep(plan.runMs), Promise.all(callers)]);
  const elapsedMs = performance.now() - began;
  const count = ms.length;
  isOver = true;
  await Promise.all(callers);
  return {
    count,
    elapsedMs,
    perSecond: (1_000 * count) / elapsedMs,
    ms: percentilesOf(ms),
    otherMs: other === null ? null : percentilesOf(otherMs),
    refused: counting.refused,
    complaint: counting.complaint,
  };
}

process.on('message', (plan: Plan) => {
  run(plan).then(
    (load) => process.send?.({load}),
    (error: unknown) => process.send?.({error: String(error)}),
  );
});
process.send?.({ready: true});
