/** F1: a plain autocommit INSERT of one row, by callers that each await their own. */
import {randomBytes, randomUUID} from 'node:crypto';
import {Pool} from 'pg';
import type {Sample} from '../stats.ts';
import {percentilesOf} from '../stats.ts';

const poolConnections = 8;
const bodyBytes = 340;

const insert = {
  name: 'floor_insert',
  text: 'INSERT INTO floor_event (id, tenant_no, at, body) VALUES ($1, $2, $3, $4)',
};

export type FloorTable = {readonly pool: Pool; readonly ids: readonly string[]};

const body = randomBytes(bodyBytes / 2).toString('hex');
const values = (id: string): unknown[] => [id, 1, Date.now() * 1_000, body];

/** Makes the table, with some rows for the floor that reads. */
export async function openFloorTable(url: string): Promise<FloorTable> {
  const pool = new Pool({connectionString: url, max: poolConnections});
  await pool.query(
    'create table floor_event (id uuid primary key, tenant_no int not null, at bigint not null, body text not null)',
  );
  const ids = Array.from({length: 10_000}, () => randomUUID());
  await pool.query(`insert into floor_event select id, 1, 0, $2 from unnest($1::uuid[]) id`, [
    ids,
    body,
  ]);
  await pool.query('vacuum analyze floor_event');
  return {pool, ids};
}

/** Callers that do one thing after the other for a time. */
export async function callersFor(
  callers: number,
  runMs: number,
  one: () => Promise<unknown>,
): Promise<Sample> {
  const ms: number[] = [];
  const began = performance.now();
  const ends = began + runMs;
  await Promise.all(
    Array.from({length: callers}, async () => {
      for (let now = performance.now(); now < ends;) {
        await one();
        const after = performance.now();
        ms.push(after - now);
        now = after;
      }
    }),
  );
  const perSecond = (1_000 * ms.length) / (performance.now() - began);
  return {perSecond, ms: percentilesOf(ms), count: ms.length};
}

/** F1 at so many callers. */
export const insertFloor = ({pool}: FloorTable, callers: number, runMs: number): Promise<Sample> =>
  callersFor(callers, runMs, () => pool.query({...insert, values: values(randomUUID())}));
