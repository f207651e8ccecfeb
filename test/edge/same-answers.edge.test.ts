/** One suite, two URLs: a client cannot tell the tiers apart but by `CellState-Edge`. */
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {makeKeyText} from '../../shared/key-text.ts';
import {contracts} from '../../shared/wire/all.ts';
import {pack} from '../../shared/wire/msgpack.ts';
import {routePath} from '../../shared/wire/route.ts';
import {members, type Caller, type Outgoing, type Reply} from '../support/test-app.ts';
import {openTiers, type Tier, type Tiers} from '../support/tiers.ts';

let tiers: Tiers;
let caller: Caller;
const keys = {invented: '', revoked: '', expired: '', reader: ''};

beforeAll(async () => {
  tiers = await openTiers();
  caller = await tiers.tenant();
  keys.invented = makeKeyText(crypto.getRandomValues(new Uint8Array(32)));
  keys.revoked = await tiers.keyOf(caller, {isRevoked: true});
  keys.expired = await tiers.keyOf(caller, {expiresAt: 1});
  keys.reader = await tiers.keyOf(caller, {scopes: ['memory:read']});
});
afterAll(() => tiers.close());

/** What may differ: the clock, the request's own name, the allowance, the connection. */
const ownHeaders =
  /^(?:date|x-request-id|cellstate-edge|x-ratelimit-.*|retry-after|connection|keep-alive|transfer-encoding|content-length)$/;

const comparable = ({status, headers, text}: Reply) => ({
  status,
  text,
  headers: Object.fromEntries([...headers].filter(([name]) => !ownHeaders.test(name))),
});

async function both(of: Outgoing): Promise<Reply> {
  const [core, edge] = [await tiers.send('core', of), await tiers.send('edge', of)];
  expect(comparable(edge)).toEqual(comparable(core));
  expect(edge.headers.get('cellstate-edge')).toMatch(/^[A-Za-z]+;dur=\d+$/);
  expect(core.headers.has('cellstate-edge')).toBe(false);
  return core;
}

const target = '/api/v1/trajectories';
const json = {'content-type': 'application/json'};

type Refused = readonly [what: string, status: number, of: () => Partial<Outgoing>];
const refused: readonly Refused[] = [
  ['an unknown path', 404, () => ({path: '/api/v1/nothing'})],
  ['a path with a slash at its end', 404, () => ({path: `${target}/`})],
  ['another method', 405, () => ({method: 'PUT'})],
  ['OPTIONS that is no preflight', 405, () => ({method: 'OPTIONS'})],
  ['a media type', 415, () => ({headers: {'content-type': 'text/plain'}, body: 'x'})],
  ['an encoding', 415, () => ({headers: {...json, 'content-encoding': 'gzip'}, body: 'x'})],
  ['a stated length over the limit', 413, () => ({body: 'x'.repeat(1024 * 1024 + 1)})],
  ['no credential', 401, () => ({key: null})],
  ['a mistyped key', 401, () => ({key: `${caller.key.slice(0, -1)}!`})],
  ['a key that nobody made', 401, () => ({key: keys.invented})],
  ['a revoked key', 401, () => ({key: keys.revoked})],
  ['an expired key', 401, () => ({key: keys.expired})],
  ['a JWT', 401, () => ({key: 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.'})],
  ['another scheme', 401, () => ({headers: {authorization: 'Basic eDp5'}})],
  ['two credentials', 401, () => ({headers: {'x-api-key': keys.reader}})],
  ['another tenant', 403, () => ({headers: {'x-tenant-id': 'other'}, body: '{'})],
  ['an agent that is no id', 400, () => ({headers: {'x-agent-id': 'ana'}})],
  ['a long principal', 400, () => ({headers: {'x-on-behalf-of': 'x'.repeat(201)}})],
  ['bad JSON', 400, () => ({body: '{"name":'})],
  ['a member twice', 400, () => ({body: '{"name":"a","name":"b"}'})],
  ['a lone surrogate', 400, () => ({body: '{"name":"\\ud800"}'})],
  ['bytes that are no text', 400, () => ({body: new Uint8Array([0x22, 0xff, 0x22])})],
  ['MessagePack of nothing', 400, () => ({headers: packType, body: new Uint8Array([0xc1])})],
  ['an unknown member', 400, () => ({body: {name: 'a', nmae: 'b'}})],
  ['several faults', 400, () => ({body: {nam: 1, metadata: 2}})],
  ['an array', 400, () => ({body: []})],
  ['an unknown parameter', 400, () => ({method: 'GET', path: `${target}?colour=red`})],
  ['a parameter out of range', 400, () => ({method: 'GET', path: `${target}?limit=0`})],
  ['a bad escape', 400, () => ({method: 'GET', path: `${target}/%FF`})],
  ['a long query', 400, () => ({method: 'GET', path: `${target}?cursor=${'x'.repeat(8_192)}`})],
  ['a missing scope', 403, () => ({key: keys.reader, body: {name: 'a'}})],
  ['a missing entity', 404, () => ({method: 'GET', path: `${target}/nobody`})],
];
const packType = {'content-type': 'application/msgpack'};

describe('what is refused is refused alike', () => {
  test.each(refused)('%s: %i', async (_, status, of) => {
    const reply = await both({method: 'POST', path: target, key: caller.key, ...of()});
    expect(reply.status).toBe(status);
    expect(members(reply)['status']).toBe(status);
  });

  test('in MessagePack, for a caller that reads nothing else', async () => {
    const headers = {accept: 'application/msgpack'};
    const reply = await both({method: 'PUT', path: target, headers});
    expect(reply.headers.get('content-type')).toBe('application/msgpack');
  });

  test.each(contracts.filter(({may}) => may !== 'pub').map(({id}) => id))(
    '%s: no credential',
    async (id) => {
      const contract = contracts.find((one) => one.id === id);
      const path = routePath(contract?.path ?? '').replaceAll(/:[a-z_]+/g, 'x');
      expect((await both({method: contract?.method ?? 'GET', path})).status).toBe(401);
    },
  );
});

describe.each(['core', 'edge'] as const)('the API through the %s', (tier: Tier) => {
  test('writes, reads, changes, replays and proves', async () => {
    const external_id = `for-${tier}`;
    const create = {
      method: 'POST',
      path: target,
      key: caller.key,
      headers: {'idempotency-key': external_id, prefer: 'receipt'},
      body: {name: 'a', external_id},
    };
    const made = await tiers.send(tier, create);
    expect(made.status).toBe(201);
    const again = await tiers.send(tier, create);
    expect(again.headers.get('x-idempotency-replay')).toBe('true');
    expect(members(again)['trajectory_id']).toBe(members(made)['trajectory_id']);

    const path = made.headers.get('location') ?? '';
    const known = {'if-none-match': '"1"'};
    const unchanged = await tiers.send(tier, {
      method: 'GET',
      path,
      key: caller.key,
      headers: known,
    });
    expect(unchanged.status).toBe(304);
    const body = pack({name: 'b'});
    const headers = {'content-type': 'application/msgpack', 'if-match': '"1"'};
    const changed = await tiers.send(tier, {method: 'PATCH', path, key: caller.key, headers, body});
    expect(changed.status).toBe(200);
    expect(members(changed)['name']).toBe('b');
    const stale = await tiers.send(tier, {method: 'PATCH', path, key: caller.key, headers, body});
    expect(stale.status).toBe(412);
    const receipt = `/api/v1/receipts/${changed.headers.get('cellstate-receipt')}`;
    expect((await tiers.send(tier, {method: 'GET', path: receipt, key: caller.key})).status).toBe(
      200,
    );
  });

  test('a body that comes in chunks is read, and judged by its media type', async () => {
    const chunked = (type: string, text: string) =>
      [
        `POST ${target} HTTP/1.1`,
        'Host: x',
        `Authorization: Bearer ${caller.key}`,
        `Content-Type: ${type}`,
        'Transfer-Encoding: chunked',
        'Connection: close',
        '',
        text.length.toString(16),
        text,
        '0',
        '',
        '',
      ].join('\r\n');
    expect(await tiers.sendRaw(tier, chunked('application/json', '{"name":"c"}'))).toMatch(
      /^HTTP\/1.1 201/,
    );
    expect(await tiers.sendRaw(tier, chunked('text/plain', '{"name":"c"}'))).toMatch(
      /^HTTP\/1.1 415/,
    );
    const tooLong = JSON.stringify({name: 'x'.repeat(1024 * 1024)});
    expect(await tiers.sendRaw(tier, chunked('application/json', tooLong))).toMatch(
      /^HTTP\/1.1 413/,
    );
  });
});

test('an entity, a list, text and a head are the same through either', async () => {
  const made = await tiers.send('core', {
    method: 'POST',
    path: target,
    key: caller.key,
    body: {name: 'd'},
  });
  const path = made.headers.get('location') ?? '';
  for (const headers of [{}, {accept: 'application/msgpack'}]) {
    expect((await both({method: 'GET', path, key: caller.key, headers})).status).toBe(200);
  }
  await both({method: 'GET', path: target, key: caller.key});
  await both({method: 'GET', path: '/api/v1/log/checkpoint', key: caller.key});
  await both({method: 'HEAD', path, key: caller.key});
});

describe('pages of other origins', () => {
  const ask = {
    method: 'OPTIONS',
    path: target,
    headers: {origin: 'https://app.example', 'access-control-request-method': 'POST'},
  };

  test('a preflight is answered alike', async () => {
    const reply = await both(ask);
    expect(reply.status).toBe(204);
    expect(reply.headers.get('access-control-allow-methods')).toContain('POST');
    expect(reply.headers.get('access-control-allow-origin')).toBe('https://app.example');
  });

  test('an answer names the origin that asked, and what it may read', async () => {
    const headers = {origin: 'https://app.example'};
    const reply = await both({method: 'GET', path: target, key: caller.key, headers});
    expect(reply.headers.get('access-control-allow-origin')).toBe('https://app.example');
    expect(reply.headers.get('access-control-expose-headers')).toContain('CellState-Receipt');
  });

  test('another origin gets no leave from the edge, whatever the core allows', async () => {
    const headers = {origin: 'https://evil.example'};
    const reply = await tiers.send('edge', {method: 'GET', path: target, key: caller.key, headers});
    expect(reply.headers.has('access-control-allow-origin')).toBe(false);
  });
});
