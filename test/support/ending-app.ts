/**
 * The core over a database that a test may look into and break, called as a client calls it.
 *
 * With a folder, guard and cache are kept there; `again` is the process that comes after this one, over
 * the same database.
 */
import {pino} from 'pino';
import {createTenant, type NewTenant} from '../../core/api/bootstrap.ts';
import {createApp, type App} from '../../core/app.ts';
import {parseConfig} from '../../core/config.ts';
import {createNativeHashes} from '../../core/ledger/hashes.ts';
import {auditLog} from '../../core/ledger/audit-log.ts';
import {storedLogs} from '../../core/ledger/read-log.ts';
import {createReplayCheck} from '../../core/ledger/replay-check.ts';
import type {Query, Store} from '../../core/store/store.ts';
import type {TestDatabase} from './database.ts';
import {testMasterKey} from './seeded-log.ts';

/** What `JSON.parse` answers: the tests judge it, member by member. */
export type Body = ReturnType<typeof JSON.parse>;
export type Reply = {readonly status: number; readonly position: number; readonly body: Body};

export type EndingApp = {
  readonly app: App;
  readonly tenant: NewTenant;
  call(method: string, path: string, body?: object, as?: NewTenant): Promise<Reply>;
  /** The body of a call that must succeed. */
  ok(method: string, path: string, body?: object, as?: NewTenant): Promise<Body>;
  /** What the process that comes next finds; this one is left as a crash leaves it. */
  again(): Promise<EndingApp>;
  close(): Promise<void>;
};

type Options = {
  readonly folder?: string;
  readonly tenant?: NewTenant;
  /** What stands between the core and the database. */
  readonly over?: (store: Store) => Store;
};

/** Starts it. The database stays open when it is closed. */
export async function endingApp(database: TestDatabase, options: Options = {}): Promise<EndingApp> {
  const {folder, over = (store) => store} = options;
  const place =
    folder === undefined
      ? {DATABASE_URL: 'pglite:memory'}
      : {
          DATABASE_URL: `pglite:${folder}/pg`,
          CELLSTATE_EVENT_DAG_PATH: `${folder}/guard`,
          CELLSTATE_CACHE_PATH: `${folder}/cache`,
        };
  const config = parseConfig({
    ...place,
    CELLSTATE_MASTER_KEY: testMasterKey,
    CELLSTATE_RATE_LIMIT_TENANT: '100000000',
    CELLSTATE_RATE_LIMIT_BURST: '100000000',
  });
  const store = over({...database.store, close: () => Promise.resolve()});
  const app = await createApp({config, store, log: pino({level: 'silent'})});
  const tenant = options.tenant ?? (await createTenant(app.services, {name: 'Acme'}));

  async function call(method: string, path: string, body?: object, as = tenant): Promise<Reply> {
    const answer = await app.http.request(`/api/v1${path}`, {
      method,
      headers: {authorization: `Bearer ${as.key}`, 'content-type': 'application/json'},
      ...(body === undefined ? {} : {body: JSON.stringify(body)}),
    });
    const text = await answer.text();
    const isJson = answer.headers.get('content-type')?.includes('json') === true;
    return {
      status: answer.status,
      position: Number(answer.headers.get('cellstate-position') ?? -1),
      body: isJson ? JSON.parse(text) : text,
    };
  }

  return {
    app,
    tenant,
    call,
    async ok(method, path, body, as) {
      const reply = await call(method, path, body, as);
      if (reply.status < 300) return reply.body;
      throw new Error(`${method} ${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
    },
    again: () => endingApp(database, {...options, tenant}),
    close: () => app.close(),
  };
}

/** What the verifier and the replay say of a tenant's log: `0` and no difference where all is well. */
export async function judged({admin}: TestDatabase, {tenantId}: NewTenant) {
  const q: Query = {rows: ({text}, values) => admin.rows(text, values)};
  const hashes = await createNativeHashes();
  const [log] = await storedLogs(q, tenantId);
  if (log === undefined) throw new Error(`tenant ${tenantId} has a log`);
  const check = createReplayCheck(q, log.tenantNo);
  const {exit, fault, tileCount} = await auditLog(q, hashes, log, {
    seen: (page) => check.add(page),
  });
  const {differences} = fault === null ? await check.finish() : {differences: []};
  return {exit, fault, tileCount, differences};
}

/** A log that nobody touched. */
export const sound = {exit: 0, fault: null, differences: []};

const holdsText = `select c.table_schema || '.' || c.table_name as tbl, c.column_name as col, c.data_type as type
  from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
  where c.table_schema in ('ledger', 'mem', 'aux') and t.table_type = 'BASE TABLE'`;

/** Every column of every table that holds a text in some form, with how many rows do. */
export async function tracesOf({admin}: TestDatabase, text: string): Promise<string[]> {
  const columns = await admin.rows<{tbl: string; col: string; type: string}>(holdsText);
  const found: string[] = [];
  for (const {tbl, col, type} of columns) {
    const isBytes = type === 'bytea';
    const where = isBytes ? `position($1::bytea in ${col}) > 0` : `strpos(${col}::text, $1) > 0`;
    const value = isBytes ? new TextEncoder().encode(text) : text;
    const [row] = await admin.rows<{n: number}>(
      `select count(*)::int as n from ${tbl} where ${where}`,
      [value],
    );
    if ((row?.n ?? 0) > 0) found.push(`${tbl}.${col} ${row?.n}`);
  }
  return found;
}

/** How many rows of the index a list of items has. */
export async function indexRowsOf({admin}: TestDatabase, ids: readonly string[]): Promise<number> {
  const [row] = await admin.rows<{n: number}>(
    'select count(*)::int as n from aux.recall_item where id = any ($1::uuid[])',
    [ids],
  );
  return row?.n ?? 0;
}
