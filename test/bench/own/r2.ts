/** R2: an entity out of the LMDB cache, in process. */
import {eachOf} from '../floors/lmdb-get.ts';
import {rowOf} from '../row.ts';
import {textSource} from '../text.ts';

const entityCount = 2_000;
const calls = 20_000;

export const r2 = rowOf({
  id: 'R2',
  about: 'entity from the LMDB cache, in process, p50',
  measure: 'p50',
  unit: 'ms',
  floor: {name: 'F7', once: async (_: unknown, world) => (await world.lmdbFloor()).once(calls)},
  must: 6,
  goal: 3,
  async setup(world) {
    const core = await world.inProcess();
    const [member] = core.members;
    if (member === undefined) throw new Error('there is no scope to write to');
    const {tenantNo} = member.actor;
    const next = textSource(world.seed + 2);
    for (let at = 0; at < entityCount; at += 1) await core.append(member, next(60));
    const {services} = core.app;
    const {cache, rows} = services.laneOf(tenantNo).memory;
    const prefix = `${tenantNo}/turn:`;
    const keys = [...rows.keys()].filter((key) => key.startsWith(prefix));
    const names = keys.slice(0, entityCount).map((key) => key.slice(`${tenantNo}/`.length));
    if (cache === null || names.length === 0) throw new Error('there is nothing in the cache');
    return {cache, names, tenantNo};
  },
  async once({cache, names, tenantNo}) {
    let missCount = 0;
    const sample = eachOf(calls, (at) => {
      const name = names[(at * 7_919) % names.length] ?? '';
      if (cache.get(tenantNo, name, {is: 'consistent'}) === null) missCount += 1;
    });
    if (missCount > 0) throw new Error(`${missCount} of ${calls} reads were misses`);
    return {...sample, besides: {p99_us: sample.ms.p99 * 1_000}};
  },
});
