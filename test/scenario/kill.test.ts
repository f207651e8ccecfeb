/** A core that dies at any moment over the embedded database loses and doubles nothing. */
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {randomOf} from '../support/seeds.ts';
import {createRounds} from './kill-rounds.ts';

/** ROUNDS=20 in the nightly run; each round begins a process. */
const roundCount = Number(process.env['ROUNDS'] ?? 1);
const longestLoadMs = 400;
/** A core that is to die at a step comes there well before this. */
const armedLoadMs = 5_000;

test(
  `${roundCount} deaths under 64 writers: nothing acknowledged is lost, doubled or signed twice`,
  {timeout: 30_000 * (roundCount + 1)},
  async () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
    const random = randomOf(seed);
    const rounds = createRounds((folder) => `pglite:${join(folder, 'pg')}`, random);
    try {
      await rounds.prepare();
      for (let round = 0; round < roundCount; round += 1) {
        // The steps take their turn over the nights, and over the runs of a day.
        await rounds.run(seed + round, async (core, isArmed) => {
          const loadMs = isArmed ? armedLoadMs : 100 + random.int(longestLoadMs);
          await Promise.race([core.ended, Bun.sleep(loadMs)]);
        });
      }
      await rounds.check();
      expect(rounds.acknowledgedCount()).toBeGreaterThan(0);
      console.info(`${rounds.acknowledgedCount()} acknowledged; died: ${rounds.deaths.join(', ')}`);
    } finally {
      await rounds.close();
    }
  },
);
