/** R3: the last 20 turns of a long thread, beside a short one and beside a row read by its key. */
import {selectFloor} from '../floors/select.ts';
import {rowOf} from '../row.ts';
import type {Sample} from '../stats.ts';
import {growThread} from '../thread.ts';
import type {Grown, World} from '../world.ts';

const longTurns = 10_000;
const shortTurns = 200;
const most = 20;
/** A read that takes so long that this ends a round first has failed anyhow. */
const longestMs = 5_000;

type Threads = {readonly grown: Grown; readonly long: string; readonly short: string};

const kept = new WeakMap<World, Promise<Threads>>();

async function growThreads(world: World): Promise<Threads> {
  const grown = await world.grown();
  const grow = async (turns: number): Promise<string> =>
    (await growThread(grown.core, grown.tenant.key, turns, world.seed + turns)).scopeId;
  return {grown, long: await grow(longTurns), short: await grow(shortTurns)};
}

function threadsOf(world: World): Promise<Threads> {
  const known = kept.get(world) ?? growThreads(world);
  kept.set(world, known);
  return known;
}

async function readLast(world: World, {grown}: Threads, scopeId: string): Promise<Sample> {
  const load = await world.load();
  const paths = [`/api/v1/scopes/${scopeId}/turns?limit=${most}`];
  return load.run({
    url: grown.core.url,
    connections: 1,
    warmMs: 200,
    runMs: longestMs,
    calls: world.scale.calls,
    seed: world.seed,
    asking: {is: 'reads', key: grown.tenant.key, paths},
  });
}

const common = {
  measure: 'p50',
  unit: 'ms',
  setup: threadsOf,
  once: (threads: Threads, world: World) => readLast(world, threads, threads.long),
} as const;

export const r3 = rowOf({
  ...common,
  id: 'R3',
  about: 'last 20 turns of 10 000, p50',
  floor: {
    name: `itself@${shortTurns}`,
    once: (threads: Threads, world) => readLast(world, threads, threads.short),
  },
  must: 1.2,
  goal: 1.1,
});

export const r3Floor = rowOf({
  ...common,
  id: 'R3f',
  about: 'the same beside a row by its key',
  floor: {
    name: 'F4@1',
    once: async (_: Threads, world) => selectFloor(await world.floorTable(), 1, world.scale.runMs),
  },
  must: 6,
  goal: 3,
});
