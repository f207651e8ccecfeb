/**
 * A database of its own for each test file, migrated: embedded, or on the server of DATABASE_URL.
 *
 * `admin` is the superuser's way in, for looking at what the product may not see and for breaking
 * what it must survive. Nothing of the product uses it.
 */
import {createHash, randomBytes} from 'node:crypto';
import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {migratorOver, type MigrationSession} from '../../core/store/migrate.ts';
import {ownMigrations, readMigrations} from '../../core/store/migration-files.ts';
import {openMigrator} from '../../core/store/open.ts';
import {configOf, Connection} from '../../core/store/postgres/connection.ts';
import {storeOver, type Driver} from '../../core/store/postgres/driver.ts';
import {Embedded} from '../../core/store/postgres/embedded.ts';
import {pgliteDriver} from '../../core/store/postgres/pglite.ts';
import {openPostgres, type PostgresOptions} from '../../core/store/postgres/postgres.ts';
import type {Store} from '../../core/store/store.ts';

export type Admin = {
  rows<T>(text: string, values?: readonly unknown[]): Promise<T[]>;
  /** Several statements, without values. */
  run(text: string): Promise<void>;
};

export type TestDatabase = {
  readonly kind: 'pglite' | 'postgres';
  /** Opens a second store on it; null for one in memory, which has no second. */
  readonly url: string | null;
  readonly store: Store;
  /** What the store is made of. */
  readonly driver: Driver;
  readonly admin: Admin;
  close(): Promise<void>;
};

const serverUrl = process.env['DATABASE_URL'] ?? '';

/** Tells whether the tests have a PostgreSQL server. */
export const hasServer = /^postgres(ql)?:\/\//.test(serverUrl);

/** A migrated database of the kind at hand: on the server where there is one, else embedded. */
export const freshDatabase = (options: PostgresOptions = {}): Promise<TestDatabase> =>
  hasServer ? freshPostgres(options) : freshPglite();

/** A migrated embedded database in memory. */
export async function freshPglite(): Promise<TestDatabase> {
  const database = await Embedded.open('memory', {image: await migratedImage()});
  const driver = pgliteDriver(database);
  const store = storeOver(driver);
  const admin = adminOf(database);
  return {kind: 'pglite', url: null, store, driver, admin, close: () => store.close()};
}

const adminOf = (database: Embedded): Admin => ({
  async rows<T>(text: string, values: readonly unknown[] = []) {
    const part = {statement: {name: '', text}, values};
    return (await database.turns.take(() => database.run([part])))[0] as T[];
  },
  async run(text) {
    await database.turns.take(() => database.run([{text}]));
  },
});

/** Making an embedded database takes seconds, so the migrated one is kept for the next test file. */
async function migratedImage(): Promise<Blob> {
  const files = readMigrations(ownMigrations);
  const key = createHash('sha256')
    .update(files.map(({sha256}) => sha256).join())
    .digest('hex');
  const path = join(tmpdir(), `cellstate-test-${key.slice(0, 16)}.tar`);
  if (existsSync(path)) return new Blob([readFileSync(path)]);
  dropOldImages();

  const database = await Embedded.open('memory');
  await migratorOver(sessionOf(adminOf(database)), files, null).up();
  const image = await database.dump();
  await database.close();
  // Renamed when whole: the file beside this one may be making the same.
  const part = `${path}.${process.pid}`;
  writeFileSync(part, new Uint8Array(await image.arrayBuffer()));
  renameSync(part, path);
  return image;
}

/** Each is 40 MB, and every edit of a migration makes another. */
function dropOldImages(): void {
  const oldest = Date.now() - 3_600_000;
  for (const name of readdirSync(tmpdir()).filter((one) => one.startsWith('cellstate-test-'))) {
    const path = join(tmpdir(), name);
    if ((statSync(path, {throwIfNoEntry: false})?.mtimeMs ?? oldest) < oldest)
      rmSync(path, {force: true});
  }
}

/** A database without a schema, for tests of the migrator. */
export type EmptyDatabase = {
  readonly url: string;
  readonly admin: Admin;
  readonly session: MigrationSession;
  drop(): Promise<void>;
};

/** An empty embedded database in memory. */
export async function emptyPglite(): Promise<EmptyDatabase> {
  const database = await Embedded.open('memory');
  const admin = adminOf(database);
  return {url: 'pglite:memory', admin, session: sessionOf(admin), drop: () => database.close()};
}

/** An empty database on the server. Dropping it ends whoever is connected. */
export async function emptyPostgres(): Promise<EmptyDatabase> {
  const name = `test_${process.pid}_${randomBytes(4).toString('hex')}`;
  const server = await Connection.open(configOf(serverUrl, 'test'));
  await server.run(`create database ${name}`);
  const url = Object.assign(new URL(serverUrl), {pathname: `/${name}`}).href;
  const connection = await Connection.open(configOf(url, 'test'));
  const admin: Admin = {
    rows: (text, values = []) => connection.rows({name: '', text}, values),
    run: (text) => connection.run(text),
  };
  return {
    url,
    admin,
    session: sessionOf(admin),
    async drop() {
      await connection.close();
      await server.run(`drop database ${name} with (force)`);
      await server.close();
    },
  };
}

const sessionOf = (admin: Admin): MigrationSession => ({
  run: (text) => admin.run(text),
  rows: (statement, values) => admin.rows(statement.text, values),
});

/** A migrated database on the server, with its store. */
export async function freshPostgres(options: PostgresOptions = {}): Promise<TestDatabase> {
  const {url, admin, drop} = await emptyPostgres();
  const migrator = await openMigrator(url);
  await migrator.up();
  await migrator.close();
  const driver = await openPostgres(url, options);
  const store = storeOver(driver);
  return {
    kind: 'postgres',
    url,
    store,
    driver,
    admin,
    async close() {
      await store.close();
      await drop();
    },
  };
}
