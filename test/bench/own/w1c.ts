/** W1c: the turns of W1 by `pipeline.run` in this process: gates, hashes, index, proof; no HTTP. */
import {callersFor} from '../floors/insert.ts';
import {rowOf} from '../row.ts';
import {texts} from '../text.ts';
import {floorOfInserts} from './appends.ts';

const callers = 64;
const textCount = 4_000;

export const w1c = rowOf({
  id: 'W1c',
  about: 'the same by pipeline.run in process, 64 callers, a second',
  measure: 'rate',
  unit: '1/s',
  floor: floorOfInserts(callers),
  must: 0.65,
  goal: 1.2,
  async setup(world) {
    return {core: await world.inProcess(), contents: texts(world.seed, textCount, 60)};
  },
  async once({core, contents}, {scale}) {
    let at = 0;
    let caller = 0;
    const run = (runMs: number) =>
      callersFor(callers, runMs, () => {
        at += 1;
        caller = (caller + 1) % core.members.length;
        const member = core.members[caller];
        if (member === undefined) throw new Error('there is no scope to write to');
        return core.append(member, contents[at % textCount] ?? '');
      });
    await run(scale.warmMs);
    return run(scale.runMs);
  },
});
