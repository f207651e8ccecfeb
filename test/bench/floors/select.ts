/** F4: a row by its key, prepared, over the pool of F1. */
import type {Sample} from '../stats.ts';
import {callersFor, type FloorTable} from './insert.ts';

const select = {name: 'floor_select', text: 'SELECT * FROM floor_event WHERE id = $1'};

/** F4 at so many callers. */
export function selectFloor(
  {pool, ids}: FloorTable,
  callers: number,
  runMs: number,
): Promise<Sample> {
  let at = 0;
  return callersFor(callers, runMs, () => {
    at = (at + 7_919) % ids.length;
    return pool.query({...select, values: [ids[at]]});
  });
}
