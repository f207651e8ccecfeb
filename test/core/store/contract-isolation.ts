/**
 * No tenant sees another, below the application: every table that has a `tenant_no` is filled for two
 * tenants by the owner and read by one of them with no filter at all.
 */
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import type {Admin, TestDatabase} from '../../support/database.ts';
import {newHead} from './batches.ts';
import {makeWidgets} from './widget.ts';

type Column = {name: string; type: string; element: string; kind: string};

/** Values that some check demands; everything else is made by its type. */
const special: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'ledger.event': {
    event_id: 'uuidv7()',
    leaf_hash: `sha256('\\x00'::bytea || 'cellstate.dev/leaf@1'::bytea || '\\x0a'::bytea || sha256('x'))`,
  },
  'ledger.edge': {parent_leaf: '0', child_leaf: '1'},
  'ledger.subject': {erased_leaf: 'null'},
  'mem.past': {to_leaf: '2'},
  'aux.tile': {hashes: `convert_to(repeat('x', 8192), 'UTF8')`},
};

const byType: Readonly<Record<string, string>> = {
  uuid: 'gen_random_uuid()',
  text: `'x' || random()`,
  jsonb: `'{}'`,
  boolean: 'false',
  bytea: `sha256('x')`,
  'timestamp with time zone': 'now()',
};

function valueOf(table: string, {name, type, element, kind}: Column, tenant: number): string {
  if (name === 'tenant_no') return String(tenant);
  const own = special[table]?.[name];
  if (own !== undefined) return own;
  if (kind === 'A') return `'{}'::${type}`;
  return byType[element] ?? `'1'::${type}`;
}

/** Puts a row for each tenant into a table without any; foreign keys and triggers do not count. */
async function fill(admin: Admin, table: string, tenants: readonly number[]): Promise<void> {
  const [has] = await admin.rows<{n: number}>(`select count(*) as n from ${table}`);
  if (has?.n !== 0) return;
  const columns = await admin.rows<Column>(
    `select a.attname::text as name, format_type(a.atttypid, a.atttypmod) as type,
       coalesce(nullif(t.typbasetype, 0), t.oid)::regtype::text as element, t.typcategory::text as kind
     from pg_attribute a join pg_type t on t.oid = a.atttypid
     where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped and a.attidentity = '' and a.attgenerated = ''`,
    [table],
  );
  const names = columns.map(({name}) => name).join(', ');
  const rows = tenants.map((tenant) =>
    columns.map((column) => valueOf(table, column, tenant)).join(', '),
  );
  const values = rows.map((row) => `(${row})`).join(', ');
  await admin.run(
    `begin; set local session_replication_role = replica; insert into ${table} (${names}) values ${values}; commit`,
  );
}

export function isolationContract(open: () => Promise<TestDatabase>): void {
  let database: TestDatabase;
  let tables: string[];
  let mine: number;
  let theirs: number;

  beforeAll(async () => {
    database = await open();
    const {store, admin} = database;
    await makeWidgets(admin);
    mine = (await newHead(store)).tenantNo;
    theirs = (await newHead(store)).tenantNo;
    const found = await admin.rows<{
      name: string;
    }>(`select c.oid::regclass::text as name from pg_class c
      where c.relnamespace::regnamespace::text in ('ledger', 'mem', 'aux') and c.relkind in ('r', 'p') and c.oid <> 'ledger.tenant'::regclass
        and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_no')`);
    tables = found.map(({name}) => name);
    for (const table of tables) await fill(admin, table, [mine, theirs]);
  });
  afterAll(() => database.close());

  const seen = async (table: string, tenant: number): Promise<number[]> => {
    const statement = {
      name: `all_${table.replace('.', '_')}`,
      text: `select distinct tenant_no as n from ${table}`,
    };
    return (await database.store.read(tenant, (q) => q.rows<{n: number}>(statement, []))).map(
      ({n}) => n,
    );
  };

  test('a read without any filter sees its own rows of every table, and no other', async () => {
    expect(tables.length).toBeGreaterThan(10);
    for (const table of tables) {
      expect({table, seen: await seen(table, mine)}).toEqual({table, seen: [mine]});
      expect({table, seen: await seen(table, theirs)}).toEqual({table, seen: [theirs]});
      expect({table, seen: await seen(table, 2_000_000)}).toEqual({table, seen: []});
    }
  });

  test('the test above would notice any one table without its row security', async () => {
    for (const table of tables) {
      await database.admin.run(`alter table ${table} disable row level security`);
      expect({table, seen: (await seen(table, mine)).length}).toEqual({table, seen: 2});
      await database.admin.run(`alter table ${table} enable row level security`);
    }
  });

  describe('a transaction that named no tenant', () => {
    test('sees nothing, also on a connection that named one before', async () => {
      const {store, driver} = database;
      for (const table of tables) {
        await store.read(mine, (q) => q.rows({name: 'one', text: 'select 1 as one'}, []));
        const statement = {
          name: `count_${table.replace('.', '_')}`,
          text: `select count(*) as n from ${table}`,
        };
        expect({table, rows: await driver.ask(statement, [])}).toEqual({table, rows: [{n: 0}]});
      }
    });
  });
}
