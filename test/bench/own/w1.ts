/** W1: appends by 64 callers over HTTP. */
import {rowOf} from '../row.ts';
import type {Served} from '../world.ts';
import {appendTurns, floorOfInserts} from './appends.ts';

const callers = 64;

export const w1 = rowOf({
  id: 'W1',
  about: 'POST /turns, 64 callers, a second',
  measure: 'rate',
  unit: '1/s',
  floor: floorOfInserts(callers),
  must: 0.45,
  goal: 0.9,
  setup: (world) => world.served(),
  once: (served: Served, world) => appendTurns(world, served, callers),
});
