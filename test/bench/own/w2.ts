/** W2: appends by one caller, the time of one. */
import {rowOf} from '../row.ts';
import type {Served} from '../world.ts';
import {appendTurns, floorOfInserts} from './appends.ts';

export const w2 = rowOf({
  id: 'W2',
  about: 'POST /turns, 1 caller, p50',
  measure: 'p50',
  unit: 'ms',
  floor: floorOfInserts(1),
  must: 4,
  goal: 2.5,
  setup: (world) => world.served(),
  once: (served: Served, world) => appendTurns(world, served, 1),
});
