/**
 * The commands as a person runs them: processes of their own, in a folder of their own, on the
 * embedded database that they find there.
 */
import {createHash} from 'node:crypto';
import {mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {Embedded} from '../../../core/store/postgres/embedded.ts';
import {spawned, start, type Ended} from './run.ts';

const cwd = mkdtempSync(join(tmpdir(), 'cellstate-process-'));
const environment = {CELLSTATE_PORT: '0'};
afterAll(() => rmSync(cwd, {recursive: true, force: true}));

const cell = (...argv: string[]): Promise<Ended> => spawned(argv, {cwd, environment});
const file = (name: string, text: string): string => {
  writeFileSync(join(cwd, name), text);
  return name;
};

type Made = {tenant_id: string; api_key: string};
let made: Made;
let eventId: string;

beforeAll(async () => {
  const {err, exit, out} = await cell(
    'tenant',
    'create',
    'Acme',
    '--domain',
    'acme.example',
    '--json',
  );
  expect({exit, err}).toEqual({exit: 0, err: ''});
  made = JSON.parse(out) as Made;
});

test('the launcher finds Bun from Node, and hands on arguments, output and exit code', async () => {
  const node = {cwd, environment, runtime: 'node'};
  expect(await spawned(['--version'], node)).toMatchObject({exit: 0, out: '0.1.0\n'});
  expect((await spawned(['verify'], node)).exit).toBe(64);
});

describe('with a core that runs', () => {
  test("a tenant's key of the command line works, and its proofs verify", async () => {
    // Through the launcher, which hands the signal on that ends it.
    const serving = start(['serve', '--json'], {cwd, environment, runtime: 'node'});
    const {url} = JSON.parse(await serving.printed('}\n')) as {url: string};
    const api = {...environment, CELLSTATE_API_URL: url, CELLSTATE_API_KEY: made.api_key};
    const ask = (...argv: string[]): Promise<Ended> => spawned(argv, {cwd, environment: api});
    try {
      for (let i = 0; i < 3; i += 1) {
        const answer = await fetch(`${url}/api/v1/trajectories`, {
          method: 'POST',
          headers: {authorization: `Bearer ${made.api_key}`, 'content-type': 'application/json'},
          body: JSON.stringify({name: `task ${i}`}),
        });
        expect(answer.status).toBe(201);
        eventId = answer.headers.get('cellstate-receipt') ?? '';
      }
      const [policy, receipt, note, refused, beside] = await Promise.all([
        ask('log', 'key', '--policy'),
        ask('receipt', 'get', eventId, '--open'),
        ask('checkpoint', 'get', '--size', '5'),
        spawned(['log', 'key'], {cwd, environment: {...api, CELLSTATE_API_KEY: 'cst_wrong'}}),
        cell('tenant', 'create', 'Beta'),
      ]);
      file('policy', policy.out);
      file('receipt.json', receipt.out);
      expect(await cell('verify', 'receipt.json', '--policy', 'policy')).toMatchObject({
        exit: 0,
        out: expect.stringContaining('Verified (L1)'),
      });
      expect(
        await ask('checkpoint', 'pin', file('note', note.out), '--policy', 'policy'),
      ).toMatchObject({exit: 0});
      const newest = await ask('checkpoint', 'get');
      expect(
        await ask('checkpoint', 'pin', file('newest', newest.out), '--policy', 'policy'),
      ).toMatchObject({exit: 0, out: expect.stringContaining('goes on from 5')});
      expect(refused).toMatchObject({exit: 1, err: expect.stringContaining('CELLSTATE_API_KEY')});
      expect(beside).toMatchObject({
        exit: 1,
        err: expect.stringMatching(/in use by process \d+.*running core, stop it/),
      });
    } finally {
      serving.child.kill('SIGTERM');
    }
    expect(await serving.ended).toMatchObject({exit: 0});
  });
});

describe('with the core stopped', () => {
  /** Every byte of the database's folder. */
  const digest = (): string => {
    const hash = createHash('sha256');
    const root = join(cwd, '.cellstate');
    for (const name of readdirSync(root, {recursive: true}).map(String).toSorted()) {
      if (statSync(join(root, name)).isFile())
        hash.update(name).update(readFileSync(join(root, name)));
    }
    return hash.digest('hex');
  };

  test('G-4: the whole log verifies, twice, and the store is byte for byte as it was', async () => {
    const before = digest();
    const {exit, out} = await cell('verify', '--log', '--replay', '--policy', 'policy', '--json');
    const report = JSON.parse(out) as {
      tenants: {tenantId: string; believed: string; report: {size: number}}[];
    };
    expect(exit).toBe(0);
    expect(report.tenants.find(({tenantId}) => tenantId === made.tenant_id)).toMatchObject({
      believed: 'policy',
      report: {size: 7},
    });
    expect(await cell('replay', '--check')).toMatchObject({
      exit: 0,
      out: expect.stringContaining('equal'),
    });
    expect(digest()).toBe(before);
  });

  test('a further key is made, and a tenant that is not there is refused', async () => {
    const {exit, out} = await cell('tenant', 'key', made.tenant_id, '--quiet');
    expect({exit, out}).toEqual({exit: 0, out: expect.stringMatching(/^cst_\w+\n$/)});
    const none = '01a00000-0000-7000-8000-000000000000';
    expect(await cell('tenant', 'key', none)).toMatchObject({
      exit: 1,
      err: expect.stringContaining(none),
    });
    expect((await cell('verify', '--log', '--tenant', none)).exit).toBe(64);
  });

  test('doctor and migrate tell the state of things', async () => {
    const {exit, out} = await cell('doctor', '--json');
    expect(exit).toBe(0);
    const {findings} = JSON.parse(out) as {findings: {name: string; is: string}[]};
    for (const name of [
      'runtime',
      'settings',
      'master key',
      'roles',
      'extensions',
      'clock',
      'log keys',
    ]) {
      expect(findings.find((finding) => finding.name === name)).toMatchObject({is: 'ok'});
    }
    const status = JSON.parse((await cell('migrate', 'status', '--json')).out) as {
      applied: string[];
      pending: string[];
    };
    expect(status).toMatchObject({pending: [], drifted: [], unknown: []});
  });

  test('a changed byte is found, named by its leaf, and a changed table by its row', async () => {
    const database = await Embedded.open(join(cwd, '.cellstate/pg'));
    await database.run([
      {
        text: `begin; update ledger.payload p set data = replace(data, 'task 1', 'task 7') where data like '%task 1%';
      update mem.agent set agent_type = 'spy'; commit`,
      },
    ]);
    await database.close();
    const {exit, out} = await cell('verify', '--log', '--tenant', made.tenant_id);
    expect({exit, out}).toEqual({exit: 40, out: expect.stringMatching(/INVALID at leaf 5: data/)});
    const replay = await cell('replay', '--check', '--tenant', made.tenant_id, '--json');
    expect(replay.exit).toBe(1);
    expect(JSON.parse(replay.out)).toMatchObject({
      equal: false,
      tenants: [{differences: [{table: 'mem.agent'}, {table: 'mem.trajectory'}]}],
    });
  });

  test('another master key is noticed', async () => {
    const other = Buffer.from(Array.from({length: 32}, (_, i) => (i * 91 + 5) % 256)).toString(
      'base64',
    );
    const place = {cwd, environment: {...environment, CELLSTATE_MASTER_KEY: other}};
    expect(await spawned(['verify', '--log'], place)).toMatchObject({
      exit: 40,
      out: expect.stringContaining('a listed master key'),
    });
  });
});
