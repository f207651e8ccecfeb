/** A client that goes away ends what was done for it, as if it had been connected to the core. */
import {execFileSync, spawn, type ChildProcess} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {makeKeyText} from '../../shared/key-text.ts';
import {wireVersion} from '../../shared/version.ts';

const folder = mkdtempSync(join(tmpdir(), 'cellstate-leaving-'));
const key = makeKeyText(crypto.getRandomValues(new Uint8Array(32)));
const byCore = {'cellstate-version': wireVersion};
const credential = {
  active: true,
  tenant_id: 't',
  scopes: [],
  agent_id: null,
  key_id: 'k',
  exp: null,
};

let stand: (request: Request) => Response | Promise<Response>;
const core = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  // Nothing but the client's leaving may end a request here.
  idleTimeout: 0,
  fetch: (request) =>
    request.url.endsWith('/auth/introspect')
      ? Response.json(credential, {headers: byCore})
      : stand(request),
});
let workerd: ChildProcess;
let ended: Promise<unknown>;
let url = '';

beforeAll(async () => {
  const wrangler = 'node_modules/wrangler/bin/wrangler.js';
  const env = {...process.env, CI: '1', WRANGLER_SEND_METRICS: 'false', WRANGLER_LOG_PATH: folder};
  const build = ['deploy', '--dry-run', '--env', '', '--outdir', folder];
  execFileSync('node', [wrangler, ...build], {env, stdio: 'pipe'});
  const rate = {simple: {limit: 100, period: 60}};
  const options = {
    modulesRoot: folder,
    modules: [{type: 'ESModule', path: join(folder, 'worker.js')}],
    compatibilityDate: /compatibility_date = "(.*)"/.exec(
      readFileSync('wrangler.toml', 'utf8'),
    )?.[1],
    bindings: {CORE_URL: core.url.origin, CORS_ORIGINS: ''},
    ratelimits: {TENANT_RATE: rate, ADDRESS_RATE: rate},
    cf: false,
  };
  workerd = spawn('node', ['test/support/bare-workerd.cjs', JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  ended = new Promise((resolve) => workerd.once('exit', resolve));
  const ready = new Promise<string>((resolve) => {
    workerd.stdout?.once('data', (text) => resolve(String(text).trim()));
  });
  url = await Promise.race([ready, ended.then(() => Promise.reject(new Error('no workerd')))]);
});
afterAll(async () => {
  workerd.stdin?.end();
  await ended;
  await core.stop(true);
  rmSync(folder, {recursive: true, force: true});
});

const ask = (signal: AbortSignal) =>
  fetch(`${url}/api/v1/trajectories`, {headers: {authorization: `Bearer ${key}`}, signal});

test('a stream ends at the core when its client goes', async () => {
  const leave = new AbortController();
  const gone = Promise.withResolvers<void>();
  stand = () => {
    const start = (controller: ReadableStreamDefaultController): void =>
      controller.enqueue(new TextEncoder().encode(': ok\n\n'));
    const body = new ReadableStream({start, cancel: () => gone.resolve()});
    return new Response(body, {headers: {...byCore, 'content-type': 'text/event-stream'}});
  };
  const reader = (await ask(leave.signal)).body?.getReader();
  await reader?.read();
  leave.abort();
  await gone.promise;
});

test('a question ends at the core when its client goes before the answer', async () => {
  const leave = new AbortController();
  const came = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  stand = async (request) => {
    request.signal.addEventListener('abort', () => gone.resolve());
    came.resolve();
    await gone.promise;
    return new Response('nobody listens', {headers: byCore});
  };
  const left = ask(leave.signal).catch((error: unknown) => String(error));
  await came.promise;
  leave.abort();
  await gone.promise;
  expect(await left).toContain('Abort');
});
