/** Exit codes, help, settings: what a script and a person rely on. */
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, describe, expect, test} from 'vitest';
import {configMarks, configRows, configTable} from '../../../core/cli/config.ts';
import {variables} from '../../../core/config.ts';
import {testMasterKey} from '../../support/seeded-log.ts';
import {command} from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'cellstate-cli-'));
afterAll(() => rmSync(folder, {recursive: true, force: true}));

describe('exit codes', () => {
  test.each([
    [['--help'], 0],
    [['--version'], 0],
    [['migrate', '--help'], 0],
    [['nonsense'], 2],
    [['tenant', 'create'], 2],
    [['migrate', 'status', '--database', 'mysql://x'], 2],
    [['tenant', 'key', 'no-id', '--database', 'pglite:memory'], 2],
    [['receipt', 'get', 'no-id'], 2],
    [['replay'], 2],
    [['verify'], 64],
    [['verify', '--nonsense'], 64],
    [['verify', 'no-such-file'], 64],
    [['verify', 'package.json'], 64],
    [['verify', 'package.json', '--replay'], 64],
    [['verify', '--log', 'package.json'], 64],
    [['verify', 'package.json', '--policy', 'package.json'], 64],
    [['verify', '--log', '--database', 'pglite:/no/such/folder'], 1],
    [['replay', '--check', '--database', 'pglite:/no/such/folder'], 1],
    [['migrate', 'status', '--database', 'pglite:/no/such/folder'], 1],
    [['verify', '--log', '--database', 'postgres://127.0.0.1:9/none'], 3],
    [['migrate', 'status', '--database', 'postgres://127.0.0.1:9/none'], 3],
  ])('%j ends with %i', async (argv, exit) => {
    expect((await command(argv)).exit).toBe(exit);
  });

  test('a server that is not there is 3, and what to do is said', async () => {
    const environment = {CELLSTATE_API_URL: 'http://127.0.0.1:9', CELLSTATE_API_KEY: 'cst_x'};
    for (const argv of [
      ['log', 'key'],
      ['checkpoint', 'get'],
    ]) {
      const {err, exit, out} = await command(argv, environment);
      expect({exit, out}).toEqual({exit: 3, out: ''});
      expect(err).toContain('cellstate serve');
    }
  });

  test('for a program an error is JSON on standard output', async () => {
    const {err, out} = await command(['log', 'key', '--json'], {
      CELLSTATE_API_URL: 'http://127.0.0.1:9',
    });
    expect(err).toBe('');
    expect(JSON.parse(out)).toMatchObject({error: {code: 'UNREACHABLE', exit: 3}});
  });

  test('a setting that nobody has is refused with the name meant', async () => {
    const {err, exit} = await command(['tenant', 'create', 'Acme', '--database', 'pglite:memory'], {
      CELLSTATE_MASTER_KEY: testMasterKey,
      CELLSTATE_MASTERKEY: 'x',
    });
    expect(exit).toBe(2);
    expect(err).toContain('did you mean CELLSTATE_MASTER_KEY?');
  });
});

describe('help', () => {
  test.each([
    'serve',
    'migrate',
    'tenant',
    'config',
    'doctor',
    'verify',
    'replay',
    'receipt',
    'log',
    'checkpoint',
  ])('%s is in the list and has its own', async (name) => {
    expect((await command(['--help'])).out).toContain(`\n  ${name}`);
    const {exit, out} = await command([name, '--help']);
    expect({exit, usage: out.startsWith(`Usage: cellstate ${name}`)}).toEqual({
      exit: 0,
      usage: true,
    });
  });

  test('verify tells its exit codes and what a policy is', async () => {
    const {out} = await command(['verify', '--help']);
    for (const text of ['0 verified', '11 ', '20 ', '30 ', '40 ', '64 ', 'quorum none'])
      expect(out).toContain(text);
  });
});

describe('config', () => {
  const secret = 'QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=';

  test('no secret is shown, and the source of each value is', () => {
    const environment = {
      CELLSTATE_MASTER_KEY: secret,
      DATABASE_URL: 'postgres://me:hunter2@db/x',
      CELLSTATE_PORT: '1',
    };
    const rows = configRows(environment, null);
    expect(JSON.stringify(rows)).not.toMatch(/hunter2|QUFB/);
    const by = Object.fromEntries(rows.map(({name, source, value}) => [name, [value, source]]));
    expect(by).toMatchObject({
      CELLSTATE_MASTER_KEY: ['********', 'environment'],
      DATABASE_URL: ['postgres://me:***@db/x', 'environment'],
      CELLSTATE_PORT: ['1', 'environment'],
      CELLSTATE_HOST: ['127.0.0.1', 'default'],
      CELLSTATE_AUTO_MIGRATE: ['true', 'default'],
      DATABASE_APP_URL: [null, 'unset'],
    });
    expect(rows.map(({name}) => name)).toEqual(Object.keys(variables));
  });

  test('the key of a development machine is told by its file, and counts nowhere else', () => {
    const dev = {CELLSTATE_MASTER_KEY: secret};
    const source = (environment: Record<string, string>): string | undefined =>
      configRows(environment, dev).find(({name}) => name === 'CELLSTATE_MASTER_KEY')?.source;
    expect(source({})).toBe('.cellstate/dev.json');
    expect(source({CELLSTATE_ENVIRONMENT: 'production'})).toBe('unset');
  });

  test('the table of the README is the one that `config --markdown` prints', async () => {
    const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
    const [begin, end] = configMarks;
    const from = readme.indexOf(begin) + begin.length;
    expect(readme.indexOf(begin)).toBeGreaterThan(-1);
    expect(readme.slice(from, readme.indexOf(end)).trim()).toBe(configTable().trim());
    expect((await command(['config', '--markdown'])).out).toBe(configTable());
  });
});
