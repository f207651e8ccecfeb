/** B1: from the start of the process to its first answer, on a database that is there. */
import {startCore} from '../core-process.ts';
import {figure, rowOf} from '../row.ts';

export const b1 = rowOf({
  id: 'B1',
  about: 'start to ready on an existing PostgreSQL',
  measure: 'value',
  unit: 's',
  floor: null,
  must: 3,
  goal: 1,
  async setup({server}) {
    const databaseUrl = await server.fresh('start');
    await (await startCore({databaseUrl})).stop();
    return databaseUrl;
  },
  async once(databaseUrl: string) {
    const began = performance.now();
    const core = await startCore({databaseUrl});
    const answer = await fetch(`${core.url}/health/ready`);
    const seconds = (performance.now() - began) / 1_000;
    await core.stop();
    if (!answer.ok) throw new Error(`ready: ${answer.status} ${await answer.text()}`);
    return figure(seconds);
  },
});
