/** What the rows of single appends share: the plan of so many callers, and the floor beside it. */
import {insertFloor} from '../floors/insert.ts';
import type {Floor} from '../row.ts';
import type {Sample} from '../stats.ts';
import type {Served, World} from '../world.ts';

const wordsPerTurn = 60;

/** One round of `POST /turns` by so many callers, each with a key of its own on every call. */
export async function appendTurns(
  world: World,
  {core, targets}: Served,
  callers: number,
  headers = '',
): Promise<Sample> {
  const load = await world.load();
  const {runMs, warmMs} = world.scale;
  return load.run({
    url: core.url,
    connections: callers,
    warmMs,
    runMs,
    headers,
    seed: world.seed + callers,
    asking: {is: 'turns', targets, words: wordsPerTurn},
  });
}

/** F1 at so many callers. */
export const floorOfInserts = <S>(callers: number): Floor<S> => ({
  name: `F1@${callers}`,
  once: async (_, world) => insertFloor(await world.floorTable(), callers, world.scale.runMs),
});
