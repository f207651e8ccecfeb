/**
 * What every route answers when all is well: as its contract says, the same in both encodings, once
 * for one idempotency key. Made from the contracts.
 */
import {pack, unpack} from 'msgpackr';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {contracts} from '../../shared/wire/all.ts';
import type {Contract} from '../../shared/wire/contract.ts';
import {hasBody, requestOf} from '../support/contract-requests.ts';
import {complaints} from '../support/problem-check.ts';
import {sampleOf} from '../support/samples.ts';
import {served} from '../support/served.ts';
import {
  openTestApp,
  type Caller,
  type Outgoing,
  type Reply,
  type TestApp,
} from '../support/test-app.ts';
import {testWhen} from '../support/test-when.ts';

let app: TestApp;
let caller: Caller;

beforeAll(async () => {
  app = await openTestApp();
  caller = await app.tenant();
});

afterAll(() => app.close());

async function requestFor(contract: Contract): Promise<Outgoing> {
  const sample = await sampleOf(contract, app, caller);
  const own = contract.may === 'operator' ? caller.operatorKey : caller.key;
  return requestOf(contract, sample, sample.key ?? own);
}

const accepting = (of: Outgoing, accept: string, more: object = {}): Outgoing => ({
  ...of,
  headers: {...of.headers, accept, ...more},
});

/** The value of an answer, whichever encoding it has. */
function decoded({headers, bytes, text}: Reply): unknown {
  const type = headers.get('content-type') ?? '';
  if (bytes.length === 0) return null;
  if (type === 'application/msgpack') return unpack(bytes);
  return /^application\/(\w+\+)?json/.test(type) ? JSON.parse(text) : text;
}

const volatile = new Set(['date', 'x-request-id', 'content-type', 'content-length']);
/** Headers come sorted by name. */
const stable = (headers: Headers): [string, string][] =>
  [...headers].filter(([name]) => !volatile.has(name) && !name.startsWith('x-ratelimit-'));

const json = 'application/json';
const msgpack = 'application/msgpack';

describe.each(served.map((contract) => [contract.id, contract] as const))('%s', (_, contract) => {
  const isMade = contract.produces === null && contract.status !== 204;

  test('success is what the contract says, and nothing more', async () => {
    const reply = await app.send(await requestFor(contract));
    expect({status: reply.status, text: reply.text}).toMatchObject({status: contract.status});
    expect(reply.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(reply.headers.get('cellstate-version')).toMatch(/^\d+$/);
    expect(reply.headers.get('content-type')).toBe(
      contract.status === 204 ? null : (contract.produces ?? json),
    );
    const body = contract.produces === null ? decoded(reply) : reply.text;
    // What the schema does not know is left out of what it reads, and so is found here.
    expect(contract.output.parse(body)).toEqual(body);
    if (contract.status === 201) expect(reply.headers.get('location')).toMatch(/^\/api\/v1\/./);
  });

  testWhen(isMade && contract.method === 'GET')('JSON and MessagePack say the same', async () => {
    const of = await requestFor(contract);
    const [asJson, asPack] = [await app.send(of), await app.send(accepting(of, msgpack))];
    expect(asPack.headers.get('content-type')).toBe(msgpack);
    expect(decoded(asPack)).toStrictEqual(decoded(asJson));
    expect(stable(asPack.headers)).toEqual(stable(asJson.headers));
  });

  testWhen(contract.method === 'GET')('HEAD says what GET says, without the body', async () => {
    const of = await requestFor(contract);
    const [got, head] = [await app.send(of), await app.send({...of, method: 'HEAD'})];
    expect(head.status).toBe(got.status);
    expect(head.bytes).toHaveLength(0);
    expect(stable(head.headers)).toEqual(stable(got.headers));
    expect(head.headers.get('content-type')).toBe(got.headers.get('content-type'));
  });

  testWhen(contract.method === 'GET')('a version that the caller has is 304', async () => {
    const of = await requestFor(contract);
    const etag = (await app.send(of)).headers.get('etag');
    if (etag === null) return;
    const since = (text: string): Promise<Reply> =>
      app.send({...of, headers: {'if-none-match': text}});
    for (const known of [etag, `W/${etag}`, `"999999", ${etag}`, '*']) {
      const reply = await since(known);
      expect([known, reply.status, reply.bytes.length]).toEqual([known, 304, 0]);
      expect(reply.headers.get('etag')).toBe(etag);
    }
    for (const other of ['"999999"', '"abc"']) expect((await since(other)).status).toBe(200);
  });

  testWhen(hasBody(contract))('one idempotency key is one change, in either encoding', async () => {
    const of = await requestFor(contract);
    const headers = {'idempotency-key': `key of ${contract.id}`};
    const first = await app.send({...of, headers});
    const size = await app.sizeOf(caller);
    if (!first.headers.has('cellstate-receipt')) return;
    const asPack = {'content-type': msgpack};
    const again = await app.send(
      accepting({...of, headers, body: pack(of.body ?? {})}, msgpack, asPack),
    );
    expect([again.status, again.headers.get('x-idempotency-replay')]).toEqual([
      first.status,
      'true',
    ]);
    const onReplay = ['x-idempotency-replay', 'cellstate-warnings'];
    expect(stable(again.headers).filter(([name]) => !onReplay.includes(name))).toEqual(
      stable(first.headers),
    );
    expect(again.headers.get('cellstate-receipt')).toBe(first.headers.get('cellstate-receipt'));
    expect(withoutSecret(decoded(again), true)).toStrictEqual(withoutSecret(decoded(first), false));
    expect(await app.sizeOf(caller)).toBe(size);

    const other = await app.send({...of, headers, body: {...(of.body as object), name: 'other'}});
    if (other.status === 400) return; // the contract has no such member
    expect(complaints(other, {status: 409, code: 'IDEMPOTENCY_CONFLICT'})).toEqual([]);
    // A gate refused it, so that is in the ledger; the change is not.
    expect(other.headers.get('cellstate-receipt')).not.toBeNull();
    expect(await app.sizeOf(caller)).toBe(size + 1);
  });
});

/** A key's text is shown once: a replay has null for it, and says why. */
function withoutSecret(body: unknown, isReplay: boolean): unknown {
  if (typeof body !== 'object' || body === null || !('key' in body)) return body;
  const {key, _warnings: warnings, ...rest} = body as Record<string, unknown>;
  if (!isReplay) {
    expect(key).toMatch(/^cst_/);
    return rest;
  }
  expect(key).toBeNull();
  expect(warnings).toEqual([expect.objectContaining({code: 'secret_shown_once'})]);
  return rest;
}

test('Accept decides the encoding, and what fits neither gets JSON', async () => {
  const contract = served.find(({id}) => id === 'trajectories_get') ?? contracts[0];
  if (contract === undefined) throw new Error('there is no contract');
  const of = await requestFor(contract);
  const typeOf = async (accept: string): Promise<string | null> =>
    (await app.send(accepting(of, accept))).headers.get('content-type');
  const cases = {
    '*/*': json,
    'text/html': json,
    'application/json': json,
    'application/msgpack': msgpack,
    'APPLICATION/MSGPACK': msgpack,
    'application/msgpack, application/json;q=0.9': msgpack,
    'application/json, application/msgpack;q=0.9': json,
    'application/json, application/msgpack': json,
    'application/msgpack;q=0': json,
    'application/msgpack;q=0.5, */*': json,
    'application/msgpack, */*;q=0.1': msgpack,
    'application/msgpackx': json,
  };
  const got = await Promise.all(
    Object.keys(cases).map(async (accept) => [accept, await typeOf(accept)]),
  );
  expect(Object.fromEntries(got)).toEqual(cases);
});

test('an error is MessagePack only for a caller that reads nothing else', async () => {
  const typeOf = async (accept: string): Promise<string | null> =>
    (await app.send({method: 'GET', path: '/nowhere', headers: {accept}})).headers.get(
      'content-type',
    );
  const problem = 'application/problem+json';
  const cases = {
    'application/msgpack': msgpack,
    'application/msgpack, application/json;q=0': msgpack,
    'application/msgpack, application/json;q=0.9': problem,
    'application/msgpack, */*;q=0.1': problem,
    'application/msgpack, application/*;q=0.1': problem,
    'text/html': problem,
  };
  const got = await Promise.all(
    Object.keys(cases).map(async (accept) => [accept, await typeOf(accept)]),
  );
  expect(Object.fromEntries(got)).toEqual(cases);
});

test('no body bytes are an empty object whatever the media type, and a charset changes nothing', async () => {
  const path = '/api/v1/trajectories';
  const send = (headers: Record<string, string>, body?: unknown): Promise<Reply> =>
    app.send({method: 'POST', path, key: caller.key, headers, body});
  for (const type of ['text/plain', 'application/msgpack', 'application/json', '']) {
    const reply = await send({'content-type': type}, '');
    expect(complaints(reply, {status: 400, code: 'MISSING_FIELD', names: '/name'})).toEqual([]);
  }
  for (const type of ['application/json; charset=utf-8', 'Application/JSON;charset="UTF-8"']) {
    expect((await send({'content-type': type}, {name: 'ü'})).status).toBe(201);
  }
});

test('a request id is echoed when it is one, and replaced when it is not', async () => {
  const echo = async (id: string): Promise<string | null> =>
    (await app.send({method: 'GET', path: '/nowhere', headers: {'x-request-id': id}})).headers.get(
      'x-request-id',
    );
  expect(await echo('a.B-c_9')).toBe('a.B-c_9');
  for (const id of ['x'.repeat(129), 'a b', 'ä', ''])
    expect(await echo(id)).toMatch(/^[0-9a-f-]{36}$/);
});

test('a request is not read before its credential is known', async () => {
  let isRead = false;
  const body = new ReadableStream(
    {
      pull(controller) {
        isRead = true;
        controller.close();
      },
    },
    {highWaterMark: 0},
  );
  const init = {method: 'POST', body, duplex: 'half', headers: {'content-type': json}};
  const response = await app.app.http.request('/api/v1/trajectories', init as RequestInit);
  expect(response.status).toBe(401);
  expect(isRead).toBe(false);
});
