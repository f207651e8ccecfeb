/**
 * Time that passes only when nothing else is left to happen.
 *
 * While it is installed, timers of the whole process wait for it. One thing happens at a time, in the
 * order of its time and then of its asking, so a run depends on nothing but its seed.
 */
import type {Micros} from '../../shared/ids.ts';

type Due = {readonly at: Micros; readonly order: number; readonly happen: () => void};

export type SimulatedTime = {
  readonly now: () => Micros;
  /** Lets something happen later. */
  after(ms: number, happen: () => void): void;
  /** Goes on until `isOver`; throws when it never will be. */
  run(isOver: () => boolean): Promise<void>;
};

const startAt: Micros = 1_795_338_527_000_000;

/** A run that takes more steps than this goes round in circles. */
const stepLimit = 200_000;

const real = {setImmediate, setTimeout, clearTimeout};

/** Makes the time of one run. */
export function createSimulatedTime(): SimulatedTime {
  let now = startAt;
  let order = 0;
  const due: Due[] = [];

  const after = (ms: number, happen: () => void): void => {
    order += 1;
    const one = {at: now + Math.max(0, Math.round(ms * 1_000)), order, happen};
    const place = due.findLastIndex(({at}) => at <= one.at);
    due.splice(place + 1, 0, one);
  };

  return {
    now: () => now,
    after,
    async run(isOver) {
      const timers = {
        setImmediate: (happen: () => void) => after(0, happen),
        setTimeout: (happen: () => void, ms = 0) => after(ms, happen),
        clearTimeout: () => undefined,
      };
      Object.assign(globalThis, timers);
      try {
        for (let step = 0; ; step += 1) {
          // A turn of the real event loop: every promise that can go on has gone on.
          await new Promise<void>((resolve) => real.setImmediate(resolve));
          if (isOver()) return;
          const next = due.shift();
          if (next === undefined) throw new Error('nothing is left to happen, and it is not over');
          if (step > stepLimit) throw new Error(`it is not over after ${step} steps`);
          now = Math.max(now, next.at);
          next.happen();
        }
      } finally {
        Object.assign(globalThis, real);
      }
    },
  };
}

/** What a run rejected with, as something that can be thrown again. */
export const thrown = (reason: unknown): Error =>
  reason instanceof Error ? reason : new Error('the run was rejected', {cause: reason});
