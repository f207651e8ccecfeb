import {expect, test} from 'vitest';
import {NoTurn} from '../../../core/store/postgres/errors.ts';
import {Turns} from '../../../core/store/postgres/turns.ts';

const later = <T>(value: T): Promise<T> =>
  new Promise((resolve) => setImmediate(() => resolve(value)));

test('one at a time, in the order of asking, whatever became of the one before', async () => {
  const turns = new Turns('it', 1_000);
  const log: string[] = [];
  const work = (name: string) => async (): Promise<string> => {
    log.push(`${name} in`);
    await later(null);
    log.push(`${name} out`);
    if (name === 'b') throw new Error('b broke');
    return name;
  };
  const all = await Promise.allSettled(['a', 'b', 'c'].map((name) => turns.take(work(name))));
  expect(log).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out']);
  expect(all.map(({status}) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});

test('who waits inside their own turn is told so in time, and the queue goes on behind them', async () => {
  const turns = new Turns('the database', 20);
  await expect(turns.take(() => turns.take(() => later('inner')))).rejects.toThrow(
    new NoTurn('the database was in use for 20 ms'),
  );
  expect(await turns.take(() => later('next'))).toBe('next');
});

test('who gave up waiting lets nobody pass the one before', async () => {
  const turns = new Turns('it', 20);
  let isInside = true;
  let finish: () => void = () => {};
  const first = turns.take(
    () =>
      new Promise<void>((resolve) => {
        finish = () => {
          isInside = false;
          resolve();
        };
      }),
  );
  await expect(turns.take(() => later('second'))).rejects.toThrow(NoTurn);
  const third = turns.take(async () => isInside);
  finish();
  await first;
  expect(await third).toBe(false);
});
