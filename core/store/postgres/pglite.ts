/**
 * The driver `pglite:`: an embedded PostgreSQL, for a laptop, tests and demonstrations.
 *
 * One connection for everybody, so each transaction takes its turn and its role. What it acknowledged
 * survives the kill of the process; the loss of power it may not survive, for it never flushes.
 */
import type {Statement} from '../store.ts';
import type {Driver} from './driver.ts';
import type {Embedded, Part} from './embedded.ts';
import {readError} from './errors.ts';
import type {Ask} from './statements.ts';

const asLane: Part = {text: 'begin; set local role cs_lane'};
const asApp: Part = {text: 'begin; set local role cs_app'};
const commit = {text: 'commit'};
const rollback = {text: 'rollback'};

export function pgliteDriver(database: Embedded): Driver {
  /** One statement between `begin` and `commit`; after an error the latter undoes. */
  const alone = async <T>(begin: Part, part: Part): Promise<T[]> => {
    const [, rows] = await database.turns.take(() => database.run([begin, part, commit]));
    return (rows ?? []) as T[];
  };

  /** A transaction around `work`, begun with its first statement. */
  const around = <T>(begin: Part, work: (ask: Ask) => Promise<T>): Promise<T> =>
    database.turns.take(async () => {
      let isBegun = false;
      const ask: Ask = async <R>(statement: Statement, values: readonly unknown[]) => {
        const part = {statement, values};
        const parts = isBegun ? [part] : [begin, part];
        isBegun = true;
        return (await database.run(parts)).at(-1) as R[];
      };
      try {
        const result = await work(ask);
        if (isBegun) await end(commit);
        return result;
      } catch (error) {
        if (isBegun) await end(rollback);
        throw error;
      }
    });

  const end = async (how: {text: string}): Promise<void> => {
    try {
      await database.run([how]);
    } catch (cause) {
      throw readError(cause, how.text);
    }
  };

  return {
    durability: 'process',
    lanes: 1,
    ask: (statement, values) => alone(asApp, {statement, values}),
    askLane: (_lane, statement, values) => alone(asLane, {statement, values}),
    async commit(_lane, statement, values) {
      await alone(asLane, {statement, values});
    },
    laneTransaction: (_lane, work) => around(asLane, work),
    readTransaction: (tenant, work) =>
      around(
        {
          text: `begin isolation level repeatable read read only; set local role cs_app; set local cellstate.tenant_no = '${tenant}'`,
        },
        work,
      ),
    close: () => database.close(),
  };
}
