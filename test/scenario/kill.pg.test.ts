/** A core, or its database, that dies at any moment loses and doubles nothing. */
import {execFileSync} from 'node:child_process';
import {expect, test} from 'vitest';
import {emptyPostgres} from '../support/database.ts';
import {randomOf, type Random} from '../support/seeds.ts';
import {createRounds, type Rounds} from './kill-rounds.ts';

const roundCount = Number(process.env['ROUNDS'] ?? 2);
const longestLoadMs = 700;
const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

/** The script that starts, kills and resumes a server, and a port that nobody else uses. */
const script = process.env['PG18'] ?? '';
const port = process.env['PG18_PORT'] ?? '5521';
const server = (command: string): string =>
  execFileSync('bash', [script, command, port], {encoding: 'utf8'}).trim();
if (script === '')
  console.warn('NOT RUN: deaths of the server, because PG18 does not name the script pg18');

async function through(rounds: Rounds, random: Random, dying: () => Promise<void>): Promise<void> {
  try {
    await rounds.prepare();
    for (let round = 0; round < roundCount; round += 1) {
      await rounds.run(seed + round, async () => {
        await Bun.sleep(100 + random.int(longestLoadMs));
        await dying();
      });
    }
    await rounds.check();
    expect(rounds.acknowledgedCount()).toBeGreaterThan(0);
    console.info(`${rounds.acknowledgedCount()} acknowledged; died: ${rounds.deaths.join(', ')}`);
  } finally {
    await rounds.close();
  }
}

test(
  `${roundCount} deaths of the core under 64 writers`,
  {timeout: 30_000 * (roundCount + 1)},
  async () => {
    const database = await emptyPostgres();
    const random = randomOf(seed);
    try {
      await through(
        createRounds(() => database.url, random),
        random,
        () => Promise.resolve(),
      );
    } finally {
      await database.drop();
    }
  },
);

test.skipIf(script === '')(
  `${roundCount} deaths of the server under 64 writers`,
  {timeout: 60_000 * (roundCount + 1)},
  async () => {
    const url = server('start').split('\n').at(-1) ?? '';
    const random = randomOf(seed);
    try {
      await through(
        createRounds(() => url, random),
        random,
        async () => {
          server('crash');
          await Bun.sleep(random.int(1_000));
          server('resume');
          await Bun.sleep(random.int(1_500));
        },
      );
    } finally {
      server('stop');
    }
  },
);
