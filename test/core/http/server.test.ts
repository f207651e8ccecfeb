/** What only a real connection shows: chunks, lengths, HEAD, and requests that no library would send. */
import {connect} from 'node:net';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {openTestApp, type Caller, type TestApp} from '../../support/test-app.ts';

let app: TestApp;
let caller: Caller;
let server: Bun.Server<undefined>;

beforeAll(async () => {
  app = await openTestApp();
  caller = await app.tenant();
  server = Bun.serve({hostname: '127.0.0.1', port: 0, fetch: app.app.http.fetch});
});

afterAll(async () => {
  await server.stop(true);
  await app.close();
});

/** Sends bytes as they are and reads until the server closes. */
const raw = (text: string): Promise<string> =>
  new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(Number(server.port), '127.0.0.1', () => socket.write(text));
    socket.on('data', (bytes) => (answer += bytes.toString('latin1')));
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });

const ask = (line: string, headers: readonly string[], body = ''): Promise<string> =>
  raw([`${line} HTTP/1.1`, 'Host: x', 'Connection: close', ...headers, '', body].join('\r\n'));

const key = (): string => `Authorization: Bearer ${caller.key}`;
const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);
const chunked = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;
const create = 'POST /api/v1/trajectories';
const json = 'Content-Type: application/json';

test('a body in chunks is read, judged by its type and cut off at its limit', async () => {
  const inChunks = [key(), 'Transfer-Encoding: chunked'];
  const body = chunked('{"name":"in chunks"}');
  expect(statusOf(await ask(create, [...inChunks, json], body))).toBe(201);
  expect(statusOf(await ask(create, [...inChunks, 'Content-Type: text/plain'], body))).toBe(415);
  const tooLong = chunked('x'.repeat(1024 * 1024 + 1));
  expect(statusOf(await ask(create, [...inChunks, json], tooLong))).toBe(413);
});

test('a stated length over the limit is refused before a byte comes', async () => {
  const answer = await ask(create, [key(), json, 'Content-Length: 1048577']);
  expect(statusOf(answer)).toBe(413);
});

test('no bytes are an empty object, with the headers of the published client', async () => {
  const cut = await ask(create, [key(), json, 'Content-Length: 15'], '{"name":"first"');
  expect(statusOf(cut)).toBe(400);
  const whole = await ask(create, [key(), json, 'Content-Length: 16'], '{"name":"first"}');
  const id = /"trajectory_id":"([^"]+)"/.exec(whole)?.[1];
  const headers = [`X-Api-Key: ${caller.key}`, 'X-Tenant-ID: default', json, 'Content-Length: 0'];
  expect(statusOf(await ask(`${create}/${id}/suspend`, headers))).toBe(200);
  expect(statusOf(await ask(`${create}/${id}/resume`, headers.slice(0, 3)))).toBe(200);
});

test('HEAD has the headers of GET and no body', async () => {
  const path = '/api/v1/trajectories';
  const [got, head] = [await ask(`GET ${path}`, [key()]), await ask(`HEAD ${path}`, [key()])];
  expect([statusOf(got), statusOf(head)]).toEqual([200, 200]);
  expect(head.split('\r\n\r\n')[1]).toBe('');
  expect(head).toMatch(/cellstate-position: \d+/i);
});

test('a body of a GET means nothing', async () => {
  const answer = await ask('GET /api/v1/users/me', [key(), json, 'Content-Length: 2'], '{{');
  expect(statusOf(answer)).toBe(200);
});

test('a path, a query or headers over their limits are refused', async () => {
  const long = 'x'.repeat(2_100);
  expect(statusOf(await ask(`GET /api/v1/trajectories/${long}`, [key()]))).toBe(400);
  expect(statusOf(await ask(`GET /api/v1/trajectories?a=${long.repeat(4)}`, [key()]))).toBe(400);
  const padding = `X-Padding: ${'x'.repeat(16_500)}`;
  expect([400, 431]).toContain(statusOf(await ask('GET /api/v1/trajectories', [key(), padding])));
});

test('a segment is decoded once', async () => {
  const body = '{"name":"a","external_id":"a/b %41 ü"}';
  const length = `Content-Length: ${Buffer.byteLength(body)}`;
  expect(statusOf(await ask(create, [key(), json, length], body))).toBe(201);
  const path = `/api/v1/trajectories/${encodeURIComponent('a/b %41 ü')}`;
  expect(statusOf(await ask(`GET ${path}`, [key()]))).toBe(200);
  expect(statusOf(await ask('GET /api/v1/trajectories/%ff', [key()]))).toBe(400);
  expect(statusOf(await ask('GET /api/v1/trajectories/%zz', [key()]))).toBe(400);
});
