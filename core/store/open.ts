/**
 * Opens the database that a URL names, with the driver that its scheme chooses.
 *
 * `pglite:memory`, `pglite:<directory>`: the embedded one. `postgres://…`: a server. A database whose
 * schema is not this version's is refused, or brought to it first where `autoMigrate` says so.
 */
import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {
  faultsOf,
  MigrationRefused,
  migratorOver,
  type MigrationSession,
  type Migrator,
} from './migrate.ts';
import {ownMigrations, readMigrations} from './migration-files.ts';
import {configOf, Connection} from './postgres/connection.ts';
import {storeOver, type Driver} from './postgres/driver.ts';
import {Embedded} from './postgres/embedded.ts';
import {pgliteDriver} from './postgres/pglite.ts';
import {openPostgres, type PostgresOptions} from './postgres/postgres.ts';
import type {Schema} from './postgres/introspect.ts';
import type {Store} from './store.ts';

export type StoreOptions = PostgresOptions & {
  /** Applies pending migrations instead of refusing to start. */
  readonly autoMigrate?: boolean | undefined;
  /** Folder of the migrations, for tests. */
  readonly migrations?: string | undefined;
};

/** Opens the store of a database whose schema is this version's. */
export async function openStore(url: string, options: StoreOptions = {}): Promise<Store> {
  const {autoMigrate = false, migrations = ownMigrations} = options;
  const place = embeddedPlace(url);
  if (place === null) {
    const session = await Connection.open(configOf(url, 'migrate'));
    try {
      await requireSchema(migratorOf(session, migrations), autoMigrate);
    } finally {
      await session.close();
    }
    return storeOver(await openPostgres(url, options));
  }
  const database = await Embedded.open(place, {onFatal: options.onFatal});
  try {
    await requireSchema(migratorOf(sessionOf(database), migrations), autoMigrate);
    return storeOver(pgliteDriver(database) satisfies Driver);
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Opens the migrator of a database, for `cellstate migrate`. */
export async function openMigrator(
  url: string,
  migrations: string = ownMigrations,
): Promise<Migrator & {close(): Promise<void>}> {
  const place = embeddedPlace(url);
  if (place === null) {
    const session = await Connection.open(configOf(url, 'migrate'));
    return {...migratorOf(session, migrations), close: () => session.close()};
  }
  const database = await Embedded.open(place);
  return {...migratorOf(sessionOf(database), migrations), close: () => database.close()};
}

/** Directory of an embedded database or `memory`; null for a server. */
export function embeddedPlace(url: string): string | null {
  if (/^postgres(ql)?:\/\//.test(url)) return null;
  const place = /^pglite:(.+)$/.exec(url)?.[1];
  if (place !== undefined) return place;
  throw new Error(
    `DATABASE_URL begins with ${url.split(':')[0]}:, known are pglite:memory, pglite:<directory> and postgres://`,
  );
}

const migratorOf = (session: MigrationSession, folder: string): Migrator =>
  migratorOver(session, readMigrations(folder), committedSchema(folder));

function committedSchema(folder: string): Schema | null {
  const file = join(folder, 'meta', 'schema.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Schema) : null;
}

// Before the driver has it, the embedded database has no other user, so it needs no turns.
const sessionOf = (database: Embedded): MigrationSession => ({
  async run(text) {
    await database.run([{text}]);
  },
  async rows<T>(statement: Parameters<MigrationSession['rows']>[0], values: readonly unknown[]) {
    return (await database.run([{statement, values}])).at(-1) as T[];
  },
});

async function requireSchema(migrator: Migrator, autoMigrate: boolean): Promise<void> {
  const now = await migrator.status();
  const faults = faultsOf(now);
  if (faults.length > 0) throw new MigrationRefused(faults.join('; '));
  if (now.pending.length === 0) return;
  if (!autoMigrate) {
    throw new MigrationRefused(
      `the database lacks ${now.pending.join(', ')}: run \`cellstate migrate up\`, or set CELLSTATE_AUTO_MIGRATE=true`,
    );
  }
  await migrator.up();
}
