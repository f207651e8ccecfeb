/** The SDK against a core of its own: what it sends, what it repeats, and what it throws. */
import {afterAll, beforeAll, describe, expect, expectTypeOf, test} from 'vitest';
import {createClient, type Client, type ClientOptions} from '../../../shared/client/client.ts';
import {
  CellstateError,
  ConflictError,
  NotFoundError,
  RateLimitError,
} from '../../../shared/client/errors.ts';
import {placeOfId, type Operations} from '../../../shared/client/types.ts';
import {contracts} from '../../../shared/wire/all.ts';
import {trajectoriesCreate} from '../../../shared/wire/trajectories.ts';
import {openTestApp, type Caller, type TestApp} from '../../support/test-app.ts';

let app: TestApp;
let caller: Caller;
beforeAll(async () => {
  app = await openTestApp();
  caller = await app.tenant();
});
afterAll(() => app.close());

type Ask = NonNullable<ClientOptions['fetch']>;
const inProcess: Ask = async (url, init) => app.app.http.request(url, init);
const clientOf = (ask: Ask = inProcess, more: Partial<ClientOptions> = {}): Client =>
  createClient({apiKey: caller.key, baseUrl: 'http://core.example/', fetch: ask, ...more});

/** Answers the given in turn, then what the core says; keeps what was sent. */
function answering(...given: (Response | Error)[]): {ask: Ask; sent: Request[]} {
  const sent: Request[] = [];
  const ask: Ask = async (url, init) => {
    sent.push(new Request(url, init));
    const next = given.shift() ?? (await inProcess(url, init));
    if (next instanceof Error) throw next;
    return next;
  };
  return {ask, sent};
}

const problem = (
  status: number,
  code: string,
  headers: Record<string, string> = {},
  retryable = true,
): Response =>
  new Response(JSON.stringify({code, message: `it says ${code}`, retryable}), {status, headers});

describe('operations', () => {
  test('every contract but the streams is an operation, and no two are one', () => {
    const client = clientOf() as unknown as Record<string, Record<string, unknown>>;
    const places = contracts
      .filter(({produces}) => produces !== 'text/event-stream')
      .map(({id}) => placeOfId(id).join('.'));
    expect(new Set(places).size).toBe(places.length);
    for (const [group = '', verb = ''] of places.map((place) => place.split('.'))) {
      expect(client[group]?.[verb], `${group}.${verb}`).toBeTypeOf('function');
    }
    expect(placeOfId('trajectories_list_scopes')).toEqual(['trajectories', 'listScopes']);
    expect(placeOfId('scope_checkpoints_get')).toEqual(['scopeCheckpoints', 'get']);
    expect(placeOfId('batch_notes')).toEqual(['batch', 'notes']);
  });

  test('names and kinds of members are those of the wire', () => {
    type Create = NonNullable<Parameters<Operations['turns']['create']>[0]>;
    expectTypeOf<Create['valid_from']>().toEqualTypeOf<string | number | null | undefined>();
    expectTypeOf<keyof Operations>()
      .extract<'apiKeys' | 'scopeCheckpoints' | 'batch'>()
      .toEqualTypeOf<'apiKeys' | 'scopeCheckpoints' | 'batch'>();
    expectTypeOf<Create>().toHaveProperty('scope_id');
    expectTypeOf<Create>().not.toHaveProperty('scopeId');
  });

  test('members travel in path, query and body, and an answer is what the server said', async () => {
    const {ask, sent} = answering();
    const client = clientOf(ask, {tenantId: caller.tenantId});
    const external_id = 'a thread/1 é';
    const made = await client.trajectories.create({name: 'x', external_id, metadata: {a: [1]}});
    expect(made).toMatchObject({external_id, metadata: {a: [1]}, version: 1});
    const trajectory_id = String(made['trajectory_id']);
    expect(await client.trajectories.get({trajectory_id: external_id})).toMatchObject({
      trajectory_id,
    });
    expect(sent[1]?.url).toContain('/api/v1/trajectories/a%20thread%2F1%20%C3%A9');
    await client.trajectories.list({status: ['active', 'suspended'], limit: 2});
    expect(sent[2]?.url).toContain('?status=active&status=suspended&limit=2');
    await expect(
      client.trajectories.update({trajectory_id, name: 'y'}, {ifMatch: 7}),
    ).rejects.toMatchObject({code: 'PRECONDITION_FAILED', status: 412});
    const updated = await client.send(
      trajectoriesCreate,
      {name: 'z'},
      {receipt: true, idempotencyKey: 'k'},
    );
    expect(updated).toMatchObject({status: 201, body: {_receipt: {}}});
    expect(await client.trajectories.delete({trajectory_id})).toBe(null);
    await expect(async () => client.trajectories.get({})).rejects.toThrow(
      'trajectory_id is required',
    );
  });

  test('a list is a page when awaited, and all of its items when walked through', async () => {
    const client = clientOf();
    const {trajectory_id} = await client.trajectories.create({name: 'many'});
    for (let n = 0; n < 5; n += 1)
      await client.scopes.create({trajectory_id: String(trajectory_id), name: `s${n}`});
    const input = {trajectory_id: String(trajectory_id), order: 'asc', limit: 2};
    expect((await client.scopes.list(input))['total']).toBe(5);
    const names: unknown[] = [];
    for await (const {name} of client.scopes.list(input)) names.push(name);
    expect(names).toEqual(['s0', 's1', 's2', 's3', 's4']);
    const bare: unknown[] = [];
    for await (const {name} of client.trajectories.listScopes({
      trajectory_id: String(trajectory_id),
    }))
      bare.push(name);
    expect(bare).toHaveLength(5);
  });
});

describe('failures', () => {
  test('a refusal is thrown once, as its class, with what the server said', async () => {
    const {ask, sent} = answering();
    const thrown = await clientOf(ask)
      .trajectories.get({trajectory_id: 'nothing'})
      .catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(NotFoundError);
    expect(thrown).toMatchObject({
      code: 'TRAJECTORY_NOT_FOUND',
      status: 404,
      retryable: false,
      requestId: expect.any(String),
    });
    expect(sent).toHaveLength(1);
    await expect(clientOf().turns.create({role: 'Nobody'})).rejects.toMatchObject({
      name: 'ValidationError',
      issues: expect.any(Array),
    });
  });

  test('what got no answer, or may be repeated, is sent again with the same key', async () => {
    const {ask, sent} = answering(
      new TypeError('reset'),
      new Response('a page of a proxy', {status: 502}),
    );
    await clientOf(ask).trajectories.create({name: 'once'});
    const keys = sent.map((request) => request.headers.get('idempotency-key'));
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
  });

  test('a write whose answer was lost is one write', async () => {
    const before = await app.sizeOf(caller);
    let isFirst = true;
    const client = clientOf(async (url, init) => {
      const answer = await inProcess(url, init);
      if (!isFirst) return answer;
      isFirst = false;
      throw new TypeError('the answer was lost');
    });
    await client.trajectories.create({name: 'one write'});
    expect(await app.sizeOf(caller)).toBe(before + 1);
  });

  test('retries end, and a lock that somebody holds is no reason for one', async () => {
    const refused = answering(
      ...[1, 2, 3].map(() => problem(429, 'TOO_MANY_REQUESTS', {'retry-after': '0'})),
    );
    await expect(clientOf(refused.ask, {retries: 1}).tenants.list()).rejects.toBeInstanceOf(
      RateLimitError,
    );
    expect(refused.sent).toHaveLength(2);
    const locked = answering(problem(409, 'LOCK_CONFLICT'));
    await expect(clientOf(locked.ask).locks.acquire({resource_id: 'x'})).rejects.toBeInstanceOf(
      ConflictError,
    );
    expect(locked.sent).toHaveLength(1);
    const gone = answering(new TypeError('refused'));
    const thrown = await clientOf(gone.ask, {retries: 0})
      .tenants.list()
      .catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(CellstateError);
    expect(thrown).toMatchObject({code: 'UNREACHABLE', status: 0, retryable: true});
  });

  test('Retry-After is obeyed, and a caller who gives up ends the wait', async () => {
    const giveUp = new AbortController();
    const {ask, sent} = answering(problem(503, 'SERVICE_UNAVAILABLE', {'retry-after': '3600'}));
    const call = clientOf(ask).tenants.list({}, {signal: giveUp.signal});
    setTimeout(() => giveUp.abort(new Error('enough')), 20);
    await expect(call).rejects.toThrow('enough');
    expect(sent).toHaveLength(1);
  });

  test('an attempt without an answer in time is given up', async () => {
    const silent: Ask = (_, {signal}) =>
      new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason as Error));
      });
    await expect(clientOf(silent, {retries: 0, timeoutMs: 20}).tenants.list()).rejects.toThrow(
      'nothing within 20 ms',
    );
  });
});
