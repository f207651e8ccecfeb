/**
 * What every route refuses before it looks at its input: who may not, which method, which media
 * type, how much. Made from the contracts, so that a new one is covered when it appears.
 */
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {routePath} from '../../shared/wire/route.ts';
import {makeKeyText} from '../../shared/key-text.ts';
import {contracts, protocolContracts} from '../../shared/wire/all.ts';
import {covers, scopes, type Contract, type Scope} from '../../shared/wire/contract.ts';
import {hasBody, pathOf, requestOf, type Sample} from '../support/contract-requests.ts';
import {complaints, type Expected} from '../support/problem-check.ts';
import {sampleOf} from '../support/samples.ts';
import {served} from '../support/served.ts';
import {
  members,
  openTestApp,
  type Caller,
  type Outgoing,
  type TestApp,
} from '../support/test-app.ts';
import {testWhen} from '../support/test-when.ts';

let app: TestApp;
let caller: Caller;
let casesCount = 0;
/** Credentials that were keys, and texts that look like one. */
const dead: {name: string; headers: Record<string, string>; code: Expected['code'] & string}[] = [];
const keysByScope = new Map<string, string>();

beforeAll(async () => {
  app = await openTestApp();
  caller = await app.tenant();
  const bearer = (text: string) => ({authorization: `Bearer ${text}`});
  const revoked = await app.keyOf(caller, {isRevoked: true});
  const expired = await app.keyOf(caller, {expiresAt: 1});
  const unknown = makeKeyText(crypto.getRandomValues(new Uint8Array(32)));
  dead.push(
    {name: 'none', headers: {}, code: 'UNAUTHORIZED'},
    {name: 'revoked', headers: bearer(revoked), code: 'INVALID_TOKEN'},
    {name: 'expired', headers: bearer(expired), code: 'TOKEN_EXPIRED'},
    {name: 'unknown', headers: bearer(unknown), code: 'INVALID_TOKEN'},
    {name: 'mistyped', headers: bearer(`${caller.key.slice(0, -1)}!`), code: 'INVALID_TOKEN'},
    {name: 'empty', headers: {authorization: 'Bearer '}, code: 'INVALID_TOKEN'},
    {name: 'Basic', headers: {authorization: 'Basic YTpi'}, code: 'INVALID_TOKEN'},
    {name: 'unknown X-API-Key', headers: {'x-api-key': unknown}, code: 'INVALID_TOKEN'},
    {
      name: 'two that differ',
      headers: {...bearer(caller.key), 'x-api-key': unknown},
      code: 'INVALID_TOKEN',
    },
  );
});

afterAll(async () => {
  await app.close();
  console.info(`routes: ${casesCount} cases over ${served.length} contracts`);
});

async function refuses(of: Outgoing, expected: Expected, name: string): Promise<readonly string[]> {
  casesCount += 1;
  return complaints(await app.send(of), expected).map((one) => `${name}: ${one}`);
}

/** A key that holds every scope but those that would do. */
async function keyWithout(may: Contract['may']): Promise<string> {
  const known = keysByScope.get(may);
  if (known !== undefined) return known;
  const others = scopes.filter(
    (scope): scope is Scope => scope !== 'operator' && !covers(new Set([scope]), may),
  );
  const key = await app.keyOf(caller, {scopes: others});
  keysByScope.set(may, key);
  return key;
}

const otherTenantId = '01a1f000-0000-7000-8000-0000000000aa';
const padded = new Map<number, string>();
/** A JSON object of so many bytes that no contract accepts. */
function bodyOf(bytes: number): string {
  const made = padded.get(bytes) ?? '{"no_such_member":1'.padEnd(bytes - 1) + '}';
  padded.set(bytes, made);
  return made;
}

describe.each(served.map((contract) => [contract.id, contract] as const))('%s', (_, contract) => {
  let sample: Sample;
  let size: number;
  /** The sample's request, with a key that may. */
  let good: Outgoing;

  beforeAll(async () => {
    sample = await sampleOf(contract, app, caller);
    const own = contract.may === 'operator' ? caller.operatorKey : caller.key;
    good = requestOf(contract, sample, sample.key ?? own);
    await keyWithout(contract.may);
    size = await app.sizeOf(caller);
  });

  testWhen(contract.may !== 'pub')('401 without a credential that works', async () => {
    const wrong: string[] = [];
    for (const {name, headers, code} of dead) {
      const of = {...good, key: null, headers};
      wrong.push(...(await refuses(of, {status: 401, code}, name)));
    }
    expect(wrong).toEqual([]);
  });

  testWhen(contract.may !== 'pub')('403 for the name of another tenant', async () => {
    const headers = {'x-tenant-id': otherTenantId};
    const wrong = await refuses({...good, headers}, {status: 403, code: 'FORBIDDEN'}, 'tenant');
    expect(wrong).toEqual([]);
  });

  testWhen(contract.may !== 'pub' && contract.may !== 'any')(
    '403 with every scope but the one it needs, and the answer names that one',
    async () => {
      const of = {...good, key: await keyWithout(contract.may)};
      casesCount += 1;
      const reply = await app.send(of);
      expect(complaints(reply, {status: 403, code: 'FORBIDDEN'})).toEqual([]);
      expect(members(reply)['details']).toEqual({required_scope: contract.may});
    },
  );

  testWhen(hasBody(contract))('413 one byte over the limit, and not at it', async () => {
    const over = {...good, body: bodyOf(contract.limitBytes + 1)};
    const at = {...good, body: bodyOf(contract.limitBytes)};
    const stated = {'content-length': String(contract.limitBytes + 1)};
    const wrong = [
      ...(await refuses(over, {status: 413, code: 'PAYLOAD_TOO_LARGE'}, 'over')),
      ...(await refuses({...good, headers: stated}, {status: 413}, 'stated, before it is read')),
      ...(await refuses(at, {status: 400, names: '/no_such_member'}, 'at')),
    ];
    expect(wrong).toEqual([]);
  });

  testWhen(hasBody(contract))('415 for another media type or any encoding', async () => {
    const wrong: string[] = [];
    const body = JSON.stringify(sample.body ?? {});
    const types = [
      'text/plain',
      'application/jsonx',
      'application/problem+json',
      'multipart/form-data',
      '',
    ];
    const cases = [
      ...types.map((type) => ({'content-type': type})),
      {'content-encoding': 'gzip'},
      {'content-encoding': 'identity'},
    ];
    for (const headers of cases) {
      const of = {...good, body: new TextEncoder().encode(body), headers};
      wrong.push(...(await refuses(of, {status: 415}, JSON.stringify(headers))));
    }
    expect(wrong).toEqual([]);
  });

  test('405 for every method that the path lacks, and Allow tells which it has', async () => {
    const wrong: string[] = [];
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
      if (served.some((other) => other.method === method && fits(other, good.path))) continue;
      const of = {...good, method, body: method === 'GET' ? undefined : good.body};
      wrong.push(...(await refuses(of, {status: 405, code: 'METHOD_NOT_ALLOWED'}, method)));
      const allowed = (await app.send(of)).headers.get('allow')?.split(', ') ?? [];
      if (!allowed.includes(contract.method)) wrong.push(`${method}: Allow is ${allowed.join()}`);
      if (allowed.includes('HEAD') !== allowed.includes('GET')) wrong.push(`${method}: HEAD`);
    }
    expect(wrong).toEqual([]);
  });

  test('404 for the path with a slash or a segment behind it', async () => {
    const unknown = {status: 404, code: 'ROUTE_NOT_FOUND'} as const;
    const [path = ''] = good.path.split('?');
    const wrong = [
      ...(await refuses({...good, path: `${path}/`}, unknown, 'slash')),
      ...(await refuses({...good, path: `${path}/no/such/path/at/all`}, unknown, 'segments')),
      ...(await refuses({...good, path: `/x${path}`, key: null}, unknown, 'prefix, no credential')),
    ];
    expect(wrong).toEqual([]);
  });

  test('400 for a query or headers over their limits, or escapes that are not UTF-8', async () => {
    const over = {status: 400, code: 'INVALID_RANGE'} as const;
    const bad = {status: 400, code: 'INVALID_FORMAT'} as const;
    const at = (query: string): string => pathOf(contract, sample, query);
    const wrong = [
      ...(await refuses({...good, path: at(`a=${'x'.repeat(8_191)}`)}, over, 'query')),
      ...(await refuses({...good, headers: {'x-padding': 'x'.repeat(16_384)}}, over, 'headers')),
      ...(await refuses({...good, path: at('a=%ff')}, bad, 'query that is not UTF-8')),
    ];
    expect(wrong).toEqual([]);
  });

  test('nothing of all that was stored', async () => {
    expect(await app.sizeOf(caller)).toBe(size);
  });
});

/** Whether a concrete path is one of a contract's. */
function fits(contract: Contract, path: string): boolean {
  const pattern = routePath(contract.path).replaceAll(/:[a-z_]+/g, '[^/]+');
  return new RegExp(`^${pattern}$`).test(path.split('?')[0] ?? '');
}

test('the flat list of contracts is what the core serves', () => {
  const routes = app.app.http.routes.filter(({method}) => method !== 'ALL');
  const bound = routes.map(({method, path}) => `${method} ${path}`);
  const listed = [...contracts, ...protocolContracts].map(
    ({method, path}) => `${method} ${routePath(path)}`,
  );
  expect(bound.toSorted()).toEqual(listed.toSorted());
  expect(new Set(contracts.map(({id}) => id)).size).toBe(contracts.length);
});

test('no two contracts have the same method and path', () => {
  const routes = served.map(({method, path}) => `${method} ${path.replaceAll(/\{\w+\}/g, '{}')}`);
  expect(new Set(routes).size).toBe(routes.length);
});
