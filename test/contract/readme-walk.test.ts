/** The README's walk, run as it stands against the product as `npm start` runs it. */
import {execFile, spawn, type ChildProcess} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync, symlinkSync} from 'node:fs';
import {createServer} from 'node:net';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import {afterAll, beforeAll, expect, test} from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const walk = /```sh\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';

let folder: string;
let product: ChildProcess;
let edgePort: number;

const freePort = (): Promise<number> =>
  new Promise((found, refuse) => {
    const probe = createServer();
    probe.on('error', refuse);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => found(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });

/** Resolves when the product says that it is ready. */
const isReady = (of: ChildProcess): Promise<void> =>
  new Promise((ready, refuse) => {
    let said = '';
    const hear = (chunk: Buffer): void => {
      said += chunk.toString();
      if (said.includes('CellState is ready')) ready();
    };
    of.stdout?.on('data', hear);
    of.stderr?.on('data', hear);
    of.on('exit', (code) => refuse(new Error(`the product ended with ${code}: ${said}`)));
  });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cellstate-walk-'));
  for (const name of [
    'core',
    'edge',
    'shared',
    'migrations',
    'node_modules',
    'package.json',
    'wrangler.toml',
    'test',
  ]) {
    symlinkSync(join(root, name), join(folder, name));
  }
  edgePort = await freePort();
  product = spawn(process.execPath, ['core/cli/start.ts'], {
    cwd: folder,
    detached: true,
    env: {
      ...process.env,
      DATABASE_URL: 'pglite:.cellstate/pg',
      CELLSTATE_PORT: '0',
      CELLSTATE_EDGE_PORT: String(edgePort),
    },
  });
  await isReady(product);
}, 90_000);

afterAll(async () => {
  const ended = new Promise((resolveEnd) => product.on('exit', resolveEnd));
  product.kill('SIGTERM');
  await ended;
  rmSync(folder, {recursive: true, force: true});
}, 30_000);

test('the walk of the README ends in a verified receipt', async () => {
  expect(walk).toContain('cellstate verify');
  const script = walk
    .replaceAll('127.0.0.1:8787', `127.0.0.1:${edgePort}`)
    .replaceAll('npx cellstate', `node ${join(root, 'core/cli/cellstate.cjs')}`);
  const said = await new Promise<string>((done, refuse) => {
    execFile('bash', ['-euo', 'pipefail', '-c', script], {cwd: folder}, (error, stdout, stderr) => {
      if (error === null) done(stdout);
      else refuse(new Error(`${error.message}\n${stdout}\n${stderr}`));
    });
  });
  expect(said).toContain('Paris in May, by train');
  expect(said.toLowerCase()).toContain('verified');
}, 60_000);
