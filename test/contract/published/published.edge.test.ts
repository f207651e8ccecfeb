/**
 * The published Python client, unmodified, from its registry, over both tiers.
 *
 * What is asked stands in `checks.py`, a check a rule of `12-published-client`. A check whose routes
 * the contracts do not have yet is left open, and is asked from the day they do.
 */
import {spawn, spawnSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {contracts} from '../../../shared/wire/all.ts';
import {openTiers, type Tier, type Tiers} from '../../support/tiers.ts';

const here = import.meta.dirname;
const requirements = join(here, 'requirements.txt');
const installLimitMs = 300_000;
const runLimitMs = 180_000;

/** The checks, and the part of a path without which one has nothing to ask. */
const checks: Readonly<Record<string, string | null>> = {
  'D-1': null,
  'D-2': null,
  'D-3': null,
  'D-4': null,
  'D-4 score': '/notes/search',
  'D-5 add': null,
  'D-5 recall': '/notes/search',
  'D-6': null,
  'D-6 messages': '/messages',
  'D-6 delegations': '/delegations',
  'D-6 handoffs': '/handoffs',
  'D-7': null,
  'D-9': null,
  'managers of memory': null,
  'managers of agents': null,
  'managers of the tenant': null,
  'admin keys': '/api-keys/admin',
  search: '/search',
  context: '/context/assemble',
  alignment: '/intents/alignment',
  'outcome graph': '/outcome-graph',
  "client's own failures": null,
};

const isServed = (part: string | null): boolean =>
  part === null || contracts.some(({path}) => path.startsWith(part) || path.endsWith(part));

/** A Python that has the client; kept from run to run under the digest of what is installed. */
function install(): {python: string} | {reason: string} {
  const least = 'import sys; sys.exit(0 if sys.version_info >= (3, 10) else 1)';
  if (spawnSync('python3', ['-c', least]).status !== 0)
    return {reason: 'there is no Python 3.10 or later'};
  const digest = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
  const folder = join(tmpdir(), `cellstate-published-${digest}`);
  const python = join(folder, 'bin/python');
  const mark = join(folder, 'installed');
  if (existsSync(mark)) return {python};
  const steps = [
    ['python3', '-m', 'venv', folder],
    [
      python,
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '--requirement',
      requirements,
    ],
  ] as const;
  for (const [program, ...argv] of steps) {
    const {status, stderr} = spawnSync(program, argv, {encoding: 'utf8', timeout: installLimitMs});
    if (status !== 0)
      return {reason: `${argv[1]} ${argv[2]}: ${(stderr ?? '').trim().split('\n').at(-1) ?? ''}`};
  }
  writeFileSync(mark, '');
  return {python};
}

const installed = install();
if ('reason' in installed)
  console.warn(`NOT RUN: the published Python client, because ${installed.reason}`);

type Told = {readonly name: string; readonly absent: string | null; readonly error: string | null};

/** Runs all checks as a tenant of its own. */
async function runChecks(tiers: Tiers, tier: Tier): Promise<Map<string, Told>> {
  const caller = await tiers.tenant();
  const readKey = await tiers.keyOf(caller, {scopes: ['memory:read']});
  const child = spawn('python' in installed ? installed.python : '', [join(here, 'checks.py')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'] ?? '',
      PYTHONDONTWRITEBYTECODE: '1',
      URL: tiers.urls[tier],
      KEY: caller.key,
      TENANT: caller.tenantId,
      AGENT: caller.agentId,
      READ_KEY: readKey,
    },
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (data: Buffer) => void (out += data.toString()));
  child.stderr.on('data', (data: Buffer) => void (err += data.toString()));
  const exit = await new Promise<number | null>((resolve) => child.on('close', resolve));
  expect(exit, err).toBe(0);
  const told = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Told);
  return new Map(told.map((one) => [one.name, one]));
}

describe.skipIf('reason' in installed)('the published Python client', () => {
  let tiers: Tiers;
  const told = new Map<Tier, Map<string, Told>>();
  beforeAll(async () => {
    tiers = await openTiers({edgeRate: 10_000_000});
    for (const tier of ['core', 'edge'] as const) told.set(tier, await runChecks(tiers, tier));
  }, runLimitMs);
  afterAll(() => tiers?.close());

  test('asks every check that is listed here', () => {
    expect([...(told.get('core')?.keys() ?? [])]).toEqual(Object.keys(checks));
  });

  describe.each(['core', 'edge'] as const)('over the %s', (tier) => {
    for (const [name, part] of Object.entries(checks)) {
      if (!isServed(part)) {
        test.todo(`${name}: no route of ${part} yet`);
        continue;
      }
      test(name, () => {
        const one = told.get(tier)?.get(name);
        expect(one?.error ?? null).toBe(null);
        expect(one?.absent ?? null).toBe(null);
      });
    }
  });
});
