/** Locks, regions, conflicts and intents as their callers see them, in both spellings. */
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {members, openTestApp, type Caller, type TestApp} from '../../support/test-app.ts';

let app: TestApp;
let caller: Caller;

beforeAll(async () => {
  app = await openTestApp();
  caller = await app.tenant();
});
afterAll(() => app.close());

type Sent = {body?: object; headers?: Record<string, string>; key?: string};

async function call(method: string, path: string, sent: Sent = {}) {
  const key = sent.key ?? caller.key;
  const {headers = {}, body} = sent;
  const reply = await app.send({method, path: `/api/v1${path}`, key, headers, body});
  const made = reply.status === 204 ? {} : members(reply);
  return {status: reply.status, headers: reply.headers, body: made as Record<string, never>};
}

const agent = async (): Promise<string> =>
  String((await call('POST', '/agents', {body: {agent_type: 'worker'}})).body['agent_id']);
const note = async (body: object = {}) =>
  call('POST', '/notes', {
    body: {note_type: 'Fact', title: 'a note', content: crypto.randomUUID(), ...body},
  });

describe('locks', () => {
  test('in the spelling of the published client: held, asked again, extended, released', async () => {
    const holder = await agent();
    const body = {resource_id: 'deploy', holder_id: holder, ttl_ms: 60_000, metadata: {why: 'x'}};
    const made = await call('POST', '/locks/acquire', {body});
    expect(made).toMatchObject({
      status: 201,
      body: {
        resource_type: 'custom',
        resource_id: 'deploy',
        holder_agent_id: holder,
        mode: 'exclusive',
        timeout_ms: 60_000,
        status: 'held',
        fencing_token: expect.any(Number),
      },
    });
    const id = made.body['lock_id'];
    const again = await call('POST', '/locks/acquire', {body});
    expect(again).toMatchObject({
      status: 200,
      body: {lock_id: id, fencing_token: made.body['fencing_token']},
    });
    const longer = await call('PATCH', `/locks/${id}`, {body: {ttl_ms: 1_000}});
    expect(longer.status).toBe(200);
    const end = (of: typeof longer) => Date.parse(String(of.body['expires_at']));
    expect(end(longer)).toBeGreaterThan(end(again));
    const other = await call('POST', '/locks/acquire', {body: {...body, holder_id: await agent()}});
    expect(other).toMatchObject({
      status: 409,
      body: {code: 'LOCK_CONFLICT', details: {mode: 'exclusive', waiting: 0}},
    });
    expect(other.headers.get('retry-after')).not.toBeNull();
    expect(other.headers.get('cellstate-receipt')).toBeNull();
    const listed = await call('GET', `/locks?resource_id=deploy&holder_id=${holder}&status=held`);
    expect(listed.body['locks']).toMatchObject([{lock_id: id}]);
    expect((await call('POST', `/locks/${id}/release`)).body['status']).toBe('released');
    const gone = await call('POST', `/locks/${id}/extend`, {body: {additional_ms: 1}});
    expect(gone).toMatchObject({status: 409, body: {code: 'LOCK_EXPIRED'}});
    expect(gone.headers.get('cellstate-receipt')).not.toBeNull();
  });

  test('a lease whose time is over is shown as expired, and found by it', async () => {
    const body = {resource_id: 'brief', holder_agent_id: await agent(), timeout_ms: 1};
    const {lock_id: id} = (await call('POST', '/locks/acquire', {body})).body;
    await expect
      .poll(async () => (await call('GET', `/locks/${id}`)).body['status'])
      .toBe('expired');
    const listed = await call('GET', '/locks?resource_id=brief&status=expired');
    expect(listed.body['total']).toBe(1);
    expect((await call('GET', '/locks?resource_id=brief&status=held')).body['total']).toBe(0);
  });

  test('a replay of asking again is answered as it was', async () => {
    const body = {resource_id: 'replay', holder_agent_id: await agent()};
    await call('POST', '/locks/acquire', {body});
    const headers = {'idempotency-key': 'again'};
    const first = await call('POST', '/locks/acquire', {body, headers});
    const second = await call('POST', '/locks/acquire', {body, headers});
    expect(second.headers.get('x-idempotency-replay')).toBe('true');
    expect([second.status, second.body['expires_at']]).toEqual([200, first.body['expires_at']]);
  });

  test('guards a note: the token opens it', async () => {
    const holder = await agent();
    const id = (await note({agent_id: holder})).body['note_id'];
    const body = {resource_type: 'note', resource_id: id, holder_agent_id: holder};
    const held = (await call('POST', '/locks/acquire', {body})).body;
    const change = {body: {title: 'changed'}};
    expect(await call('PATCH', `/notes/${id}`, change)).toMatchObject({status: 409});
    const headers = {'x-fencing-token': `${held['lock_id']}:${held['fencing_token']}`};
    expect((await call('PATCH', `/notes/${id}`, {...change, headers})).status).toBe(200);
  });

  test('nobody holds it: the member that says who is missing', async () => {
    const none = await call('POST', '/locks/acquire', {body: {resource_id: 'x'}});
    expect(none).toMatchObject({status: 400, body: {code: 'MISSING_FIELD'}});
  });
});

describe('regions', () => {
  test('have a name of their own until they are deleted', async () => {
    const body = {name: 'plans', region_type: 'collaborative', owner_agent_id: await agent()};
    const made = await call('POST', '/regions', {body});
    expect(made).toMatchObject({
      status: 201,
      body: {require_lock: false, conflict_resolution: 'last_write_wins', readers: []},
    });
    const id = made.body['region_id'];
    expect(await call('POST', '/regions', {body})).toMatchObject({
      status: 409,
      body: {code: 'ENTITY_ALREADY_EXISTS', details: {existing_id: id, field: 'name'}},
    });
    const patch = {body: {require_lock: true, conflict_resolution: 'first_write_wins'}};
    expect((await call('PATCH', `/regions/${id}`, patch)).body).toMatchObject(patch.body);
    expect((await call('DELETE', `/regions/${id}`)).status).toBe(204);
    expect((await call('POST', '/regions', {body})).status).toBe(201);
  });

  test('a team’s region names its team, and merge is for people', async () => {
    const body = {name: 'team', region_type: 'team', owner_agent_id: await agent()};
    expect(await call('POST', '/regions', {body})).toMatchObject({body: {code: 'MISSING_FIELD'}});
    const merging = {...body, team: 'red', conflict_resolution: 'merge'};
    expect(await call('POST', '/regions', {body: merging})).toMatchObject({
      body: {code: 'INVALID_INPUT'},
    });
  });
});

describe('conflicts', () => {
  const claim = (value: string) => note({claim_key: 'api/port', claim_value: value});

  test('the gate opens one, somebody takes it on and resolves it', async () => {
    const first = await claim('80');
    const second = await claim('443');
    expect(second.body['_warnings']).toMatchObject([
      {gate: 'ContradictionGate', code: 'contradiction'},
    ]);
    const listed = await call('GET', '/conflicts?status=escalated');
    const [found] = listed.body['conflicts'] as unknown as Record<string, never>[];
    expect(found).toMatchObject({
      conflict_type: 'contradicting_fact',
      claim_key: 'api/port',
      item_a: {entity_type: 'note', id: first.body['note_id']},
      item_b: {entity_type: 'note', id: second.body['note_id']},
    });
    const id = found?.['conflict_id'];
    const body = {strategy: 'first_write_wins', reason: 'the older one is right'};
    const resolved = await call('POST', `/conflicts/${id}/resolve`, {body});
    expect(resolved).toMatchObject({
      status: 200,
      body: {status: 'resolved', resolution: {winner: {id: first.body['note_id']}}},
    });
    const loser = await call('GET', `/notes/${second.body['note_id']}`);
    expect(loser.body['superseded_by']).toBe(first.body['note_id']);
  });

  test('neither of the two agents resolves it', async () => {
    const [ana, ben] = [await agent(), await agent()];
    const ids = [];
    for (const agent_id of [ana, ben]) ids.push((await note({agent_id})).body['note_id']);
    const [item_a, item_b] = ids.map((id) => ({entity_type: 'note', id}));
    const body = {conflict_type: 'contradicting_fact', item_a, item_b};
    const {conflict_id: id} = (await call('POST', '/conflicts', {body})).body;
    const headers = {'x-agent-id': ben};
    expect(await call('POST', `/conflicts/${id}/claim`, {headers})).toMatchObject({
      status: 403,
      body: {code: 'FORBIDDEN'},
    });
    expect((await call('POST', `/conflicts/${id}/claim`)).body['status']).toBe('resolving');
  });
});

describe('intents', () => {
  test('in the spelling of the published client', async () => {
    const body = {
      name: 'be careful',
      goals: ['ship'],
      autonomy_level: 'Observer',
      delegation_boundaries: {allow: ['note.*'], deny: []},
      alignment_signals: ['quality'],
    };
    const agent_id = await agent();
    const made = await call('POST', '/intents', {body: {...body, agent_id}});
    expect(made).toMatchObject({
      status: 201,
      body: {
        autonomy: 'observer',
        boundaries: {allow: ['note.*'], deny: []},
        signals: [{name: 'quality', source: null, metric: null, target: null}],
        drift_threshold: 0.85,
        active: true,
      },
    });
    const path = '/intents/be%20careful';
    expect(made.headers.get('location')).toBe(`/api/v1${path}`);
    const changed = await call('PATCH', path, {body: {autonomy_level: 'operator'}});
    expect(changed.body).toMatchObject({autonomy: 'operator', goals: ['ship']});
    const cleared = await call('PATCH', path, {body: {boundaries: null}});
    expect(cleared.body['boundaries']).toEqual({allow: [], deny: []});
    expect((await call('GET', `/intents?agent_id=${agent_id}`)).body['total']).toBe(1);
    expect((await call('DELETE', path)).status).toBe(204);
    expect((await call('GET', path)).status).toBe(404);
    expect((await call('POST', '/intents', {body: {...body, agent_id}})).status).toBe(201);
  });

  test('evaluating says what the gate would say, and writes nothing', async () => {
    const signals = [{name: 'sure', source: 'note', metric: 'confidence', target: {above: 0.5}}];
    const body = {name: 'judge', agent_id: await agent(), autonomy: 'collaborator', signals};
    await call('POST', '/intents', {body});
    const id = (await note({confidence: 0.4})).body['note_id'];
    const before = await app.sizeOf(caller);
    const entity = {entity_type: 'note', id};
    const evaluate = async (event: string) =>
      (await call('POST', '/intents/judge/evaluate', {body: {event, entity}})).body;
    expect(await evaluate('note.deleted')).toMatchObject({
      aligned: false,
      gate_verdict: {verdict: 'deny', reason: 'needs_approval'},
    });
    expect(await evaluate('note.updated')).toMatchObject({
      aligned: false,
      gate_verdict: {verdict: 'warn', reason: 'signal'},
      signals: [{name: 'sure', value: 0.4, aligned: false}],
    });
    expect(await app.sizeOf(caller)).toBe(before);
  });
});
