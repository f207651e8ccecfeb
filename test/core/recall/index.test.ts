/** The index itself: what a commit writes to it, that it can be made again, and who gets to see it. */
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {fromSql, type SqlRow} from '../../../core/store/codec.ts';
import {indexRow, type SearchKind} from '../../../core/text/index-row.ts';
import type {Id} from '../../../shared/ids.ts';
import {randomOf, seedCount, type Random} from '../../support/seeds.ts';
import {members, openTestApp, type Caller, type TestApp} from '../../support/test-app.ts';

const kinds = ['turn', 'artifact', 'note'] as const;
const words = 'alpha beta gamma delta importer rows friday deploy office utrecht'.split(' ');

let app: TestApp;
beforeAll(async () => {
  app = await openTestApp();
});
afterAll(() => app.close());

type Body = Record<string, unknown>;

/** Wishes at random against one tenant; those that are refused are part of it. */
async function liveThrough(caller: Caller, random: Random, steps: number): Promise<void> {
  const send = async (method: string, path: string, body: object = {}): Promise<Body> => {
    const reply = await app.send({method, path: `/api/v1${path}`, key: caller.key, body});
    expect(reply.status).toBeLessThan(500);
    return reply.text === '' ? {} : members(reply);
  };
  const text = () => Array.from({length: 1 + random.int(8)}, () => random.pick(words)).join(' ');
  const trajectory = String((await send('POST', '/trajectories', {name: 'w'}))['trajectory_id']);
  const scopes: string[] = [];
  const notes: string[] = [];
  const artifacts: string[] = [];
  const openScope = async () => {
    const made = await send('POST', '/scopes', {trajectory_id: trajectory, name: 's'});
    scopes.push(String(made['scope_id']));
  };
  await openScope();
  const newNote = () => ({note_type: 'Fact', title: text(), content: text()});
  const newArtifact = () => ({
    trajectory_id: trajectory,
    scope_id: random.pick(scopes),
    artifact_type: 'Fact',
    name: text(),
    content: text(),
    ttl: random.pick(['Persistent', 'Scope', 'Session', {Max: 3}]),
    source_turn: 0,
    extraction_method: 'Explicit',
  });
  const turn = () => ({scope_id: random.pick(scopes), role: 'User', content: text()});
  const step = async (): Promise<void> => {
    switch (random.int(12)) {
      case 0:
      case 1:
        return void (await send('POST', '/turns', turn()));
      case 2:
        return void notes.push(String((await send('POST', '/notes', newNote()))['note_id']));
      case 3: {
        const made = await send('POST', '/artifacts', newArtifact());
        return void artifacts.push(String(made['artifact_id']));
      }
      case 4: {
        const change = random.pick([
          {content: text()},
          {title: text(), confidence: 0.5},
          {valid_to: '2031-01-01T00:00:00Z'},
          {valid_from: '2020-03-01T00:00:00Z'},
          {metadata: {caption: text()}},
        ]);
        return void (await send('PATCH', `/notes/${random.pick([...notes, 'none'])}`, change));
      }
      case 5:
        return void (await send('PATCH', `/artifacts/${random.pick([...artifacts, 'none'])}`, {
          metadata: {caption: text()},
        }));
      case 6:
        return void (await send(
          'POST',
          `/notes/${random.pick([...notes, 'none'])}/supersede`,
          newNote(),
        ));
      case 7:
        return void (await send('DELETE', `/notes/${random.pick([...notes, 'none'])}`));
      case 8:
        return void (await send('DELETE', `/artifacts/${random.pick([...artifacts, 'none'])}`));
      case 9:
        return void (await send('POST', `/scopes/${random.pick(scopes)}/turns/rewind`, {
          from_sequence: 1 + random.int(4),
          append: [{role: 'assistant', content: text()}],
        }));
      case 10:
        await send('POST', `/scopes/${random.pick(scopes)}/close`);
        return openScope();
      default: {
        // Several versions of one row in one group.
        const items = notes.slice(-2).flatMap((note_id) => [
          {operation: 'update', note_id, update: {content: text()}},
          {operation: 'update', note_id, update: {confidence: 0.7}},
          {operation: 'update', note_id, update: {content: text()}},
        ]);
        return void (await send('POST', '/batch/notes', {items, atomic: random.chance(0.7)}));
      }
    }
  };
  for (let at = 0; at < steps; at += 1) {
    if (random.chance(0.3)) await Promise.all([step(), step(), step()]);
    else await step();
  }
}

type IndexRow = Body & {id: Id; kind: number};

type Stored = {
  readonly index: IndexRow[];
  readonly rows: readonly (readonly [SearchKind, SqlRow])[];
  readonly stat: unknown;
};

/** Everything on one snapshot: contents that have ended are cleared behind the commits. */
const storedOf = ({tenantNo}: Caller): Promise<Stored> =>
  app.app.services.store.read(tenantNo, async (q) => {
    const all = async <T>(table: string): Promise<T[]> => {
      const text = `select to_jsonb(x) as row from ${table} x where tenant_no = $1`;
      return (await q.rows<{row: T}>({name: `test_${table}`, text}, [tenantNo])).map(
        ({row}) => row,
      );
    };
    const rows = [];
    for (const kind of kinds) {
      for (const row of await all<SqlRow>(`mem.${kind}`)) rows.push([kind, row] as const);
    }
    const [stat] = await all<Body>('aux.recall_stat');
    return {index: await all<IndexRow>('aux.recall_item'), rows, stat};
  });

/** What a row of `mem` makes of the index, as SQL shows it. */
function rebuilt(caller: Caller, kind: SearchKind, row: SqlRow): Body {
  const around = {agentName: null, ownerId: caller.agentId};
  const made: Body = indexRow(kind, fromSql(row) as never, around);
  const terms = String(made['terms']).slice(1, -1).split(',').map(Number);
  return {...made, tenant_no: caller.tenantNo, terms, to_leaf: null};
}

// The leaf is that of the text, and a supersession keeps its own; both are in no row of `mem`.
const known = (row: Body): Body => {
  const {leaf: _, superseded_leaf: since, ...rest} = row;
  return JSON.parse(JSON.stringify({...rest, isSuperseded: since !== null}));
};

describe('W: after any history', () => {
  test('the newest rows of the index are the rows that are not deleted, and follow from them', async () => {
    for (let seed = 0; seed < seedCount(3); seed += 1) {
      const caller = await app.tenant();
      await liveThrough(caller, randomOf(seed), 70);
      const {index, rows, stat} = await storedOf(caller);
      const newest = new Map(
        index.filter((row) => row['to_leaf'] === null).map((row) => [row.id, row]),
      );
      const isThere = ([, row]: (typeof rows)[number]): boolean =>
        row['is_deleted'] !== true && row['content'] !== null;
      const there = rows.filter(isThere);
      for (const [kind, row] of there) {
        const own = newest.get(row['id'] as Id) ?? {};
        expect({seed, ...known(own)}).toEqual({seed, ...known(rebuilt(caller, kind, row))});
      }
      expect(newest.size).toBe(there.length);
      const length = [...newest.values()].reduce((sum, row) => sum + Number(row['len']), 0);
      expect(stat).toEqual({tenant_no: caller.tenantNo, docs: there.length, total_len: length});
    }
  });

  test('of no item two texts hold at once', async () => {
    const caller = await app.tenant();
    await liveThrough(caller, randomOf(77), 80);
    const byId = Map.groupBy((await storedOf(caller)).index, (row) => row.id);
    for (const rows of byId.values()) {
      const spans = rows.map(
        (row) => [Number(row['leaf']), Number(row['to_leaf'] ?? Infinity)] as const,
      );
      spans.sort(([a], [b]) => a - b);
      for (const [at, [, end]] of spans.slice(0, -1).entries()) {
        expect(end).toBeLessThanOrEqual(spans[at + 1]?.[0] ?? Infinity);
      }
    }
  });
});
