/** R3: what the newest turns of a thread cost does not grow with the thread. */
import {afterAll, beforeAll, expect, test} from 'vitest';
import {newId} from '../../../shared/ids.ts';
import {listRows} from '../../../core/store/list.ts';
import type {Query, Statement} from '../../../core/store/store.ts';
import {freshPostgres, type TestDatabase} from '../../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await freshPostgres();
});
afterAll(() => database.close());

const idOf = (n: number): string => newId(Date.now() * 1_000 + n, new Uint8Array(10).fill(n % 251));
const tenant = 1;

/** A scope with so many turns, written as the projections hold them. */
async function thread(turns: number, seed: number): Promise<string> {
  const scope = idOf(seed);
  await database.admin.run(`set role cs_owner;
    insert into mem.turn (tenant_no, id, version, leaf, created_at, updated_at, created_by, scope_id,
        trajectory_id, sequence, role, token_count, content, doc)
      select ${tenant}, uuidv7(), 1, ${seed} * 100000 + n, ${seed} * 1000000 + n, n, '{}', '${scope}', '${scope}', n, 'user',
        1, repeat('x', 200), '{}' from generate_series(1, ${turns}) n;
    insert into mem.scope (tenant_no, id, version, leaf, created_at, updated_at, created_by, trajectory_id, is_active, doc)
      select ${tenant}, id, 1, ${seed}, 1, 1, '{}', id, true, '{"rewound": []}'
        from (select '${scope}'::uuid as id union all select uuidv7() from generate_series(1, 1000)) s;
    reset role; analyze mem.turn; analyze mem.scope`);
  return scope;
}

const isTakenBack = `exists (select 1 from jsonb_array_elements(c.doc -> 'rewound') r
  where x.sequence between (r ->> 0)::bigint and (r ->> 1)::bigint)`;

type Plan = {'Shared Hit Blocks': number; 'Node Type': string; Plans?: Plan[]};
const nodesOf = (plan: Plan): string[] => [
  plan['Node Type'],
  ...(plan.Plans ?? []).flatMap(nodesOf),
];

/** Blocks touched and nodes run by everything that a list asks. */
async function costOf(scope: string): Promise<{blocks: number; nodes: string[]}> {
  const asked: [Statement, readonly unknown[]][] = [];
  await database.store.read(tenant, (q) => {
    const recording: Query = {
      rows: (statement, values) => {
        asked.push([statement, values]);
        return q.rows(statement, values);
      },
    };
    return listRows(recording, 'turn', {
      tenant,
      filters: [
        {column: 'scopeId', in: [scope]},
        {unless: {entity: 'scope', on: 'scope_id', condition: isTakenBack}},
      ],
      orderBy: 'sequence',
      isDescending: true,
      limit: 20,
      count: async () => 0,
    });
  });
  let blocks = 0;
  const nodes: string[] = [];
  for (const [statement, values] of asked) {
    const literal = values.map((value) => `'${String(value)}'`).join(', ');
    const [row] = await explained(statement.text, literal);
    blocks += row?.['QUERY PLAN'][0].Plan['Shared Hit Blocks'] ?? 0;
    if (row !== undefined) nodes.push(...nodesOf(row['QUERY PLAN'][0].Plan));
  }
  return {blocks, nodes};
}

async function explained(text: string, literal: string) {
  const {admin} = database;
  await admin.run(`prepare asked as ${text}`);
  try {
    const asked = `explain (analyze, buffers, format json) execute asked(${literal})`;
    // From the sixth time on PostgreSQL may take a plan that fits any values.
    for (let times = 0; times < 8; times += 1) await admin.rows(asked);
    return await admin.rows<{'QUERY PLAN': [{Plan: Plan}]}>(asked);
  } finally {
    await admin.run('deallocate asked');
  }
}

test('the last 20 turns of 20 000 touch the pages that those of 200 touch', async () => {
  const [short, long] = [await thread(200, 1), await thread(20_000, 2)];
  const [few, many] = [await costOf(short), await costOf(long)];
  expect(many.nodes).toContain('Index Scan');
  expect(many.nodes).not.toContain('Sort');
  expect(many.nodes).not.toContain('Seq Scan');
  // One level more of each index at most.
  expect(many.blocks).toBeLessThanOrEqual(few.blocks + 3);
});
