/** W5: whether an append costs more at the end of a long thread than at that of a short one. */
import {rowOf} from '../row.ts';
import type {Sample} from '../stats.ts';
import {growThread} from '../thread.ts';
import type {Grown, World} from '../world.ts';

const shortTurns = 10;
const appendCount = 500;
const longestMs = 30_000;

async function appendTo(world: World, {core, tenant}: Grown, scopeId: string): Promise<Sample> {
  const load = await world.load();
  const targets = [{key: tenant.key, scopeId}];
  return load.run({
    url: core.url,
    connections: 1,
    warmMs: 200,
    runMs: longestMs,
    calls: appendCount,
    seed: world.seed,
    asking: {is: 'turns', targets, words: 60},
  });
}

export const w5 = rowOf({
  id: 'W5',
  about: 'append to a long thread, p50',
  measure: 'p50',
  unit: 'ms',
  floor: {
    name: `itself@${shortTurns}`,
    async once(grown: Grown, world) {
      const short = await growThread(grown.core, grown.tenant.key, shortTurns, world.seed);
      return appendTo(world, grown, short.scopeId);
    },
  },
  must: 1.2,
  goal: 1.1,
  setup: (world) => world.grown(),
  once: (grown: Grown, world) => appendTo(world, grown, grown.thread.scopeId),
});
