/**
 * The Worker under the real workerd runtime, as a child process: `wrangler dev`.
 *
 * wrangler runs on Node and starts workerd below it. Both are one process group of their own, so
 * that Ctrl-C reaches them when this process says so and nothing of them stays behind.
 */
import {spawn, type ChildProcess} from 'node:child_process';
import {mkdirSync, rmSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {dirname, join} from 'node:path';
import {stripVTControlCharacters} from 'node:util';
import {CliError, exits} from './exit.ts';

export type EdgeOptions = {
  /** 0 for any free port. */
  readonly port: number;
  readonly coreUrl: string;
  /** A private Ed25519 JWK. */
  readonly edgeKey: string;
  readonly corsOrigins: string;
  /** Where wrangler keeps what it keeps: cache, logs, variables. */
  readonly folder: string;
  readonly configFile: string;
  /** What wrangler complains about once it is ready, line by line. */
  readonly complain: (line: string) => void;
};

export type EdgeProcess = {
  readonly url: string;
  /** Ends when the process does, asked or not. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
};

const readyMs = 30_000;
/** How long wrangler has to end workerd before the whole group is killed. */
const stopMs = 3_000;
const readyLine = /Ready on (http:\/\/\S+)/;
/** What wrangler says about Cloudflare's network, which the local edge has no use for. */
const noise = /getaddrinfo|ENOTFOUND|EAI_AGAIN|ECONNREFUSED .*cloudflare|update available/i;

/** Starts it and waits until it answers. Throws with wrangler's own words when it does not start. */
export async function startEdge(of: EdgeOptions): Promise<EdgeProcess> {
  const child = spawnWrangler(of);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    signalGroup(child, 'SIGTERM');
    const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), stopMs);
    await ended;
    clearTimeout(timer);
    signalGroup(child, 'SIGKILL');
    rmSync(variablesOf(of), {force: true});
  };
  try {
    return {url: await ready(child, of), ended, stop};
  } catch (error) {
    await stop();
    throw error;
  }
}

const variablesOf = ({folder}: EdgeOptions): string => join(folder, 'edge.env');

function spawnWrangler(of: EdgeOptions): ChildProcess {
  // Not on the command line, which every user of the machine can read.
  const variables = {CORE_URL: of.coreUrl, CORS_ORIGINS: of.corsOrigins, EDGE_KEY: of.edgeKey};
  const lines = Object.entries(variables).map(([name, value]) => `${name}='${value}'\n`);
  mkdirSync(of.folder, {recursive: true});
  writeFileSync(variablesOf(of), lines.join(''), {mode: 0o600});
  const packageFile = createRequire(import.meta.url).resolve('wrangler/package.json');
  const wrangler = join(dirname(packageFile), 'bin', 'wrangler.js');
  const flags = {
    config: of.configFile,
    env: '',
    'env-file': variablesOf(of),
    ip: '127.0.0.1',
    port: of.port,
    'inspector-port': 0,
    'persist-to': of.folder,
    'show-interactive-dev-session': false,
  };
  const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
  return spawn('node', [wrangler, 'dev', ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      CI: '1',
      NO_COLOR: '1',
      FORCE_COLOR: '0',
      WRANGLER_SEND_METRICS: 'false',
      WRANGLER_LOG_PATH: join(of.folder, 'logs'),
      CLOUDFLARE_CF_FETCH_ENABLED: 'false',
    },
  });
}

/** Waits for the line that names the address; what is complained about before is the refusal's. */
function ready(child: ChildProcess, {complain}: EdgeOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const said: string[] = [];
    let isReady = false;
    const timer = setTimeout(() => reject(refusal('is not ready after 30 s', said)), readyMs);
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const url = readyLine.exec(text)?.[1];
      if (url === undefined) return;
      isReady = true;
      clearTimeout(timer);
      resolve(url);
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      for (const line of stripVTControlCharacters(text).split('\n')) {
        if (line.trim() === '' || noise.test(line)) continue;
        if (isReady) complain(line);
        else said.push(line);
      }
    });
    child.once('error', (error) => reject(refusal(error.message, said)));
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(refusal(`ended with code ${code}`, said));
    });
  });
}

const refusal = (what: string, said: readonly string[]): CliError =>
  new CliError(
    exits.refused,
    `the edge (wrangler dev) ${what}${said.map((line) => `\n  ${line}`).join('')}`,
  );

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // The group is gone already, which is what was wished.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
