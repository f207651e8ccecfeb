/**
 * Every tool, on both eras: a valid call whose output is what the list says, an input it refuses by
 * name, a foreign id that is answered as a missing one, and a receipt that verifies offline.
 */
import type {CallToolResult, Client, Tool} from '@modelcontextprotocol/client';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {newId} from '../../../shared/ids.ts';
import {createNobleHashes} from '../../../shared/ledger/noble.ts';
import {verifyReceipt} from '../../../shared/ledger/verify.ts';
import {
  connect,
  did,
  eras,
  listen,
  refusedBy,
  within,
  type Era,
  type Listening,
  type Members,
} from '../../support/mcp-client.ts';
import {members, openTestApp, type Caller, type TestApp} from '../../support/test-app.ts';

let app: TestApp;
let server: Listening;
let caller: Caller;
let stranger: Caller;
let policy: string;

beforeAll(async () => {
  app = await openTestApp();
  server = listen(app);
  caller = await app.tenant();
  stranger = await app.tenant('Strangers');
  const keys = members(await app.send({method: 'GET', path: '/api/v1/log/key', key: caller.key}));
  const shards = keys['shards'] as {vkey: string}[];
  policy = `${shards.map(({vkey}) => `log ${vkey}`).join('\n')}\nquorum none\n`;
});

afterAll(async () => {
  await server.stop();
  await app.close();
});

let numbered = 0;
const unique = (): string => `mcp ${(numbered += 1)}`;
const randomId = (): string => newId(Date.now() * 1000, crypto.getRandomValues(new Uint8Array(10)));

/** Things that a call needs, made through the tools themselves. */
const made = {
  trajectory: async (of: Client) =>
    String(
      within(await did(of, 'trajectory_create', {name: unique()}), 'trajectory')['trajectory_id'],
    ),
  async scope(of: Client) {
    const trajectory_id = await made.trajectory(of);
    return within(await did(of, 'scope_create', {trajectory_id, name: unique()}), 'scope');
  },
  note: async (of: Client) =>
    String(
      within(
        await did(of, 'note_create', {note_type: 'Fact', title: unique(), content: unique()}),
        'note',
      )['note_id'],
    ),
  async artifact(of: Client) {
    const {trajectory_id, scope_id} = await made.scope(of);
    const stated = {
      trajectory_id,
      scope_id,
      artifact_type: 'Fact',
      name: unique(),
      content: unique(),
    };
    const flat = {source_turn: 1, extraction_method: 'Explicit', confidence: 0.9};
    return within(await did(of, 'artifact_create', {...stated, ...flat}), 'artifact');
  },
  lock: async (of: Client) =>
    String(
      within(
        await did(of, 'lock_acquire', {resource_id: unique(), holder_agent_id: caller.agentId}),
        'lock',
      )['lock_id'],
    ),
  receipt: async (of: Client) =>
    String((await did(of, 'trajectory_create', {name: unique()}))['receipt_id']),
};

type Case = {
  readonly stated: (of: Client) => Promise<Members> | Members;
  /** The member that names what is there already; none where a call needs nothing. */
  readonly target?: string;
  readonly isRead?: true;
};

const cases: Readonly<Record<string, Case>> = {
  trajectory_create: {stated: () => ({name: unique(), metadata: {source: 'mcp'}})},
  trajectory_get: {
    stated: async (of) => ({trajectory_id: await made.trajectory(of)}),
    target: 'trajectory_id',
    isRead: true,
  },
  trajectory_list: {stated: () => ({limit: 2, status: ['active']}), isRead: true},
  trajectory_end: {
    stated: async (of) => ({
      trajectory_id: await made.trajectory(of),
      status: 'Success',
      summary: 'done',
    }),
    target: 'trajectory_id',
  },
  scope_create: {
    stated: async (of) => ({trajectory_id: await made.trajectory(of), name: unique()}),
    target: 'trajectory_id',
  },
  scope_close: {
    stated: async (of) => ({scope_id: (await made.scope(of))['scope_id']}),
    target: 'scope_id',
  },
  scope_checkpoint: {
    stated: async (of) => ({
      scope_id: (await made.scope(of))['scope_id'],
      context_state: 'aGVsbG8=',
    }),
    target: 'scope_id',
  },
  turn_append: {
    stated: async (of) => ({
      scope_id: (await made.scope(of))['scope_id'],
      role: 'User',
      content: 'hello',
    }),
    target: 'scope_id',
  },
  note_create: {stated: () => ({note_type: 'Fact', title: unique(), content: unique()})},
  note_update: {
    stated: async (of) => ({note_id: await made.note(of), title: unique()}),
    target: 'note_id',
  },
  note_supersede: {
    stated: async (of) => ({
      note_id: await made.note(of),
      note_type: 'Fact',
      title: unique(),
      content: unique(),
    }),
    target: 'note_id',
  },
  note_search: {stated: () => ({query: 'mcp', limit: 3}), isRead: true},
  artifact_search: {stated: () => ({query: 'mcp'}), isRead: true},
  search: {
    stated: async (of) => ({query: 'mcp', trajectory_id: await made.trajectory(of)}),
    target: 'trajectory_id',
    isRead: true,
  },
  context_assemble: {
    stated: async (of) => ({trajectory_id: await made.trajectory(of), token_budget: 500}),
    target: 'trajectory_id',
    isRead: true,
  },
  artifact_create: {
    async stated(of) {
      const {trajectory_id, scope_id} = await made.scope(of);
      const provenance = {source_turn: 1, extraction_method: 'Explicit'};
      return {
        trajectory_id,
        scope_id,
        artifact_type: 'Fact',
        name: unique(),
        content: unique(),
        provenance,
      };
    },
    target: 'scope_id',
  },
  artifact_get: {
    stated: async (of) => ({artifact_id: (await made.artifact(of))['artifact_id']}),
    target: 'artifact_id',
    isRead: true,
  },
  agent_register: {stated: () => ({agent_type: 'worker', name: unique()})},
  agent_list: {stated: () => ({active_only: true}), isRead: true},
  lock_acquire: {
    stated: () => ({resource_id: unique(), holder_agent_id: caller.agentId}),
    target: 'holder_agent_id',
  },
  lock_release: {stated: async (of) => ({lock_id: await made.lock(of)}), target: 'lock_id'},
  receipt_verify: {
    stated: async (of) => ({event_id: await made.receipt(of)}),
    target: 'event_id',
    isRead: true,
  },
  events_walk: {
    stated: async (of) => ({event_id: await made.receipt(of), direction: 'ancestors', limit: 3}),
    target: 'event_id',
    isRead: true,
  },
};

const open = (era: Era, of: Caller = caller) => connect({url: server.url, key: of.key, era});

describe.each(eras)('%s', (era) => {
  let client: Client;
  let foreign: Client;
  let listed: Tool[];

  beforeAll(async () => {
    client = await open(era);
    foreign = await open(era, stranger);
    listed = (await client.listTools()).tools;
  });
  afterAll(async () => {
    await client.close();
    await foreign.close();
  });

  test('every tool that is listed has a case here, and every case is listed', () => {
    expect(listed.map(({name}) => name).toSorted()).toEqual(Object.keys(cases).toSorted());
  });

  describe.each(Object.entries(cases))('%s', (name, {stated, target, isRead}) => {
    test('does what it says, in the form that it says', async () => {
      const input = await stated(client);
      const before = await app.sizeOf(caller);
      const raw = (await client.callTool({name, arguments: input})) as CallToolResult;
      const result = raw.structuredContent as Members;
      expect([raw.isError, raw.content]).toEqual([
        undefined,
        [
          {
            type: 'text',
            text: name === 'context_assemble' ? result['context'] : JSON.stringify(result),
          },
        ],
      ]);
      const tool = listed.find((one) => one.name === name);
      const required = (tool?.outputSchema?.required ?? []) as readonly string[];
      expect(Object.keys(result).toSorted()).toEqual([...required].toSorted());
      if (isRead === true) {
        expect(await app.sizeOf(caller)).toBe(before);
        return;
      }
      const receipt = raw._meta?.['dev.cellstate/receipt'] as Members;
      expect(receipt).toEqual({receipt_id: result['receipt_id'], position: result['position']});
      expect(result['position']).toBe((await app.sizeOf(caller)) - 1);
      await verifiesOffline(String(receipt['receipt_id']));
    });

    test('refuses an argument that it does not know, by name, and writes nothing', async () => {
      const input = await stated(client);
      const before = await app.sizeOf(caller);
      const {problem, receipt, result} = await refusedBy(client, name, {
        ...input,
        no_such_argument: 1,
      });
      expect(problem).toMatchObject({status: 400, code: 'INVALID_INPUT', retryable: false});
      expect(problem['issues']).toMatchObject([{path: '/no_such_argument'}]);
      expect([receipt, result.structuredContent, await app.sizeOf(caller)]).toEqual([
        undefined,
        undefined,
        before,
      ]);
    });

    if (target !== undefined) {
      test('answers a foreign id as it answers one that nobody has', async () => {
        const input = await stated(client);
        const theirs =
          name === 'lock_acquire' ? stranger.agentId : (await othersInput(stated, foreign))[target];
        const other = await refusedBy(client, name, {...input, [target]: theirs});
        const none = await refusedBy(client, name, {...input, [target]: randomId()});
        expect(other.problem).toMatchObject({status: 404});
        expect(other.result.content).toEqual(none.result.content);
        expect(other.problem).toEqual(none.problem);
      });
    }
  });

  async function othersInput(stated: Case['stated'], of: Client): Promise<Members> {
    const mine = caller;
    caller = stranger;
    try {
      return await stated(of);
    } finally {
      caller = mine;
    }
  }
});

async function verifiesOffline(eventId: string): Promise<void> {
  const path = `/api/v1/receipts/${eventId}`;
  const {text} = await app.send({method: 'GET', path, key: caller.key});
  const verdict = verifyReceipt(createNobleHashes(), {receipt: text, policy});
  expect([verdict.exit, verdict.level, verdict.header?.id]).toEqual([0, 'L1', eventId]);
}
