/**
 * `npm run bench`: our own operations beside their floors, on a real PostgreSQL 18.
 *
 *   DATABASE_URL=postgres://… npm run bench -- [--rows W1,W2] [--rounds N] [--quick] [--seed N]
 *
 * PG18=path/to/pg18 instead of DATABASE_URL starts a server of its own. A row that throws is told and
 * the others go on; the exit is 1 when one failed.
 */
import {parseArgs} from 'node:util';
import {loadAverage, machineOf} from './machine.ts';
import {measure, type Result} from './measure.ts';
import {besidesOf, settingsSentence, tableOf, writeResults} from './report.ts';
import {rows} from './rows.ts';
import {openServer} from './server.ts';
import type {Scale} from './scale.ts';
import {openWorld} from './world.ts';

const whole: Scale = {
  runMs: 3_000,
  warmMs: 1_000,
  calls: 2_000,
  longTurns: 100_000,
  noteCount: 10_000,
  bundleEvents: 200_000,
  tenants: 8,
  scopesPerTenant: 8,
};
const quick: Scale = {
  ...whole,
  runMs: 1_000,
  warmMs: 300,
  calls: 500,
  longTurns: 10_000,
  noteCount: 1_000,
  bundleEvents: 20_000,
};

const {values: asked} = parseArgs({
  options: {
    rows: {type: 'string'},
    rounds: {type: 'string'},
    quick: {type: 'boolean', default: false},
    seed: {type: 'string', default: '20261122'},
  },
});
const rounds = Number(asked.rounds ?? (asked.quick ? 2 : 7));
const wanted = asked.rows?.split(',').map((id) => id.toLowerCase());
const chosen = rows.filter(({id}) => wanted === undefined || wanted.includes(id.toLowerCase()));
if (chosen.length === 0) throw new Error(`no such row: ${asked.rows}`);

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const server = await openServer(process.env);
const machine = machineOf(server.version);
const {cores, cpu, fsync_us_p50: fsync, postgres} = machine;
say(
  `${cpu}, ${cores} cores, PostgreSQL ${postgres}, Bun ${Bun.version}, fsync ${fsync} µs, load ${loadAverage().toFixed(1)}`,
);
say(settingsSentence);

const world = openWorld({server, scale: asked.quick ? quick : whole, seed: Number(asked.seed)});
const results: Result[] = [];
const faults: string[] = [];
for (const row of chosen) {
  try {
    const result = await measure(row, world, rounds, loadAverage);
    results.push(result);
    say(besidesOf(result));
  } catch (error) {
    faults.push(row.id);
    say(`${row.id}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
}
say(`\n${tableOf(results)}\n`);
if (faults.length > 0) say(`Not measured: ${faults.join(', ')}`);
const run = {rounds, seed: Number(asked.seed), isQuick: asked.quick};
say(writeResults(run, {machine, results}));
await world.close();
process.exit(faults.length > 0 || results.some(({verdict}) => verdict === 'fail') ? 1 : 0);
