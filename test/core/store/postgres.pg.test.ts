import {setTimeout as pause} from 'node:timers/promises';
import pg from 'pg';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {openPostgres} from '../../../core/store/postgres/postgres.ts';
import {storeOver} from '../../../core/store/postgres/driver.ts';
import {freshPostgres, type TestDatabase} from '../../support/database.ts';
import {configOf, Connection} from '../../../core/store/postgres/connection.ts';
import {aBatch, anEvent, commitTo, headOf, newHead} from './batches.ts';
import {storeContract} from './contract.ts';
import {aWidget, makeWidgets} from './widget.ts';

describe('postgres', () => storeContract(() => freshPostgres()));

const countEvents = {name: 'event_count', text: 'select count(*) as n from ledger.event'};

describe('a server', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await freshPostgres({maxConnections: 2});
    await makeWidgets(database.admin);
  });
  afterAll(() => database.close());

  const url = (): string => database.url ?? '';
  const backends = async (purpose: string): Promise<number[]> => {
    const found = await database.admin.rows<{pid: number}>(
      `select pid from pg_stat_activity where datname = current_database() and application_name like 'cellstate ' || $1 || ' %' order by backend_start`,
      [purpose],
    );
    return found.map(({pid}) => pid);
  };
  const terminate = (pid: number) =>
    database.admin.rows('select pg_terminate_backend($1, 5000)', [pid]);
  const until = async (isSo: () => Promise<boolean>): Promise<void> => {
    for (let i = 0; i < 200 && !(await isSo()); i++) await pause(25);
    expect(await isSo()).toBe(true);
  };
  const waitsForLock = (pid: number | undefined) => async (): Promise<boolean> => {
    const [one] = await database.admin.rows<{type: string | null}>(
      'select wait_event_type as type from pg_stat_activity where pid = $1',
      [pid],
    );
    return one?.type === 'Lock';
  };
  /** Another session that holds a tenant's head, so that a commit waits in the middle. */
  const holdHead = async (tenant: number): Promise<Connection> => {
    const other = await Connection.open(configOf(url(), 'test'));
    await other.run(`begin; select from ledger.head where tenant_no = ${tenant} for update`);
    return other;
  };

  test('a commit whose backend is killed is unknown, and the next one goes through', async () => {
    const {store} = database;
    const head = await newHead(store);
    const other = await holdHead(head.tenantNo);
    const committing = store.commit(aBatch(head));
    const [lane] = await backends('lane 0');
    await until(waitsForLock(lane));
    await terminate(lane ?? 0);
    expect(await committing).toMatchObject({is: 'unknown'});
    await other.close();
    expect((await headOf(store, head.tenantNo)).size).toBe(0);
    expect((await commitTo(store, head.tenantNo)).size).toBe(1);
  });

  test('a commit without an answer in 5 s is unknown, and its backend gives up by itself', async () => {
    const {store} = database;
    const head = await newHead(store);
    const other = await holdHead(head.tenantNo);
    const began = performance.now();
    const committing = store.commit(aBatch(head));
    const [lane] = await backends('lane 0');
    expect(await committing).toMatchObject({is: 'unknown'});
    expect(performance.now() - began).toBeGreaterThan(4_900);
    // Other tenants go on at once, on a new connection.
    const {tenantNo} = await newHead(store);
    await commitTo(store, tenantNo);
    await until(async () => !(await backends('lane 0')).includes(lane ?? 0));
    await other.close();
    expect((await headOf(store, head.tenantNo)).size).toBe(0);
  });

  test('a commit that the server answers with a warning is unknown: a replica may lack it', async () => {
    const {store} = database;
    const head = await newHead(store);
    const batch = aBatch(head, [anEvent(head)], {widget: [aWidget(head, {fault: 'warning'})]});
    expect(await store.commit(batch)).toMatchObject({is: 'unknown'});
    expect((await headOf(store, head.tenantNo)).size).toBe(1);
    expect((await commitTo(store, head.tenantNo)).size).toBe(2);
  });

  test('reads go on after the server ended their connections', async () => {
    const {store} = database;
    const {tenantNo} = await newHead(store);
    await Promise.all(
      Array.from({length: 4}, () => store.read(tenantNo, (q) => q.rows(countEvents, []))),
    );
    for (const pid of await backends('reads')) await terminate(pid);
    await until(async () => {
      const rows = await store.read(tenantNo, (q) => q.rows(countEvents, [])).catch(() => []);
      return rows.length === 1;
    });
  });

  test('a read whose backend is killed says SERVICE_UNAVAILABLE', async () => {
    const {store} = database;
    const {tenantNo} = await newHead(store);
    const sleep = {
      name: 'sleep',
      text: 'select pg_backend_pid() as pid, pg_sleep(30)::text as slept',
    };
    const reading = store.read(tenantNo, (q) => q.rows(sleep, []));
    const sleeper = async (): Promise<number | undefined> => {
      const [found] = await database.admin.rows<{pid: number}>(
        `select pid from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()`,
      );
      return found?.pid;
    };
    await until(async () => (await sleeper()) !== undefined);
    const ended = expect(reading).rejects.toMatchObject({code: 'SERVICE_UNAVAILABLE'});
    await terminate((await sleeper()) ?? 0);
    await ended;
  });

  test('a read that finds every connection in use says so in time', async () => {
    const {store} = database;
    const {tenantNo} = await newHead(store);
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const holders = [1, 2].map(() =>
      store.read(tenantNo, async (q) => {
        await q.rows(countEvents, []);
        await held;
      }),
    );
    await expect(store.read(tenantNo, (q) => q.rows(countEvents, []))).rejects.toMatchObject({
      code: 'CONNECTION_POOL_EXHAUSTED',
    });
    release();
    await Promise.all(holders);
    expect(await store.read(tenantNo, (q) => q.rows(countEvents, []))).toEqual([{n: 0}]);
  });

  test('a second core is refused, and told who the first one is', async () => {
    await expect(openPostgres(url())).rejects.toThrow(
      new RegExp(
        `another core works on this database: cellstate lane 0 .*:${process.pid} \\(backend \\d+`,
      ),
    );
    await database.store.ping();
  });

  test('a core takes its lock again when the connection that held it is lost', async () => {
    const [lane] = await backends('lane 0');
    await terminate(lane ?? 0);
    await until(async () => (await backends('lane 0')).some((pid) => pid !== lane));
    await expect(openPostgres(url())).rejects.toThrow('another core works on this database');
    await newHead(database.store);
  });

  test('the parsers of pg itself are left as they were', () => {
    expect(pg.types.getTypeParser(20)('7')).toBe('7');
    expect(pg.types.getTypeParser(1700)('7.5')).toBe('7.5');
  });
});

describe('a core whose database another one took over', () => {
  test('commits nothing more and is told once', async () => {
    const fatal: Error[] = [];
    const database = await freshPostgres({onFatal: (error) => fatal.push(error)});
    const {store, admin} = database;
    const head = await newHead(store);
    // Waits in the queue of the lock, so that it is next when the holder's connection ends.
    const thief = await Connection.open(configOf(database.url ?? '', 'thief'));
    const stolen = thief.rows(
      {name: 'steal', text: `select pg_advisory_lock($1, $2)`},
      [0x63656c6c, 0x636f7265],
    );
    await admin.rows(
      `select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name like 'cellstate lane 0%' and datname = current_database()`,
    );
    await stolen;
    for (let i = 0; i < 400 && fatal.length === 0; i++) await pause(25);
    expect(fatal.map(({message}) => message)).toEqual([
      expect.stringMatching('another core works on this database: cellstate thief'),
    ]);
    for (let lane = 0; lane < store.lanes; lane++) {
      expect(await store.commit({...aBatch(head), lane})).toMatchObject({is: 'unknown'});
    }
    await thief.close();
    await database.close();
  });
});

describe('start is refused', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await freshPostgres();
    await database.store.close();
  });
  afterAll(() => database.close().catch(() => {}));

  test.each([
    ['synchronous_commit', 'off', 'synchronous_commit is off'],
    ['synchronous_commit', 'local', 'synchronous_commit is local'],
    ['synchronous_commit', 'remote_write', 'synchronous_commit is remote_write'],
    ['client_encoding', 'LATIN1', null],
  ])('when %s is %s', async (name, value, fault) => {
    await database.admin.run(
      `alter database ${new URL(database.url ?? '').pathname.slice(1)} set ${name} = '${value}'`,
    );
    const opening = openPostgres(database.url ?? '');
    // The client chooses its own encoding, whatever the database says.
    if (fault === null) await (await opening).close();
    else await expect(opening).rejects.toThrow(fault);
    await database.admin.run(
      `alter database ${new URL(database.url ?? '').pathname.slice(1)} reset ${name}`,
    );
  });

  test('when nothing listens, after two seconds', async () => {
    await expect(openPostgres('postgres://postgres@127.0.0.1:1/none')).rejects.toThrow(
      'no connection to the database',
    );
  });

  test('when the login for reads could be more than it should', async () => {
    const {admin} = database;
    const suffix = process.pid;
    await admin.run(
      `create role reads_${suffix} login; grant cs_app to reads_${suffix}; create role more_${suffix} login; grant cs_app, cs_audit to more_${suffix}; create role none_${suffix} login`,
    );
    const as = (login: string): string =>
      Object.assign(new URL(database.url ?? ''), {username: `${login}_${suffix}`}).href;
    try {
      await expect(openPostgres(database.url ?? '', {appUrl: as('more')})).rejects.toThrow(
        'could become cs_audit',
      );
      await expect(openPostgres(database.url ?? '', {appUrl: as('none')})).rejects.toThrow(
        'is no member of cs_app',
      );
      await expect(openPostgres(database.url ?? '', {appUrl: database.url ?? ''})).rejects.toThrow(
        'could become cs_owner, cs_lane, cs_audit',
      );
      const store = storeOver(await openPostgres(database.url ?? '', {appUrl: as('reads')}));
      const {tenantNo} = await newHead(store);
      await commitTo(store, tenantNo);
      expect(await store.read(tenantNo, (q) => q.rows(countEvents, []))).toEqual([{n: 1}]);
      expect((await store.assemble(tenantNo, [], [], [])).size).toBe(1);
      await store.close();
    } finally {
      await admin.run(`drop role reads_${suffix}, more_${suffix}, none_${suffix}`);
    }
  });
});
