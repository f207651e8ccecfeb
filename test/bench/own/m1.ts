/** M1: resident memory of a core that has written 100 000 turns. Assemblies join when there are any. */
import {figure, rowOf} from '../row.ts';
import type {Grown} from '../world.ts';

export const m1 = rowOf({
  id: 'M1',
  about: 'resident memory after the long thread',
  measure: 'value',
  unit: 'MB',
  isOnce: true,
  floor: null,
  must: 450,
  goal: 300,
  setup: (world) => world.grown(),
  async once({core, thread}: Grown) {
    const grewPerSecond = (1_000 * thread.turns) / thread.grewMs;
    return figure(await core.residentMb(), {
      turns: thread.turns,
      batch_turns_per_second: grewPerSecond,
    });
  },
});
