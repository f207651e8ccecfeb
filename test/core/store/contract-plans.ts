/** The functions that write rows: that they are what their generator makes, and that they scale. */
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import type {TestDatabase} from '../../support/database.ts';
import {makeWidgets} from './widget.ts';

type Node = {'Node Type': string; 'Relation Name'?: string; Plans?: Node[]};

const nodesOf = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)];

export function plansContract(open: () => Promise<TestDatabase>): void {
  let database: TestDatabase;
  /** Tables of `mem` that have what every projection has, and whose function is generated. */
  let projections: string[];

  beforeAll(async () => {
    database = await open();
    const {admin} = database;
    await makeWidgets(admin);
    // A table with rules of its own brings its own function, and says so in the function's comment.
    const found = await admin.rows<{name: string}>(`select c.relname::text as name from pg_class c
      where c.relnamespace = 'mem'::regnamespace and c.relkind = 'r' and c.relname <> 'past'
        and coalesce(obj_description(to_regprocedure('ledger.put_' || c.relname || '(jsonb)'), 'pg_proc') not like 'own:%', true)`);
    projections = found.map(({name}) => name).toSorted();
  });
  afterAll(() => database.close());

  const definition = async (name: string): Promise<string> => {
    const [found] = await database.admin.rows<{text: string}>(
      `select pg_get_functiondef(('ledger.put_' || $1)::regproc) as text`,
      [name],
    );
    return found?.text ?? '';
  };

  test('every projection has the function that define_projection makes of its columns now', async () => {
    const {admin} = database;
    expect(projections).toContain('widget');
    for (const name of projections) {
      const before = await definition(name);
      await admin.run(`set role cs_owner; call ledger.define_projection('${name}'); reset role`);
      expect({name, text: await definition(name)}).toEqual({name, text: before});
    }
  });

  /** The plan that `ledger.commit` would get for the statement of a put function. */
  const planOf = async (name: string): Promise<Node[]> => {
    const {admin} = database;
    const [source] = await admin.rows<{text: string}>(
      `select prosrc as text from pg_proc where oid = ('ledger.put_' || $1)::regproc`,
      [name],
    );
    const statement = /(with m as [\s\S]*) select count\(\*\) into n from m;/
      .exec(source?.text ?? '')?.[1]
      ?.replace('recordset(p)', 'recordset($1)');
    const [commit] = await admin.rows<{settings: string[]}>(
      `select proconfig as settings from pg_proc where oid = 'ledger.commit'::regproc`,
    );
    const settings = (commit?.settings ?? []).map(
      (setting) => `set local ${setting.replace('=', ' = ')}`,
    );
    // As in the function: planned once, for whatever array comes.
    await admin.run(`begin; set local role cs_owner; ${settings.join('; ')}; set local plan_cache_mode = force_generic_plan;
      prepare put (jsonb) as ${statement} select count(*) from m`);
    try {
      const [plan] = await admin.rows<{'QUERY PLAN': [{Plan: Node}]}>(
        `explain (format json) execute put('[]')`,
      );
      return plan === undefined ? [] : nodesOf(plan['QUERY PLAN'][0].Plan);
    } finally {
      await admin.run('rollback; deallocate put');
    }
  };

  const expectIndexLoop = async (name: string): Promise<void> => {
    const nodes = await planOf(name);
    const types = nodes.map((node) => node['Node Type']);
    const own = nodes.filter(
      (node) => node['Relation Name'] === name && node['Node Type'] !== 'ModifyTable',
    );
    expect({
      name,
      loops: types.includes('Nested Loop'),
      own: own.map((node) => node['Node Type']),
    }).toEqual({
      name,
      loops: true,
      own: [expect.stringMatching(/^Index (Only )?Scan$/)],
    });
    expect(types.filter((type) => /Hash|Merge|Materialize|Memoize/.test(type))).toEqual([]);
  };

  describe('rows are merged by an index nested loop', () => {
    test('on every table while it is empty, when its plan is made', async () => {
      for (const name of projections) await expectIndexLoop(name);
    });

    const addWidgets = (count: number): Promise<void> =>
      database.admin
        .run(`insert into mem.widget select 1 + i % 5, gen_random_uuid(), 1, i, 0, 0, '{}', 'w' || random(), null, null, 0, null, '{}'
        from generate_series(1, ${count}) i`);

    test('on a table that is known to be small: the plan is kept while it grows', async () => {
      await addWidgets(3);
      await database.admin.run('analyze mem.widget');
      await expectIndexLoop('widget');
    });

    test('on a large table, analysed or not', async () => {
      const {admin} = database;
      await addWidgets(20_000);
      await expectIndexLoop('widget');
      await admin.run('analyze mem.widget');
      await expectIndexLoop('widget');
    });
  });
}
