/** The function behind the search: whose rows it answers, and that it uses its index. */
import {afterAll, beforeAll, expect, test} from 'vitest';
import {
  selectCandidates,
  selectFrequencies,
  selectNewest,
  type RecallFilter,
} from '../../../core/store/recall.ts';
import {termOf} from '../../../core/text/terms.ts';
import type {TenantNo} from '../../../shared/ids.ts';
import {freshDatabase, type TestDatabase} from '../../support/database.ts';
import {fillMemory} from '../../support/recall-memory.ts';

let database: TestDatabase;
const [ours, theirs] = [101, 102] as TenantNo[] as [TenantNo, TenantNo];

beforeAll(async () => {
  database = await freshDatabase();
  await fillMemory(database.admin, ours, 1, 400);
  await fillMemory(database.admin, theirs, 2, 400);
  await database.admin.run('analyze aux.recall_item');
});
afterAll(() => database.close());

const filter: RecallFilter = {
  leaf: null,
  at: 1_900_000_000_000_000,
  now: 1_900_000_000_000_000,
  hide: 10,
  superseded: false,
  invalid: false,
};
const term = termOf('w90');
const asked = {select: [term], terms: [term], weights: [1], filter, within: false, limit: 200};

const found = (session: TenantNo, tenant: TenantNo) =>
  database.store.read(session, (q) => selectCandidates(q, tenant, asked));

test('each tenant finds its own items, and the same word finds none of the other', async () => {
  const [mine, others] = [await found(ours, ours), await found(theirs, theirs)];
  expect(mine.length).toBeGreaterThan(3);
  expect(others.length).toBeGreaterThan(3);
  const ids = new Set(mine.map(({id}) => id));
  expect(others.filter(({id}) => ids.has(id))).toEqual([]);
});

test('a tenant that is not the session’s finds nothing, by any of the functions', async () => {
  expect(await found(ours, theirs)).toEqual([]);
  await database.store.read(ours, async (q) => {
    expect(await selectNewest(q, theirs, filter, 10)).toEqual([]);
    expect(await selectFrequencies(q, theirs, [term], 10)).toEqual({
      docs: 0,
      totalLength: 0,
      counts: [0],
    });
  });
});

test('a session without a tenant finds nothing', async () => {
  const values = [ours, [term], [term], [1], JSON.stringify({...filter, within: false}), 10];
  const text = 'select count(*)::int as n from aux.recall_candidates($1, $2, $3, $4, $5, $6)';
  expect(await database.driver.ask({name: 'test_none', text}, values)).toEqual([{n: 0}]);
});

test('what it finds is what a plain statement finds', async () => {
  const plain = await database.admin.rows<{id: string}>(
    `select id from aux.recall_item where tenant_no = $1 and terms && array[$2::int] and to_leaf is null`,
    [ours, term],
  );
  const ids = (await found(ours, ours)).map(({id}) => id);
  expect(ids.toSorted()).toEqual(plain.map(({id}) => id).toSorted());
});

test('an agent’s restrictions and a request’s own filter are conditions of the same question', async () => {
  const all = await database.store.read(ours, (q) => selectNewest(q, ours, filter, 1_000));
  const kindsWith = async (more: object): Promise<number[]> => {
    const narrowed = {...filter, ...more} as RecallFilter;
    const some = await database.store.read(ours, (q) => selectNewest(q, ours, narrowed, 1_000));
    return [...new Set(some.map(({kind}) => kind))].toSorted((a, b) => a - b);
  };
  expect(new Set(all.map(({kind}) => kind)).size).toBe(3);
  expect(await kindsWith({every: [3], team: [], own: [], regions: []})).toEqual([3]);
  expect(await kindsWith({every: [], team: [], own: [], regions: []})).toEqual([]);
  expect(await kindsWith({match: '$.speaker == $who', vars: {who: 'user'}})).toEqual([1]);
});

type Node = {'Node Type': string; 'Index Name'?: string; Plans?: Node[]};
const nodesOf = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)];

/** The plan of the function's own statement, made as its settings make it. */
async function planOf(name: string, types: string, call: string): Promise<Node[]> {
  const {admin} = database;
  const [source] = await admin.rows<{text: string; settings: string[]; names: string[]}>(
    `select prosrc as text, proconfig as settings, proargnames as names from pg_proc where oid = ('aux.' || $1)::regproc`,
    [name],
  );
  if (source === undefined) throw new Error(`no function ${name}`);
  const text = source.names.reduce(
    (sql, arg, at) =>
      arg.startsWith('p_') ? sql.replaceAll(new RegExp(`\\b${arg}\\b`, 'g'), `$${at + 1}`) : sql,
    source.text,
  );
  const settings = source.settings.map((one) => `set local ${one.replace('=', ' = ')}`).join('; ');
  await admin.run(
    `begin; set local role cs_owner; ${settings}; prepare asked (${types}) as ${text}`,
  );
  try {
    const [plan] = await admin.rows<{'QUERY PLAN': [{Plan: Node}]}>(
      `explain (format json) execute asked (${call})`,
    );
    return plan === undefined ? [] : nodesOf(plan['QUERY PLAN'][0].Plan);
  } finally {
    await admin.run('rollback; deallocate asked');
  }
}

const expectIndex = (nodes: readonly Node[], index: string): void => {
  expect(nodes.map((node) => node['Index Name'])).toContain(index);
  expect(nodes.filter((node) => node['Node Type'] === 'Seq Scan')).toEqual([]);
};

test('candidates come from the index of words', async () => {
  const nodes = await planOf(
    'recall_candidates',
    'int, int[], int[], float8[], jsonb, int',
    `${ours}, '{1}', '{1}', '{1}', '{}', 10`,
  );
  expectIndex(nodes, 'recall_item_terms');
});

test('words are counted in the index of words', async () => {
  expectIndex(
    await planOf('recall_frequencies', 'int, int[], int', `${ours}, '{1}', 10`),
    'recall_item_terms',
  );
});

test('the newest are walked backwards, and nothing is sorted', async () => {
  const nodes = await planOf('recall_newest', 'int, jsonb, int', `${ours}, '{}', 10`);
  expectIndex(nodes, 'recall_item_pkey');
  expect(nodes.filter((node) => node['Node Type'] === 'Sort')).toEqual([]);
});

test('a plain statement under row-level security would not use the index of words', async () => {
  const {admin} = database;
  await admin.run(
    `begin; set local role cs_app; set local cellstate.tenant_no = '${ours}'; set local enable_seqscan = off`,
  );
  try {
    const [plan] = await admin.rows<{'QUERY PLAN': [{Plan: Node}]}>(
      `explain (format json) select id from aux.recall_item where tenant_no::bigint = ${ours} and terms && array[1]`,
    );
    const nodes = plan === undefined ? [] : nodesOf(plan['QUERY PLAN'][0].Plan);
    expect(nodes.map((node) => node['Index Name'])).not.toContain('recall_item_terms');
  } finally {
    await admin.run('rollback');
  }
});
