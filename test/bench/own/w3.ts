/** W3: appends by 256 callers. */
import {rowOf} from '../row.ts';
import type {Served} from '../world.ts';
import {appendTurns, floorOfInserts} from './appends.ts';

const callers = 256;

export const w3 = rowOf({
  id: 'W3',
  about: 'POST /turns, 256 callers, a second',
  measure: 'rate',
  unit: '1/s',
  floor: floorOfInserts(callers),
  must: 0.6,
  goal: 1.1,
  setup: (world) => world.served(),
  once: (served: Served, world) => appendTurns(world, served, callers),
});
