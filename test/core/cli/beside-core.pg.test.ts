/**
 * The commands on a PostgreSQL server: beside a running core, which holds the lock of the database's
 * one core, and as the auditor's role.
 */
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {emptyPostgres, type EmptyDatabase} from '../../support/database.ts';
import {testMasterKey} from '../../support/seeded-log.ts';
import {spawned, start, type Ended, type Started} from './run.ts';

const cwd = mkdtempSync(join(tmpdir(), 'cellstate-beside-'));
let database: EmptyDatabase;
let environment: Record<string, string>;
let serving: Started;
let url: string;

const cell = (...argv: string[]): Promise<Ended> => spawned(argv, {cwd, environment});

beforeAll(async () => {
  database = await emptyPostgres();
  environment = {
    DATABASE_URL: database.url,
    CELLSTATE_ENVIRONMENT: 'production',
    CELLSTATE_MASTER_KEY: testMasterKey,
    CELLSTATE_PORT: '0',
  };
});
afterAll(async () => {
  serving?.child.kill('SIGKILL');
  await database.drop();
  rmSync(cwd, {recursive: true, force: true});
});

test('a core in production wants its migrations applied, and says how', async () => {
  expect(await cell('serve')).toMatchObject({
    exit: 1,
    err: expect.stringContaining('cellstate migrate up'),
  });
  expect(await cell('doctor', '--quiet')).toMatchObject({
    exit: 1,
    out: expect.stringContaining('cellstate migrate up'),
  });
  await cell('migrate', 'up', '--to', '3');
  expect(await cell('replay', '--check')).toMatchObject({
    exit: 1,
    err: expect.stringContaining('the database lacks 0004_api_key.sql'),
  });
  const pending = await cell('migrate', 'up', '--dry-run', '--quiet');
  expect(pending).toMatchObject({exit: 0, out: expect.stringContaining('0004_api_key.sql')});
  expect((await cell('migrate', 'up', '--quiet')).out).toBe(pending.out);
  expect(await cell('migrate', 'validate')).toMatchObject({exit: 0});
});

describe('beside a running core', () => {
  let made: {tenant_id: string; api_key: string};
  const post = (key: string, name: string): Promise<Response> =>
    fetch(`${url}/api/v1/trajectories`, {
      method: 'POST',
      headers: {authorization: `Bearer ${key}`, 'content-type': 'application/json'},
      body: JSON.stringify({name}),
    });

  beforeAll(async () => {
    serving = start(['serve', '--quiet'], {cwd, environment});
    url = (await serving.printed('\n')).trim();
  });

  test('a second core is refused, a tenant is made, and its key works at once', async () => {
    expect(await cell('serve')).toMatchObject({
      exit: 1,
      err: expect.stringContaining('another core works on this database'),
    });
    const {exit, out} = await cell('tenant', 'create', 'Acme', '--json');
    expect(exit).toBe(0);
    made = JSON.parse(out) as typeof made;
    expect((await post(made.api_key, 'first')).status).toBe(201);
  });

  test('a key made of a tenant whose ledger the core has in memory works, and the core writes on', async () => {
    const {exit, out} = await cell('tenant', 'key', made.tenant_id, '--quiet');
    expect(exit).toBe(0);
    const answers = await Promise.all([
      post(made.api_key, 'old key'),
      post(out.trim(), 'new key'),
      post(made.api_key, 'again'),
    ]);
    expect(answers.map(({status}) => status)).toEqual([201, 201, 201]);
  });

  test('keys made while the core writes are all there, and so is all that it wrote', async () => {
    const keys = [
      cell('tenant', 'key', made.tenant_id, '--quiet'),
      cell('tenant', 'key', made.tenant_id, '--quiet'),
    ];
    let isOver = false;
    const write = async (): Promise<number> => {
      for (let count = 0; ; count += 1) {
        if (isOver) return count;
        expect((await post(made.api_key, `task ${count}`)).status).toBe(201);
      }
    };
    const writing = write();
    const ends = await Promise.all(keys);
    isOver = true;
    expect(ends.map(({exit}) => exit)).toEqual([0, 0]);
    expect(await writing).toBeGreaterThan(0);
    for (const {out} of ends) expect((await post(out.trim(), 'by the new key')).status).toBe(201);
  });

  test('the log verifies as cs_audit, under a policy, and replays, while the core runs', async () => {
    const api = {...environment, CELLSTATE_API_URL: url, CELLSTATE_API_KEY: made.api_key};
    const policy = await spawned(['log', 'key', '--policy'], {cwd, environment: api});
    writeFileSync(join(cwd, 'policy'), policy.out);
    const {exit, out} = await cell('verify', '--log', '--replay', '--policy', 'policy');
    expect({exit, out}).toEqual({
      exit: 0,
      out: expect.stringMatching(/verified[^]*one of the policy[^]*equal/),
    });
    expect(await cell('doctor', '--quiet')).toMatchObject({exit: 0, out: ''});
  });

  test('a login that may not audit is told what it lacks', async () => {
    const login = `nobody_${process.pid}`;
    await database.admin.run(`create role ${login} login`);
    try {
      const other = Object.assign(new URL(database.url), {username: login}).href;
      const {err, exit} = await cell('verify', '--log', '--database', other);
      expect({exit, err}).toEqual({exit: 1, err: expect.stringContaining('grant cs_audit')});
    } finally {
      await database.admin.run(`drop role ${login}`);
    }
  });

  test('SIGTERM ends the core with 0, and the next one starts', async () => {
    serving.child.kill('SIGTERM');
    expect(await serving.ended).toMatchObject({exit: 0});
    expect(await cell('verify', '--log', '--quiet')).toMatchObject({exit: 0, out: ''});
  });
});
