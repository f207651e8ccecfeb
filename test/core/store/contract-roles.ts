/** Who may do what in the database: the grants, and what stands behind them. */
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import type {TestDatabase} from '../../support/database.ts';
import {commitTo, newHead} from './batches.ts';
import {aWidget, makeWidgets} from './widget.ts';

type Table = {name: string; schema: string; has_tenant: boolean; fenced: boolean};

const roles = ['cs_lane', 'cs_app', 'cs_audit', 'public'] as const;
const verbs = [
  'select',
  'insert',
  'update',
  'delete',
  'truncate',
  'references',
  'trigger',
] as const;

/** The rights of 04-ledger §5, as a rule over tables instead of a list of them. */
function mayDo(
  role: (typeof roles)[number],
  {name, schema, has_tenant: hasTenant}: Table,
): string[] {
  if (role === 'public') return [];
  const isAux = schema === 'aux' && hasTenant;
  const reads =
    name === 'ledger.migration' || (hasTenant && name !== 'ledger.tenant') ? ['select'] : [];
  if (role === 'cs_audit') return reads;
  const aux = isAux ? ['insert', 'update', 'delete'] : [];
  if (role === 'cs_app') return [...reads, ...aux];
  const inserts = ['ledger.tenant', 'ledger.shard', 'ledger.head', 'ledger.subject'].includes(name)
    ? ['insert']
    : [];
  const updates = schema === 'mem' || name === 'ledger.head' ? ['update'] : [];
  return [...(name === 'ledger.tenant' ? ['select'] : reads), ...inserts, ...updates, ...aux];
}

export function rolesContract(open: () => Promise<TestDatabase>): void {
  let database: TestDatabase;
  let tables: Table[];
  beforeAll(async () => {
    database = await open();
    await makeWidgets(database.admin);
    tables = await database.admin
      .rows<Table>(`select c.oid::regclass::text as name, n.nspname::text as schema,
        exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_no') as has_tenant,
        c.relrowsecurity and c.relforcerowsecurity as fenced
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname in ('ledger', 'mem', 'aux', 'lookup') and c.relkind in ('r', 'p', 'v', 'm') order by 1`);
  });
  afterAll(() => database.close());

  const as = async (role: string, sql: string): Promise<void> => {
    try {
      await database.admin.run(`begin; set local role ${role}; ${sql}`);
    } finally {
      await database.admin.run('rollback');
    }
  };
  const denied = {code: '42501'};

  test('every role has the rights of the rule on every table, and no more', async () => {
    expect(tables.length).toBeGreaterThan(10);
    for (const table of tables) {
      for (const role of roles) {
        const has = await database.admin.rows<{v: string}>(
          'select v from unnest($3::text[]) v where has_table_privilege($1, $2, v) order by array_position($3, v)',
          [role, table.name, verbs],
        );
        expect({role, table: table.name, may: has.map(({v}) => v)}).toEqual({
          role,
          table: table.name,
          may: mayDo(role, table).toSorted(
            (a, b) => verbs.indexOf(a as 'select') - verbs.indexOf(b as 'select'),
          ),
        });
      }
    }
  });

  test('a table with tenant_no is fenced, or closed to those who serve requests', () => {
    const open = tables.filter(
      ({has_tenant: hasTenant, fenced, name}) => hasTenant && !fenced && name !== 'ledger.tenant',
    );
    expect(open).toEqual([]);
  });

  test('functions are for the role they serve, and none is for everybody', async () => {
    const found = await database.admin.rows<{
      name: string;
      schema: string;
      proname: string;
      role: string;
    }>(
      `select p.oid::regprocedure::text as name, n.nspname::text as schema, p.proname::text as proname, r as role
        from pg_proc p join pg_namespace n on n.oid = p.pronamespace, unnest(array['cs_lane', 'cs_app', 'cs_audit', 'public']) r
        where n.nspname in ('ledger', 'mem', 'aux', 'lookup') and has_function_privilege(r, p.oid, 'execute')`,
    );
    const of = (role: string) =>
      found
        .filter((one) => one.role === role && one.schema === 'ledger')
        .map(({proname}) => proname)
        .toSorted();
    expect(of('public')).toEqual([]);
    expect(found.filter(({role}) => role === 'public')).toEqual([]);
    expect(of('cs_lane')).toEqual(expect.arrayContaining(['commit', 'end_content', 'purge']));
    for (const role of ['cs_lane', 'cs_app', 'cs_audit']) {
      expect(of(role).filter((name) => /^(put|define|fence)/.test(name))).toEqual([]);
    }
    for (const name of ['commit', 'end_content', 'purge']) expect(of('cs_app')).not.toContain(name);
  });

  test('a function with the rights of its owner chooses its own schemas', async () => {
    const careless = await database.admin.rows(`select oid::regprocedure::text from pg_proc
      where prosecdef and pronamespace::regnamespace::text in ('ledger', 'mem', 'aux', 'lookup')
        and not coalesce(array_to_string(proconfig, ' ') like '%search_path=pg_catalog, pg_temp%', false)`);
    expect(careless).toEqual([]);
  });

  test.each([
    ['cs_lane', `insert into ledger.event (tenant_no) values (1)`],
    ['cs_lane', `update ledger.event set kind = 1`],
    ['cs_lane', `delete from ledger.payload`],
    ['cs_lane', `update ledger.payload set content = null`],
    ['cs_lane', `insert into mem.widget (tenant_no) values (1)`],
    ['cs_lane', `delete from mem.widget`],
    ['cs_lane', `insert into mem.past (tenant_no) values (1)`],
    ['cs_lane', `select ledger.put_event('[]')`],
    ['cs_lane', `update ledger.tenant set salt = null`],
    ['cs_lane', `select * from lookup.due('x', 1, 1)`],
    ['cs_app', `select * from ledger.tenant`],
    ['cs_app', `select * from aux.sweep`],
    ['cs_app', `update ledger.head set size = 0`],
    ['cs_app', `update mem.widget set name = ''`],
    ['cs_app', `select ledger.commit(1, '[]', '{}')`],
    ['cs_app', `select * from ledger.end_content(1, 1, 1)`],
    ['cs_app', `select ledger.purge(1)`],
    ['cs_app', `call ledger.fence('mem.widget')`],
    ['cs_app', `alter table mem.widget disable row level security`],
    ['cs_audit', `select salt from ledger.tenant`],
    ['cs_audit', `insert into aux.cursor values ('x', 1, 1)`],
    ['cs_audit', `select ledger.commit(1, '[]', '{}')`],
  ])('%s may not: %s', async (role, sql) => {
    await expect(as(role, sql)).rejects.toMatchObject(denied);
  });

  test('the role of a read cannot write a row of aux for a tenant it did not name', async () => {
    const {tenantNo} = await newHead(database.store);
    const set = `set local cellstate.tenant_no = '${tenantNo}'`;
    await as('cs_app', `${set}; insert into aux.cursor values ('mine', ${tenantNo}, 0)`);
    await expect(
      as('cs_app', `${set}; insert into aux.cursor values ('theirs', ${tenantNo + 1}, 0)`),
    ).rejects.toMatchObject(denied);
    await expect(
      as('cs_app', `insert into aux.cursor values ('nobody', ${tenantNo}, 0)`),
    ).rejects.toMatchObject(denied);
  });

  describe('the log is append-only, for its owner too', () => {
    const changes = ['event', 'edge', 'shard'].flatMap((table) => [
      `update ledger.${table} set tenant_no = tenant_no`,
      `delete from ledger.${table}`,
      `truncate ledger.${table} cascade`,
    ]);
    beforeAll(async () => {
      const {tenantNo} = await newHead(database.store);
      const edge = {
        tenant_no: tenantNo,
        child_leaf: 0,
        ord: 0,
        rel: 10,
        parent_hash: `\\x${'00'.repeat(32)}`,
      };
      await commitTo(database.store, tenantNo, {edge: [edge]});
    });

    test.each(changes)('%s', async (sql) => {
      await expect(as('cs_owner', sql)).rejects.toMatchObject({code: 'CS409'});
      // A replica's session skips ordinary triggers.
      await expect(
        as('postgres', `set local session_replication_role = replica; ${sql}`),
      ).rejects.toMatchObject({code: 'CS409'});
      await expect(as('cs_owner', `set local cellstate.purge = '0'; ${sql}`)).rejects.toMatchObject(
        {code: 'CS409'},
      );
    });
  });

  test('a purge takes the tenant that its event names, and nothing of another', async () => {
    const {store, admin} = database;
    const systemId = '00000000-0000-7000-8000-000000000000';
    const system = await store.openTenant({
      tenantId: systemId,
      salt: new Uint8Array(32),
      origin: 'test/system',
      vkey: 'test/system+x',
    });
    const [stays, goes] = [await newHead(store), await newHead(store)];
    for (const {tenantNo} of [stays, goes]) {
      const head = {...stays, tenantNo, size: 0};
      await commitTo(store, tenantNo, {widget: [aWidget(head)]});
    }
    const rowsOf = async (tenant: number): Promise<number> => {
      const counts = await Promise.all(
        tables
          .filter(({has_tenant: hasTenant}) => hasTenant)
          .map(({name}) =>
            admin.rows<{n: number}>(`select count(*) as n from ${name} where tenant_no = $1`, [
              tenant,
            ]),
          ),
      );
      return counts.flat().reduce((sum, {n}) => sum + n, 0);
    };
    const before = await rowsOf(stays.tenantNo);
    await commitTo(store, system, {}, {kind: 5});
    await admin.rows(`update ledger.payload set data = $2 where tenant_no = $1`, [
      system,
      JSON.stringify({data: {tenant_id: goes.tenantId}}),
    ]);
    await admin.run('begin; set local role cs_lane; select ledger.purge(0); commit');
    expect(await rowsOf(goes.tenantNo)).toBe(0);
    expect(await rowsOf(stays.tenantNo)).toBe(before);
    expect(await store.head(goes.tenantNo)).toBeNull();
  });
}
