/** Starting the core that the HTTP rows ask, with its defaults but for the rate limit. */
import {mkdtempSync, openSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import type {Question} from './core-child.ts';

/** The settings that differ from their defaults, as every table says. */
export const loadSettings = {
  CELLSTATE_RATE_LIMIT_TENANT: '6000000',
  CELLSTATE_RATE_LIMIT_BURST: '6000000',
} as const;

export type NewTenant = {
  readonly tenantId: string;
  readonly tenantNo: number;
  readonly key: string;
};

export type CoreProcess = {
  readonly url: string;
  readonly databaseUrl: string;
  readonly startedMs: number;
  tenant(name: string): Promise<NewTenant>;
  /** MB that the process holds, after its collector has run. */
  residentMb(): Promise<number>;
  /** Asks one thing through the API; throws when the answer is no success. */
  call<T>(key: string, method: string, path: string, body?: unknown): Promise<T>;
  stop(): Promise<void>;
};

type Told = {readonly url?: string; readonly error?: string};

const child = fileURLToPath(new URL('./core-child.ts', import.meta.url));
const startLimitMs = 60_000;

export type StartOptions = {
  readonly databaseUrl: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Where it keeps its guard and its cache; a new folder without. */
  readonly folder?: string;
};

/** Starts it and waits until it listens. Its log goes to a file, as a service's would. */
export async function startCore({
  databaseUrl,
  environment = {},
  folder,
}: StartOptions): Promise<CoreProcess> {
  const home = folder ?? mkdtempSync(join(tmpdir(), 'cellstate-bench-'));
  const log = openSync(join(home, 'core.log'), 'a');
  const began = performance.now();
  let hear: (told: Told) => void = () => {};
  const heard = (): Promise<Told> =>
    new Promise((resolve) => {
      hear = resolve;
    });
  const first = heard();
  const core = Bun.spawn([process.execPath, ...profiling(), child], {
    cwd: home,
    stdio: ['ignore', log, log],
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: home,
      DATABASE_URL: databaseUrl,
      CELLSTATE_PORT: '0',
      ...loadSettings,
      ...environment,
    },
    ipc: (told: Told) => hear(told),
  });
  const late = Bun.sleep(startLimitMs).then((): Told => ({error: 'it does not listen'}));
  const gone = core.exited.then((code): Told => ({error: `it ended with ${code}`}));
  const {url, error} = await Promise.race([first, late, gone]);
  if (url === undefined) {
    core.kill('SIGKILL');
    throw new Error(
      `the core: ${error}\n${readFileSync(join(home, 'core.log'), 'utf8').slice(-2_000)}`,
    );
  }
  const startedMs = performance.now() - began;

  async function ask<T>(question: Question): Promise<T> {
    const answer = heard();
    core.send(question);
    const told = await answer;
    if (told.error !== undefined) throw new Error(`the core: ${told.error}`);
    return told as T;
  }

  return {
    url,
    databaseUrl,
    startedMs,
    tenant: (name) => ask({is: 'tenant', name}),
    async residentMb() {
      await ask({is: 'collect'});
      const status = readFileSync(`/proc/${core.pid}/status`, 'utf8');
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024;
    },
    async call<T>(key: string, method: string, path: string, body?: unknown): Promise<T> {
      const headers = {authorization: `Bearer ${key}`, 'content-type': 'application/json'};
      const sent = body === undefined ? {} : {body: JSON.stringify(body)};
      const answer = await fetch(`${url}/api/v1${path}`, {method, headers, ...sent});
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 500)}`);
      return JSON.parse(text) as T;
    },
    async stop() {
      core.kill('SIGTERM');
      await core.exited;
      if (folder === undefined) rmSync(home, {recursive: true, force: true});
    },
  };
}

/** BENCH_PROFILE names a folder: the core writes where its time went into it when it ends. */
function profiling(): string[] {
  const folder = process.env['BENCH_PROFILE'];
  return folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
}
