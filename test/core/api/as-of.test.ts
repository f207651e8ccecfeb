/** Reads of the past equal the answers of then (G-3, M-9), but for content that has ended since. */
import {isDeepStrictEqual} from 'node:util';
import fc from 'fast-check';
import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi} from 'vitest';
import {freshPglite, type TestDatabase} from '../../support/database.ts';
import {endingApp, judged, sound, type EndingApp} from '../../support/ending-app.ts';
import {randomOf, seedCount} from '../../support/seeds.ts';
import {asOf, bare, forgetting, live, newWorld, readsOf, type Recorded} from './past-world.ts';

let database: TestDatabase;
let of: EndingApp;

beforeAll(async () => {
  database = await freshPglite();
});
afterAll(() => database.close());
beforeEach(async () => {
  vi.useFakeTimers({toFake: ['Date'], now: Date.now()});
  of = await endingApp(database);
});
afterEach(async () => {
  await of.close();
  vi.useRealTimers();
});

const wait = (ms: number): void => {
  vi.setSystemTime(Date.now() + ms);
};

/** Lives a random life; after each step every read is recorded with its position. */
async function lived(seed: number, choices: readonly number[]): Promise<Recorded[]> {
  const world = newWorld(of, randomOf(seed), wait);
  await of.ok('PATCH', '/config', {max_scope_checkpoints: 2});
  const recorded: Recorded[] = [];
  for (const choice of [0, 1, 3, ...choices]) {
    const before = (await of.call('GET', '/agents')).position;
    await live(world, choice);
    if ((await of.call('GET', '/agents')).position === before) continue;
    const paths = readsOf(world).filter(() => world.random.chance(0.5));
    for (const path of paths) {
      const reply = await of.call('GET', path);
      recorded.push({path, position: await position(), reply});
    }
  }
  return recorded;
}

const position = async (): Promise<number> => (await of.call('GET', '/agents')).position;

/** Reads again as of the recorded positions; answers the first that differs. */
async function difference(recorded: readonly Recorded[]): Promise<object | null> {
  for (const {path, position: at, reply} of recorded) {
    const now = await of.call('GET', asOf(path, at));
    const then = forgetting(reply.body, now.body);
    const shown = {status: now.status, body: bare(now.body)};
    if (!isDeepStrictEqual(shown, {status: reply.status, body: then})) {
      return {path, at, shown, then};
    }
  }
  return null;
}

/** Seeds of lives; SEEDS of the environment tries more of them. */
const seeds = Array.from({length: seedCount(1)}, (_, index) => 7 + index);

test.each(seeds)(
  'every read as of a position is the answer of then, in the life of seed %i',
  async (seed) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(1_000), {minLength: 30, maxLength: 40}), async (choices) => {
        const recorded = await lived(seed, choices);
        expect(recorded.length).toBeGreaterThan(200);
        await of.app.upkeep.run(of.tenant.tenantNo);
        expect(await difference(recorded)).toBeNull();
        expect(await judged(database, of.tenant)).toMatchObject(sound);
      }),
      {numRuns: 1, seed, endOnFailure: true},
    );
  },
  60_000,
);

describe('the recorded moment', () => {
  const made: string[] = [];
  beforeEach(async () => {
    made.length = 0;
    for (const name of ['first', 'second', 'third']) {
      made.push((await of.ok('POST', '/trajectories', {name})).created_at);
      wait(10);
    }
  });
  const names = async (query: string): Promise<string[]> =>
    (await of.ok('GET', `/trajectories?order=asc&${query}`)).trajectories.map(
      ({name}: {name: string}) => name,
    );

  test('as a time is that of the last event at or before it', async () => {
    const last = await position();
    const [first = '', second = '', third = ''] = made;
    const before = new Date(Date.parse(second) - 1).toISOString();
    expect(await names(`as_of=${first}`)).toEqual(['first']);
    expect(await names(`as_of=${before}`)).toEqual(['first']);
    expect(await names(`as_of=${second}`)).toEqual(await names(`as_of_position=${last - 1}`));
    expect(await names(`as_of=${third}`)).toEqual(['first', 'second', 'third']);
    expect((await of.call('GET', `/trajectories?as_of=${second}`)).position).toBe(last - 1);
    expect(await names('as_of=2020-01-01T00:00:00Z')).toEqual([]);
  });

  test('in the future is INVALID_RANGE with the last position, and two of them are refused', async () => {
    const last = await position();
    const future = new Date(Date.now() + 3_600_000).toISOString();
    for (const query of [`as_of_position=${last + 1}`, `as_of=${future}`]) {
      expect(await of.call('GET', `/trajectories?${query}`)).toMatchObject({
        status: 400,
        body: {code: 'INVALID_RANGE', details: {position: last}},
      });
    }
    expect(await of.call('GET', `/trajectories?as_of_position=1&as_of=${made[0]}`)).toMatchObject({
      status: 400,
      body: {code: 'INVALID_INPUT'},
    });
  });
});

test('what was just acknowledged is listed, also where the clock was set back', async () => {
  await of.ok('POST', '/notes', {note_type: 'Fact', title: 'n', content: 'now'});
  wait(-60_000);
  await of.close();
  of = await of.again();
  expect((await of.ok('GET', '/notes')).total).toBe(1);
});

test('a scope of the past counts the tokens that it held then, whatever its batch', async () => {
  const {trajectory_id} = await of.ok('POST', '/trajectories', {name: 'a task'});
  const {scope_id} = await of.ok('POST', '/scopes', {trajectory_id, name: 'window'});
  const say = (): Promise<unknown> =>
    of.ok('POST', '/turns', {scope_id, role: 'User', content: 'one two three', token_count: 3});
  const from = await position();
  await Promise.all([say(), say(), of.ok('PATCH', `/scopes/${scope_id}`, {name: 'other'}), say()]);
  await of.ok('POST', `/scopes/${scope_id}/turns/rewind`, {from_sequence: 2});
  const used: number[] = [];
  for (let at = from; at <= from + 5; at += 1) {
    used.push((await of.ok('GET', asOf(`/scopes/${scope_id}`, at))).tokens_used);
  }
  expect(used.slice(0, 5).toSorted((a, b) => a - b)).toEqual(used.slice(0, 5));
  expect(new Set(used)).toEqual(new Set([0, 3, 6, 9]));
  expect(used.slice(-2)).toEqual([9, 3]);
});
