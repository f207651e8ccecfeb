/** F7: 700 bytes by their key, out of LMDB. */
import {randomBytes} from 'node:crypto';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {open} from 'lmdb';
import type {Sample} from '../stats.ts';
import {percentilesOf} from '../stats.ts';

const valueBytes = 700;
const entryCount = 5_000;

export type LmdbFloor = {once(calls: number): Sample; close(): Promise<void>};

/** Times each of so many calls. */
export function eachOf(calls: number, one: (at: number) => unknown): Sample {
  const ms = new Float64Array(calls);
  const began = performance.now();
  for (let at = 0; at < calls; at += 1) {
    const before = performance.now();
    one(at);
    ms[at] = performance.now() - before;
  }
  const perSecond = (1_000 * calls) / (performance.now() - began);
  return {perSecond, ms: percentilesOf(ms), count: calls};
}

export async function openLmdbFloor(): Promise<LmdbFloor> {
  const folder = mkdtempSync(join(tmpdir(), 'cellstate-floor-'));
  const db = open<Buffer, string>({path: join(folder, 'floor.lmdb'), encoding: 'binary'});
  const keys = Array.from({length: entryCount}, () => randomBytes(20).toString('hex'));
  await db.transaction(() => {
    for (const key of keys) db.putSync(key, randomBytes(valueBytes));
  });
  return {
    once: (calls) => eachOf(calls, (at) => db.getBinary(keys[(at * 7_919) % entryCount] ?? '')),
    async close() {
      await db.close();
      rmSync(folder, {recursive: true, force: true});
    },
  };
}
