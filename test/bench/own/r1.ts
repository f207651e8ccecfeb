/** R1: notes by their ids, most reads on few of them. */
import type {CoreProcess} from '../core-process.ts';
import {rowOf} from '../row.ts';
import type {Sample} from '../stats.ts';
import {textOfBytes, textSource} from '../text.ts';
import {batch} from '../thread.ts';
import type {World} from '../world.ts';

const connections = 64;
const noteBytes = 300;
const batchMost = 100;
/** Below the quota of a trajectory. */
const trajectoryNotes = 2_000;

export type Notes = {readonly url: string; readonly key: string; readonly paths: readonly string[]};

/** Notes of 300 bytes in the first tenant of the served core. */
async function servedNotes(world: World): Promise<Notes> {
  const {core, tenants} = await world.served();
  return notesIn(world, core, tenants[0]?.key ?? '', world.scale.noteCount);
}

/** Writes so many notes of 300 bytes and answers their paths. */
export async function notesIn(
  world: World,
  core: CoreProcess,
  key: string,
  count: number,
): Promise<Notes> {
  const next = textSource(world.seed + 1);
  const paths: string[] = [];
  let trajectory = '';
  while (paths.length < count) {
    if (paths.length % trajectoryNotes === 0) {
      const made = await core.call<{trajectory_id: string}>(key, 'POST', '/trajectories', {
        name: 'notes',
      });
      trajectory = made.trajectory_id;
    }
    const items = Array.from({length: batchMost}, () => ({
      operation: 'create',
      create: {
        note_type: 'Fact',
        title: next(4),
        content: textOfBytes(next, noteBytes),
        ttl: 'Persistent',
        source_trajectory_ids: [trajectory],
      },
    }));
    const made = await batch(core, key, 'notes', items);
    paths.push(...made.map(({note_id: id}) => `/api/v1/notes/${String(id)}`));
  }
  return {url: core.url, key, paths};
}

async function readAll(world: World, {key, paths, url}: Notes): Promise<Sample> {
  const load = await world.load();
  const {runMs, warmMs} = world.scale;
  const asking = {is: 'reads', key, paths} as const;
  return load.run({url, connections, warmMs, runMs, seed: world.seed, asking});
}

export const r1 = rowOf({
  id: 'R1',
  about: 'GET /notes/{id}, 64 connections, a second',
  measure: 'rate',
  unit: '1/s',
  floor: {
    name: 'F3',
    async once(notes: Notes, world) {
      return readAll(world, {...notes, url: (await world.bareServer()).url});
    },
  },
  must: 0.5,
  goal: 0.7,
  setup: servedNotes,
  once: (notes: Notes, world) => readAll(world, notes),
});
