/**
 * The core as a process of its own, as the HTTP rows ask it: `start` of `core/main.ts` and no more.
 *
 * Its driver talks to it beside the API for what no route is for: tenants before there is a key, and
 * the memory that the process takes.
 */
import {createTenant} from '../../core/api/bootstrap.ts';
import {start} from '../../core/main.ts';

export type Question = {readonly is: 'tenant'; readonly name: string} | {readonly is: 'collect'};

const running = await start(process.env);

process.on('message', (question: Question) => {
  answer(question).then(
    (told) => process.send?.(told),
    (error: unknown) => process.send?.({error: String(error)}),
  );
});

async function answer(question: Question): Promise<unknown> {
  if (question.is === 'tenant') return createTenant(running.app.services, {name: question.name});
  Bun.gc(true);
  return {};
}

process.on('SIGTERM', () => {
  running.stop().then(
    () => process.exit(0),
    () => process.exit(1),
  );
});
process.send?.({url: running.url});
