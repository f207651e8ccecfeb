/** What the edge keeps from the core, and what it must not change for anybody. */
import {afterAll, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import {systemCall} from '../../core/api/bootstrap.ts';
import {systemActor} from '../../core/domain/actor.ts';
import type {Command} from '../../core/domain/aggregate.ts';
import {makeKeyText} from '../../shared/key-text.ts';
import {members, type Caller, type Outgoing} from '../support/test-app.ts';
import {openTiers, type Tiers} from '../support/tiers.ts';

let tiers: Tiers;
let ana: Caller;
let ben: Caller;

beforeAll(async () => {
  tiers = await openTiers({environment: {CELLSTATE_REQUIRE_EDGE: 'true'}});
  ana = await tiers.tenant('Ana');
  ben = await tiers.tenant('Ben');
  // From now on the edge knows both keys.
  for (const {key} of [ana, ben]) await tiers.send('edge', {method: 'GET', path: list, key});
});
afterAll(() => tiers.close());
beforeEach(() => void (tiers.arrived.length = 0));

const list = '/api/v1/trajectories';
const introspect = 'POST /auth/introspect';

describe('the core is not asked about', () => {
  const cases: readonly (readonly [string, () => Partial<Outgoing>])[] = [
    ['an unknown path', () => ({path: '/wp-login.php'})],
    ['another method', () => ({method: 'DELETE'})],
    ['a preflight', () => ({method: 'OPTIONS', headers: preflight})],
    ['too long a body', () => ({body: 'x'.repeat(1024 * 1024 + 1)})],
    ['another media type', () => ({headers: {'content-type': 'text/plain'}, body: 'x'})],
    ['no credential', () => ({key: null})],
    ['a mistyped key', () => ({key: `${ana.key.slice(0, -6)}000000`})],
    ['a JWT', () => ({key: 'eyJhbGciOiJFZERTQSJ9.e30.AAAA'})],
    ['another tenant', () => ({headers: {'x-tenant-id': ben.tenantId}})],
    ['bad JSON', () => ({body: '{'})],
    ['an input that the schema refuses', () => ({body: {name: 1}})],
  ];
  const preflight = {origin: 'https://app.example', 'access-control-request-method': 'POST'};

  test.each(cases)('%s', async (_what, of) => {
    await tiers.send('edge', {method: 'POST', path: list, key: ana.key, ...of()});
    expect(tiers.arrived).toEqual([]);
  });
});

describe('an API key', () => {
  test('is asked about once, then its requests arrive alone', async () => {
    const key = await tiers.keyOf(ana, {});
    for (let at = 0; at < 3; at += 1) await tiers.send('edge', {method: 'GET', path: list, key});
    expect(tiers.arrived).toEqual([introspect, ...Array(3).fill(`GET ${list}`)]);
  });

  test('that nobody made is refused by the core once, then by the edge', async () => {
    const key = makeKeyText(crypto.getRandomValues(new Uint8Array(32)));
    for (let at = 0; at < 3; at += 1) {
      const reply = await tiers.send('edge', {method: 'GET', path: list, key});
      expect(members(reply)['code']).toBe('INVALID_TOKEN');
    }
    expect(tiers.arrived).toEqual([introspect]);
  });

  test('that is revoked stops on the next request, though the edge still holds a yes', async () => {
    const key = await tiers.keyOf(ana, {});
    const get = {method: 'GET', path: '/api/v1/api-keys/current', key};
    const known = await tiers.send('edge', get);
    expect(known.status).toBe(200);
    const id = String(members(known)['api_key_id']);
    const revoke: Command & {reason: null} = {type: 'api_key.revoke', id, reason: null};
    const actor = systemActor(ana.tenantNo, ana.tenantId, 'bootstrap');
    await tiers.app.services.pipeline.run(actor, systemCall, [revoke]);
    tiers.arrived.length = 0;
    const reply = await tiers.send('edge', get);
    expect(reply.status).toBe(401);
    expect(tiers.arrived).toEqual(['GET /api/v1/api-keys/current']);
  });
});

test('two tenants that ask the same through one edge get each their own', async () => {
  const path = '/api/v1/log/key';
  const texts = new Set<string>();
  for (const {key} of [ana, ben, ana, ben]) {
    texts.add((await tiers.send('edge', {method: 'GET', path, key})).text);
  }
  expect(texts.size).toBe(2);
  expect(tiers.arrived).toHaveLength(4);
});

describe('headers that a client has no business to send', () => {
  // Not `CF-Connecting-IP`: Cloudflare replaces a client's, which no local runtime does.
  const lies = {
    'cellstate-edge-assertion': 'x.y.z',
    'cellstate-receipt': 'x',
    'cf-access-client-id': 'x',
    'x-forwarded-for': '6.6.6.6',
    forwarded: 'for=6.6.6.6',
    'x-real-ip': '6.6.6.6',
  };

  test('do not reach the core, and change no answer', async () => {
    const truth = await tiers.send('edge', {method: 'GET', path: list, key: ana.key});
    let seen = new Headers();
    const stand = (request: Request): Promise<Response> | Response => {
      seen = request.headers;
      return tiers.app.http.fetch(request);
    };
    const reply = await tiers.standIn(stand, () =>
      tiers.send('edge', {method: 'GET', path: list, key: ana.key, headers: lies}),
    );
    expect(reply.text).toBe(truth.text);
    expect(seen.get('cellstate-edge-assertion')).toMatch(/^eyJ/);
    expect(seen.get('x-forwarded-for')).toBe('127.0.0.1');
    expect(seen.has('cellstate-receipt') || seen.has('forwarded') || seen.has('x-real-ip')).toBe(
      false,
    );
    expect(seen.has('cf-access-client-id') || seen.has('cf-connecting-ip')).toBe(false);
  });

  test('the core itself refuses an assertion that no edge made, and a request without one', async () => {
    const get = {method: 'GET', path: list, key: ana.key};
    const forged = await tiers.send('core', {
      ...get,
      headers: {'cellstate-edge-assertion': 'x.y.z'},
    });
    expect([forged.status, members(forged)['code']]).toEqual([403, 'FORBIDDEN']);
    expect((await tiers.send('core', get)).status).toBe(403);
  });

  test('a length that contradicts the chunks smuggles no second request', async () => {
    const smuggled = `0\r\n\r\nGET ${list} HTTP/1.1\r\nHost: x\r\nX-Smuggled: 1\r\n\r\n`;
    const head = await tiers.sendRaw(
      'edge',
      [
        `POST ${list} HTTP/1.1`,
        'Host: x',
        `Authorization: Bearer ${ana.key}`,
        'Content-Type: application/json',
        `Content-Length: ${smuggled.length}`,
        'Transfer-Encoding: chunked',
        '',
        smuggled,
      ].join('\r\n'),
    );
    // An empty body, or a malformed request: never the GET.
    expect(head).toMatch(/^HTTP\/1\.1 400/);
    expect(tiers.arrived.filter((line) => line.startsWith('GET'))).toEqual([]);
  });
});
