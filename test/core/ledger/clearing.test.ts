/** Content that has ended is nowhere, and no later version brings it back (G-5, M-8, case 18). */
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import fc from 'fast-check';
import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import {clearEnding} from '../../../core/ledger/clearing.ts';
import {recallRow} from '../../../core/ledger/memory.ts';
import {rowKey} from '../../../core/pipeline/view.ts';
import type {Query, Store} from '../../../core/store/store.ts';
import {freshDatabase, type TestDatabase} from '../../support/database.ts';
import {
  endingApp,
  indexRowsOf,
  judged,
  sound,
  tracesOf,
  type EndingApp,
} from '../../support/ending-app.ts';

let database: TestDatabase;
let of: EndingApp;
let made = 0;

beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  of = await endingApp(database);
  // What a commit makes due is done when the test says so.
  await of.app.upkeep.close();
  made += 1;
});
afterEach(() => of.close());

const secret = (): string => `quicksilver${made}x`;

type Story = {
  readonly scopeId: string;
  readonly artifactId: string;
  readonly noteId: string;
  readonly turnId: string;
};

/** A scope with one of each that hangs on it. */
async function told(app = of): Promise<Story> {
  const {trajectory_id} = await app.ok('POST', '/trajectories', {name: 'a task'});
  const {scope_id} = await app.ok('POST', '/scopes', {trajectory_id, name: 'window'});
  const {turn_id} = await app.ok('POST', '/turns', {
    scope_id,
    role: 'Assistant',
    content: secret(),
    tool_calls: [{name: secret()}],
  });
  const item = {content: `${secret()} first`, ttl: 'Scope', scope_id};
  const {artifact_id} = await app.ok('POST', '/artifacts', {
    ...item,
    trajectory_id,
    artifact_type: 'Fact',
    name: 'found',
    source_turn: 1,
    extraction_method: 'Explicit',
  });
  const {note_id} = await app.ok('POST', '/notes', {...item, note_type: 'Fact', title: 'kept'});
  await app.ok('PATCH', `/artifacts/${artifact_id}`, {content: `${secret()} second`});
  await app.ok('PATCH', `/notes/${note_id}`, {content: `${secret()} second`});
  return {scopeId: scope_id, artifactId: artifact_id, noteId: note_id, turnId: turn_id};
}

const close = (scopeId: string): Promise<unknown> => of.ok('POST', `/scopes/${scopeId}/close`, {});
const lane = () => of.app.services.laneOf(of.tenant.tenantNo);

/** Everything that is due, as upkeep does it. */
const clear = async (app = of): Promise<void> => {
  const {admin} = database;
  const {tenantNo} = app.tenant;
  const endings = await admin.rows<{leaf: number}>(
    `select leaf from ledger.event where tenant_no = $1 and facts not like '%"ends":[],%' order by leaf`,
    [tenantNo],
  );
  const {services} = app.app;
  const parts = {store: services.store, lane: services.laneOf(tenantNo), laneIndex: 0};
  for (const {leaf} of endings) await clearEnding(parts, tenantNo, leaf);
};

/** Holds what is submitted from now on until it is let go: it is assembled, and not sequenced. */
function held(): () => void {
  const target = lane();
  const {submit} = target;
  let letGo = (): void => undefined;
  const waits = new Promise<void>((resolve) => (letGo = resolve));
  target.submit = async (wish) => {
    await waits;
    return submit(wish);
  };
  return () => {
    target.submit = submit;
    letGo();
  };
}

/** A request that was assembled when this resolves; it is sequenced when what is answered is called. */
async function assembled(request: () => Promise<unknown>): Promise<() => Promise<unknown>> {
  const target = lane();
  const {submit} = target;
  const [there, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  target.submit = async (wish) => {
    // Those that come after it go through.
    target.submit = submit;
    there.resolve();
    await go.promise;
    return submit(wish);
  };
  const answer = request();
  await there.promise;
  return () => {
    go.resolve();
    return answer;
  };
}

const gone = async (): Promise<void> => {
  expect(await tracesOf(database, secret())).toEqual([]);
  expect(await judged(database, of.tenant)).toMatchObject(sound);
};

test('closing a scope takes content out of every table, the index and the memory', async () => {
  const {artifactId, noteId, scopeId, turnId} = await told();
  expect(await tracesOf(database, secret())).not.toEqual([]);
  await close(scopeId);
  await clear();
  await gone();
  expect(await indexRowsOf(database, [artifactId, noteId, turnId])).toBe(0);
  const [stat] = await database.admin.rows<{docs: number}>(
    'select docs::int from aux.recall_stat where tenant_no = $1',
    [of.tenant.tenantNo],
  );
  expect(stat?.docs).toBe(0);
  for (const [entity, id] of [
    ['turn', turnId],
    ['artifact', artifactId],
    ['note', noteId],
  ] as const) {
    const row = recallRow(lane().memory, of.tenant.tenantNo, rowKey(entity, id as never));
    expect((row?.state as {content?: unknown} | undefined)?.content ?? null).toBeNull();
  }
  expect(
    JSON.stringify(
      [...(lane().memory.tenants.get(of.tenant.tenantNo)?.ring ?? [])].flatMap(({layer}) => [
        ...layer.rows.values(),
      ]),
    ),
  ).not.toContain(secret());
});

describe.each(['artifact', 'note'] as const)('the content of a %s that expired', (entity) => {
  const idOf = (story: Story): string => (entity === 'artifact' ? story.artifactId : story.noteId);

  test('is destroyed also where it was deleted before that', async () => {
    const story = await told();
    await close(story.scopeId);
    await of.ok('DELETE', `/${entity}s/${idOf(story)}`);
    await clear();
    await gone();
  });

  test('does not come back by a unit that was assembled while it was there', async () => {
    const story = await told();
    // The row has to come from the snapshot, as it does where the memory has no room for it.
    const drop = await assembled(() => of.call('DELETE', `/${entity}s/${idOf(story)}`));
    await close(story.scopeId);
    await clear();
    expect(await drop()).toMatchObject({status: 204});
    await gone();
  });

  test('does not come back by a change that lost against the close', async () => {
    const story = await told();
    const change = await assembled(() =>
      of.call('PATCH', `/${entity}s/${idOf(story)}`, {content: `${secret()} third`}),
    );
    await close(story.scopeId);
    await clear();
    expect(await change()).toMatchObject({status: 409});
    await gone();
  });
});

test('a change that was made while the close was assembled ends with the scope', async () => {
  const {artifactId, noteId, scopeId} = await told();
  const closing = await assembled(() => of.call('POST', `/scopes/${scopeId}/close`, {}));
  await of.ok('PATCH', `/artifacts/${artifactId}`, {content: `${secret()} third`});
  await of.ok('PATCH', `/notes/${noteId}`, {content: `${secret()} third`});
  expect(await closing()).toMatchObject({status: 200});
  await clear();
  await gone();
});

test('an item whose lifetime was changed while the close was assembled keeps its content', async () => {
  const {artifactId, scopeId} = await told();
  const closing = await assembled(() => of.call('POST', `/scopes/${scopeId}/close`, {}));
  await of.ok('PATCH', `/artifacts/${artifactId}`, {ttl: 'Persistent'});
  await closing();
  await clear();
  expect(await of.ok('GET', `/artifacts/${artifactId}`)).toMatchObject({
    content: `${secret()} second`,
    content_state: 'present',
  });
  expect(await judged(database, of.tenant)).toMatchObject(sound);
});

test('an item that was hung on the scope while the close was assembled ends with it', async () => {
  const {artifactId, scopeId} = await told();
  await of.ok('PATCH', `/artifacts/${artifactId}`, {ttl: 'Persistent'});
  const closing = await assembled(() => of.call('POST', `/scopes/${scopeId}/close`, {}));
  await of.ok('PATCH', `/artifacts/${artifactId}`, {ttl: 'Scope'});
  await closing();
  await clear();
  await gone();
});

test('however closes, deletes, changes and clearings interleave, nothing comes back', async () => {
  type Act =
    | 'close'
    | 'clear'
    | 'clear twice'
    | 'delete artifact'
    | 'delete note'
    | 'patch artifact'
    | 'hold'
    | 'let go';
  const acts: readonly Act[] = [
    'close',
    'clear',
    'clear twice',
    'delete artifact',
    'delete note',
    'patch artifact',
    'hold',
    'let go',
  ];
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...acts), {minLength: 4, maxLength: 12}),
      async (order) => {
        made += 1;
        const {artifactId, noteId, scopeId} = await told();
        const answers: Promise<unknown>[] = [];
        let letGo = (): void => undefined;
        const act: Record<Act, () => unknown> = {
          close: () => answers.push(of.call('POST', `/scopes/${scopeId}/close`, {})),
          clear: () => answers.push(clear()),
          'clear twice': () => answers.push(clear(), clear()),
          'delete artifact': () => answers.push(of.call('DELETE', `/artifacts/${artifactId}`)),
          'delete note': () => answers.push(of.call('DELETE', `/notes/${noteId}`)),
          'patch artifact': () =>
            answers.push(
              of.call('PATCH', `/artifacts/${artifactId}`, {content: `${secret()} again`}),
            ),
          hold: () => (letGo(), (letGo = held())),
          'let go': () => letGo(),
        };
        for (const one of order) {
          act[one]();
          await new Promise(setImmediate);
        }
        letGo();
        await Promise.all(answers);
        await of.call('POST', `/scopes/${scopeId}/close`, {});
        await clear();
        await gone();
      },
    ),
    {numRuns: 12, seed: 22},
  );
});

/** A store whose clearing ends badly: before its k-th statement, or after the commit without an answer. */
const failing =
  (at: {k: number; after: boolean}) =>
  (store: Store): Store => ({
    ...store,
    async clear(laneNo, tenant, leaf, limit, along) {
      let count = 0;
      const q = (inner: Query): Query => ({
        rows(statement, values) {
          count += 1;
          if (count === at.k) throw new Error('the backend was ended');
          return inner.rows(statement, values);
        },
      });
      const ended = await store.clear(laneNo, tenant, leaf, limit, async (inner, found) => {
        await along?.(q(inner), found);
      });
      if (at.after) {
        at.after = false;
        throw new Error('the connection broke in COMMIT');
      }
      return ended;
    },
  });

test('a clearing that dies before any of its statements has destroyed nothing, and is repeated', async () => {
  const {scopeId} = await told();
  await close(scopeId);
  const before = await tracesOf(database, secret());
  const {tenantNo} = of.tenant;
  const [ending] = await database.admin.rows<{leaf: number}>(
    `select max(leaf) as leaf from ledger.event where tenant_no = $1`,
    [tenantNo],
  );
  for (let k = 1; k <= 9; k += 1) {
    const store = failing({k, after: false})(of.app.services.store);
    await expect(
      clearEnding({store, lane: lane(), laneIndex: 0}, tenantNo, ending?.leaf ?? 0),
    ).rejects.toThrow(/backend/);
    expect(await tracesOf(database, secret())).toEqual(before);
  }
  await clear();
  await gone();
});

test('a clearing whose answer is lost leaves nothing in memory that a later version could carry', async () => {
  const {artifactId, noteId, scopeId} = await told();
  await close(scopeId);
  const {tenantNo} = of.tenant;
  const at = {k: 0, after: true};
  const store = failing(at)(of.app.services.store);
  const {position: leaf} = await of.call('GET', '/agents');
  await expect(clearEnding({store, lane: lane(), laneIndex: 0}, tenantNo, leaf)).rejects.toThrow(
    /COMMIT/,
  );
  await of.ok('DELETE', `/artifacts/${artifactId}`);
  await of.ok('DELETE', `/notes/${noteId}`);
  await gone();
});

test('a process that dies between the destruction and its memory leaves no content in the cache', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cellstate-clearing-'));
  const first = await endingApp(database, {folder});
  await first.app.upkeep.close();
  const {artifactId, scopeId} = await told(first);
  await first.ok('POST', `/scopes/${scopeId}/close`, {});
  const {tenantNo} = first.tenant;
  const {memory} = first.app.services.laneOf(tenantNo);
  const key = rowKey('artifact', artifactId as never);
  const cached = () => JSON.stringify(memory.cache?.get(tenantNo, key, {is: 'consistent'}) ?? null);
  expect(cached()).toContain(secret());

  // All but the last step: the rows are destroyed, and nobody is left to say so.
  const {position: leaf} = await first.call('GET', '/agents');
  const store: Store = {
    ...first.app.services.store,
    async clear(...args) {
      await first.app.services.store.clear(...args);
      return new Promise(() => undefined);
    },
  };
  const dying = clearEnding(
    {store, lane: first.app.services.laneOf(tenantNo), laneIndex: 0},
    tenantNo,
    leaf,
  );
  dying.catch(() => expect.unreachable('it never ends'));
  await expect.poll(() => tracesOf(database, secret())).toEqual([]);

  const next = await first.again();
  const later = next.app.services.laneOf(tenantNo).memory;
  await next.ok('GET', '/agents');
  expect(
    later.cache?.get(tenantNo, key, {is: 'best_effort', maxStalenessMs: 1e12}) ?? null,
  ).toBeNull();
  expect(await next.ok('GET', `/artifacts/${artifactId}`)).toMatchObject({content: null});
  await next.close();
  rmSync(folder, {recursive: true, force: true});
});

describe('content that is absent without an event that ended it', () => {
  const after = async (change: string): Promise<{leaf: number | null; exit: number} | null> => {
    await database.admin.run(`begin; ${change}`);
    try {
      const {exit, fault} = await judged(database, of.tenant);
      return fault === null ? null : {leaf: fault.leaf, exit};
    } finally {
      await database.admin.run('rollback');
    }
  };
  const leafOf = async (kind: string): Promise<number> => {
    const [row] = await database.admin.rows<{leaf: number}>(
      `select max(leaf) as leaf from ledger.event where tenant_no = $1 and kind = $2`,
      [of.tenant.tenantNo, Number.parseInt(kind, 16)],
    );
    return row?.leaf ?? -1;
  };

  test('is named by the verifier (M-8)', async () => {
    await told();
    const leaf = await leafOf('5001');
    const {tenantNo} = of.tenant;
    expect(
      await after(
        `update ledger.payload set content = null, content_salt = null where tenant_no = ${tenantNo} and leaf = ${leaf}`,
      ),
    ).toEqual({leaf, exit: 40});
  });

  test('is named also where an ending took other leaves, and where it took data', async () => {
    const {scopeId} = await told();
    const {note_id: other} = await of.ok('POST', '/notes', {
      note_type: 'Fact',
      title: 'n',
      content: 'stays',
    });
    expect(other).toBeDefined();
    const leaf = await leafOf('4001');
    await close(scopeId);
    const {tenantNo} = of.tenant;
    const of4001 = `where tenant_no = ${tenantNo} and leaf = ${leaf}`;
    expect(
      await after(`update ledger.payload set content = null, content_salt = null ${of4001}`),
    ).toEqual({leaf, exit: 40});
    const turn = await leafOf('5001');
    expect(
      await after(`delete from ledger.payload where tenant_no = ${tenantNo} and leaf = ${turn}`),
    ).toEqual({leaf: turn, exit: 40});
  });
});
