/**
 * Files of known formats come in through the public API of both tiers: all of it, once, whatever dies
 * on the way, and the log that comes of it verifies with nobody's help.
 *
 * The small files are made up. The real ones are measured where they are at hand; FULL=1 takes all of
 * them instead of a part that fits a test run.
 */
import {existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {timeOf} from '../../core/cli/import/locomo.ts';
import {command, start} from '../core/cli/run.ts';
import {startCoreProcess, type CoreProcess} from '../support/core-process.ts';
import {members, type Caller} from '../support/test-app.ts';
import {openTiers, type Tiers} from '../support/tiers.ts';

const root = resolve(import.meta.dirname, '../..');
const small = {
  'tau-bench': join(import.meta.dirname, 'fixtures/tau-bench.json'),
  locomo: join(import.meta.dirname, 'fixtures/locomo.json'),
} as const;
const real = {
  'tau-bench': resolve(root, '../shared/data/tau-bench-airline-dev.json'),
  locomo: resolve(root, '../shared/data/locomo-dev.json'),
} as const;
type Format = keyof typeof small;

const isFull = process.env['FULL'] === '1';
const partOfRuns = 10;
const partOfTalks = 'conv-30';
const realTimeoutMs = 600_000;

const folder = mkdtempSync(join(tmpdir(), 'cellstate-import-'));
const databaseUrl = `pglite:${join(folder, 'pg')}`;
const masterKey = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64');
let tiers: Tiers;
let isClosed = false;

beforeAll(async () => {
  tiers = await openTiers({
    edgeRate: 10_000_000,
    environment: {
      DATABASE_URL: databaseUrl,
      CELLSTATE_MASTER_KEY: masterKey,
      CELLSTATE_CACHE_PATH: join(folder, 'cache'),
      CELLSTATE_EVENT_DAG_PATH: join(folder, 'guard'),
    },
  });
});
const close = async (): Promise<void> => {
  if (!isClosed) await tiers.close();
  isClosed = true;
};
afterAll(async () => {
  await close();
  rmSync(folder, {recursive: true, force: true});
});

type Summary = {
  counts: Record<string, number>;
  written: number;
  replayed: number;
  position: number;
};

async function run(argv: readonly string[], url: string, key: string): Promise<Summary> {
  const environment = {CELLSTATE_API_URL: url, CELLSTATE_API_KEY: key};
  const {err, exit, out} = await command(['import', ...argv, '--json'], environment);
  expect({exit, err, out: exit === 0 ? '' : out}).toEqual({exit: 0, err: '', out: ''});
  return JSON.parse(out) as Summary;
}

type Items = Record<string, unknown>[];

async function list(caller: Caller, path: string, member: string): Promise<Items> {
  const reply = await tiers.send('core', {method: 'GET', path: `/api/v1${path}`, key: caller.key});
  return members(reply)[member] as Items;
}

/** Imports twice through the edge: all of it at first, nothing the second time. */
async function twice(
  caller: Caller,
  argv: readonly string[],
): Promise<{first: Summary; grown: number}> {
  const before = await tiers.sizeOf(caller);
  const first = await run(argv, tiers.urls.edge, caller.key);
  const size = await tiers.sizeOf(caller);
  const second = await run(argv, tiers.urls.edge, caller.key);
  expect(await tiers.sizeOf(caller)).toBe(size);
  expect(second.counts).toEqual(first.counts);
  expect([first.replayed, second.written, second.replayed]).toEqual([0, 0, first.written]);
  return {first, grown: size - before};
}

/** What the made-up runs hold: six runs of ten or twelve messages. */
const smallRuns = {
  runs: 6,
  rewarded_runs: 3,
  messages: 72,
  tool_calls: 24,
  null_contents: 24,
  tool_errors: 3,
  artifacts: 18,
  empty_results: 6,
  notes: 9,
  outcomes: 0,
};
/** 111 writes, and two events for each of the six pairs of states that contradict one another. */
const smallGrown = 123;

describe('made-up files', () => {
  test('runs become trajectories, turns, results and states of reservations, once', async () => {
    const caller = await tiers.tenant();
    const {first, grown} = await twice(caller, ['tau-bench', small['tau-bench']]);
    expect(grown).toBe(smallGrown);
    expect(first.counts).toEqual(smallRuns);
    const all = await list(caller, '/trajectories', 'trajectories');
    const run0 = all.find(({name}) => name === 'task 0, trial 0');
    expect(run0).toMatchObject({
      status: 'active',
      metadata: {task_id: 0, trial: 0, reward: 1, outcome: 'Success'},
    });
    const trajectory = String(run0?.['trajectory_id']);
    const turns = await list(caller, `/trajectories/${trajectory}/turns?order=asc`, 'turns');
    expect(turns.map(({role}) => role).slice(0, 4)).toEqual([
      'System',
      'User',
      'Assistant',
      'Tool',
    ]);
    expect(turns[2]).toMatchObject({content: '', tool_calls: [{id: 'call_a'}]});
    const artifacts = await list(caller, `/artifacts?trajectory_id=${trajectory}`, 'artifacts');
    for (const {artifact_type: type, content, metadata, provenance} of artifacts) {
      const {source_turn_id: turnId} = provenance as {source_turn_id: string};
      const turn = turns.find(({turn_id: id}) => id === turnId);
      expect(type).toBe('ToolResult');
      expect(turn).toMatchObject({
        role: 'Tool',
        content,
        sequence: (provenance as {source_turn: number}).source_turn,
      });
      expect(turn?.['tool_results']).toMatchObject([metadata]);
    }
    const notes = await list(
      caller,
      `/notes?claim_key=${encodeURIComponent('reservation:RES0/state')}`,
      'notes',
    );
    expect(notes).toHaveLength(3);
  });

  test('with --end each run ends with the outcome that its reward says, also after an import without', async () => {
    const caller = await tiers.tenant();
    await run(['tau-bench', small['tau-bench']], tiers.urls.core, caller.key);
    const {first} = await twiceFrom(caller, ['tau-bench', small['tau-bench'], '--end']);
    expect(first).toMatchObject({written: 6, counts: {...smallRuns, outcomes: 6}});
    const all = await list(caller, '/trajectories', 'trajectories');
    expect(all.map(({status}) => String(status)).toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      ...Array(3).fill('completed'),
      ...Array(3).fill('failed'),
    ]);
  });

  test('conversations become agents, sessions that stay open, and lines that know their time', async () => {
    const caller = await tiers.tenant();
    const {first} = await twice(caller, ['locomo', small.locomo, '--concurrency', '2']);
    expect(first.counts).toEqual({
      conversations: 2,
      agents: 4,
      sessions: 4,
      turns: 12,
      captions: 4,
    });
    const scopes = await list(caller, '/scopes?order=asc&is_active=true', 'scopes');
    expect(scopes).toHaveLength(4);
    const late = scopes.find(({name}) => name === 'session 2');
    const turns = await list(
      caller,
      `/scopes/${String(late?.['scope_id'])}/turns?order=asc`,
      'turns',
    );
    expect(turns.map(({role, valid_from}) => [role, valid_from])).toEqual([
      ['Assistant', '2023-06-01T00:05:01.000000Z'],
      ['User', '2023-06-01T00:05:02.000000Z'],
      ['Assistant', '2023-06-01T00:05:03.000000Z'],
    ]);
    expect(turns[1]).toMatchObject({
      metadata: {caption: 'a photo of a lake'},
      content: 'Look at this',
    });
  });

  test('what is no such file, no such number or no such server is told before anything is written', async () => {
    const tell = async (argv: string[], url = tiers.urls.core) =>
      command(['import', ...argv], {CELLSTATE_API_URL: url, CELLSTATE_API_KEY: 'cst_none'});
    const {locomo, 'tau-bench': tauBench} = small;
    expect(await tell(['tau-bench', locomo])).toMatchObject({
      exit: 2,
      err: expect.stringContaining('not of the format tau-bench'),
    });
    expect(await tell(['tau-bench', 'nowhere.json'])).toMatchObject({
      exit: 2,
      err: expect.stringContaining('nowhere.json'),
    });
    expect(await tell(['locomo', locomo, '--conversation', 'conv-9'])).toMatchObject({
      exit: 2,
      err: expect.stringContaining('conv-1, conv-2'),
    });
    expect(await tell(['locomo', locomo, '--concurrency', '0'])).toMatchObject({exit: 2});
    expect(await tell(['locomo', locomo])).toMatchObject({
      exit: 1,
      err: expect.stringContaining('CELLSTATE_API_KEY'),
    });
    expect(await tell(['locomo', locomo], 'http://127.0.0.1:1')).toMatchObject({
      exit: 3,
      err: expect.stringContaining('does not answer'),
    });
    expect(await tell(['tau-bench', tauBench], tiers.urls.edge)).toMatchObject({exit: 1});
    expect([timeOf('12:05 pm on 1 June, 2023'), timeOf('noon')]).toEqual([
      Date.UTC(2023, 5, 1, 12, 5),
      null,
    ]);
  });
});

/** As `twice`, for a file of which a part is there already. */
async function twiceFrom(caller: Caller, argv: readonly string[]): Promise<{first: Summary}> {
  const first = await run(argv, tiers.urls.edge, caller.key);
  const size = await tiers.sizeOf(caller);
  expect(await run(argv, tiers.urls.edge, caller.key)).toMatchObject({
    written: 0,
    counts: first.counts,
  });
  expect(await tiers.sizeOf(caller)).toBe(size);
  return {first};
}

test(
  'an importer that is killed and a core that dies leave what an undisturbed import leaves',
  {timeout: 120_000},
  async () => {
    const home = mkdtempSync(join(tmpdir(), 'cellstate-import-kill-'));
    const options = {folder: home, databaseUrl: `pglite:${join(home, 'pg')}`};
    let core: CoreProcess = await startCoreProcess({
      ...options,
      dieAt: {step: 'committed', count: 40},
    });
    let passed = 0;
    // Between importer and core, so that a new core is found where the old one was.
    const front = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      async fetch(request) {
        const {pathname, search} = new URL(request.url);
        passed += 1;
        const body = request.method === 'GET' ? {} : {body: await request.arrayBuffer()};
        return fetch(core.url + pathname + search, {
          method: request.method,
          headers: request.headers,
          ...body,
        }).catch(() => new Response('no core', {status: 502}));
      },
    });
    const url = `http://127.0.0.1:${front.port}`;
    const sizeNow = async (): Promise<number> => {
      const answer = await fetch(`${url}/api/v1/log/checkpoint`, {
        headers: {authorization: `Bearer ${core.key}`},
      });
      return Number((await answer.text()).split('\n')[1]);
    };
    try {
      const before = await sizeNow();
      const environment = {CELLSTATE_API_URL: url, CELLSTATE_API_KEY: core.key};
      const argv = ['import', 'tau-bench', small['tau-bench'], '--json', '--concurrency', '2'];
      const importer = start(argv, {cwd: home, environment});
      while (passed < 25) await Bun.sleep(5);
      importer.child.kill('SIGKILL');
      await importer.ended;
      expect(await sizeNow()).toBeLessThan(before + smallGrown);
      // The core dies under the second import, after a commit that it acknowledges to nobody.
      const resumed = run(argv.slice(1), url, core.key);
      await Promise.race([core.ended, resumed]);
      core = await startCoreProcess(options);
      const {counts, replayed, written} = await resumed;
      expect(counts).toEqual(smallRuns);
      expect(replayed).toBeGreaterThan(0);
      expect(written).toBeGreaterThan(0);
      expect(await sizeNow()).toBe(before + smallGrown);
    } finally {
      await core.kill();
      await front.stop(true);
    }
    const {CELLSTATE_MASTER_KEY = ''} = JSON.parse(
      readFileSync(join(home, '.cellstate/dev.json'), 'utf8'),
    ) as Record<string, string>;
    const verified = await command(
      ['verify', '--log', '--replay', '--database', options.databaseUrl],
      {CELLSTATE_MASTER_KEY},
    );
    expect(verified).toMatchObject({exit: 0, err: ''});
    rmSync(home, {recursive: true, force: true});
  },
);

/** The files that are at hand; loudly none. */
function realFile(format: Format): string | null {
  if (existsSync(real[format])) return real[format];
  console.warn(`NOT RUN: the import of real ${format} data: ${real[format]} is absent`);
  return null;
}

type RealRun = {
  reward: number;
  traj: {role: string; content: string | null; tool_calls?: object[]}[];
};

describe('real files', () => {
  const tauBench = realFile('tau-bench');
  const locomo = realFile('locomo');

  test.skipIf(tauBench === null)(
    isFull ? 'all 100 runs' : `${partOfRuns} runs of 100 (FULL=1 takes all)`,
    {timeout: realTimeoutMs},
    async () => {
      const all = JSON.parse(readFileSync(tauBench ?? '', 'utf8')) as RealRun[];
      const runs = isFull ? all : all.slice(0, partOfRuns);
      const file = join(folder, 'runs.json');
      writeFileSync(file, JSON.stringify(runs));
      const messages = runs.flatMap(({traj}) => traj);
      const count = (is: (message: RealRun['traj'][number]) => boolean): number =>
        messages.filter(is).length;
      const expected = {
        runs: runs.length,
        rewarded_runs: runs.filter(({reward}) => reward === 1).length,
        messages: messages.length,
        tool_calls: messages.flatMap(({tool_calls: calls = []}) => calls ?? []).length,
        null_contents: count(({content, role}) => role === 'assistant' && content === null),
        tool_errors: count(
          ({content, role}) => role === 'tool' && content?.startsWith('Error') === true,
        ),
        artifacts: count(({content, role}) => role === 'tool' && content !== ''),
        empty_results: count(({content, role}) => role === 'tool' && content === ''),
      };
      if (isFull) {
        expect(expected).toMatchObject({
          runs: 100,
          messages: 2962,
          tool_calls: 621,
          null_contents: 576,
          tool_errors: 63,
          rewarded_runs: 31,
        });
      }
      const caller = await tiers.tenant();
      const {first, grown} = await twice(caller, ['tau-bench', file]);
      expect(first.counts).toMatchObject(expected);
      console.info(`tau-bench: ${JSON.stringify(first)}, the log grew by ${grown}`);
    },
  );

  test.skipIf(locomo === null)(
    isFull ? 'all three conversations' : `conversation ${partOfTalks} (FULL=1 takes all)`,
    {timeout: realTimeoutMs},
    async () => {
      const caller = await tiers.tenant();
      const only = isFull ? [] : ['--conversation', partOfTalks];
      const {first} = await twice(caller, ['locomo', locomo ?? '', ...only]);
      expect(first.counts).toMatchObject(
        isFull
          ? {conversations: 3, agents: 6, sessions: 70, turns: 1451}
          : {conversations: 1, agents: 2, sessions: 19, turns: 369},
      );
    },
  );

  test(
    'the log of all that was imported verifies offline, and its tables are what its events say',
    {timeout: realTimeoutMs},
    async () => {
      await close();
      const verified = await command(['verify', '--log', '--replay', '--database', databaseUrl], {
        CELLSTATE_MASTER_KEY: masterKey,
      });
      expect(verified).toMatchObject({exit: 0, err: ''});
    },
  );
});
