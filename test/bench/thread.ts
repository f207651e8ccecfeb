/** Threads of a given length, grown through the public API as an importer would grow them. */
import type {CoreProcess} from './core-process.ts';
import {textSource} from './text.ts';
import {openScope} from './scale.ts';

export type Thread = {
  readonly scopeId: string;
  readonly turns: number;
  readonly contentBytes: number;
  readonly grewMs: number;
};

const batchMost = 100;
const wordsPerTurn = 60;
/** Requests under way at once, of the thousand that a long thread takes. */
const callers = 4;

type Result = {readonly succeeded: number; readonly failed: number; readonly results: unknown};

/** Grows a thread of so many turns in a scope of its own. */
export async function growThread(
  core: CoreProcess,
  key: string,
  turns: number,
  seed: number,
): Promise<Thread> {
  const scopeId = await openScope(core, key);
  const next = textSource(seed);
  let contentBytes = 0;
  let left = turns;
  const began = performance.now();
  await Promise.all(
    Array.from({length: callers}, async () => {
      while (left > 0) {
        const size = Math.min(batchMost, left);
        left -= size;
        const items = Array.from({length: size}, () => {
          const content = next(wordsPerTurn);
          contentBytes += Buffer.byteLength(content);
          return {operation: 'create', create: {scope_id: scopeId, role: 'user', content}};
        });
        await batch(core, key, 'turns', items);
      }
    }),
  );
  return {scopeId, turns, contentBytes, grewMs: performance.now() - began};
}

/** One batch request, with a key, of which every item must succeed. */
export async function batch(
  core: CoreProcess,
  key: string,
  kind: 'turns' | 'notes',
  items: readonly object[],
): Promise<Record<string, unknown>[]> {
  const answer = await fetch(`${core.url}/api/v1/batch/${kind}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      'idempotency-key': crypto.randomUUID(),
    },
    body: JSON.stringify({items}),
  });
  const text = await answer.text();
  const {failed, results} = answer.ok ? (JSON.parse(text) as Result) : {failed: -1, results: null};
  if (failed !== 0) throw new Error(`batch of ${kind}: ${answer.status} ${text.slice(0, 500)}`);
  return (results as {data: Record<string, unknown>}[]).map(({data}) => data);
}
