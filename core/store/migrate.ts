/**
 * Brings a database to the schema of this version, and tells whether it is there.
 *
 * Forward only: numbered files, each in one transaction with its line in the journal, all under one
 * advisory lock, so that two cores that start at once do it once. Nothing is ever guessed: a file
 * that changed after it was applied, or one that this version does not know, stops everything.
 */
import type {Statement} from './store.ts';
import {isDestructive, type MigrationFile} from './migration-files.ts';
import {differences, introspect, type Schema} from './postgres/introspect.ts';

/** One connection, as a login that is a member of `cs_owner` (or may create it). */
export type MigrationSession = {
  /** Statements in one message; a transaction begun here stays open. */
  run(text: string): Promise<void>;
  rows<T>(statement: Statement, values: readonly unknown[]): Promise<T[]>;
};

/** The history or the files are not what they should be; a person must look. */
export class MigrationRefused extends Error {
  override readonly name = 'MigrationRefused';
}

export type MigrationStatus = {
  readonly applied: readonly string[];
  readonly pending: readonly string[];
  /** Applied files that are different now. */
  readonly drifted: readonly string[];
  /** Applied files that this version does not have: the schema is newer than it. */
  readonly unknown: readonly string[];
};

export type UpOptions = {
  /** Number of the last file to apply; all without it. */
  readonly to?: number | undefined;
  /** Applies them in one transaction and undoes it. */
  readonly dryRun?: boolean | undefined;
  /** Name of the backup that was made before a file that takes data away. */
  readonly backup?: string | undefined;
};

export type Migrator = {
  status(): Promise<MigrationStatus>;
  /** Applies what is pending; answers the names of what was applied. */
  up(options?: UpOptions): Promise<readonly string[]>;
  /** Everything that is wrong with history, pending files or the schema they lead to. */
  validate(): Promise<readonly string[]>;
  /** The schema after all files, for the committed file. */
  schema(): Promise<Schema>;
};

/** Two cores that start together wait for each other no longer than this. */
const lockTimeoutMs = 60_000;

/** Number of the advisory lock of migrations: the letters `cell` and `migr`. */
const lock = [0x63656c6c, 0x6d696772] as const;

const statements = {
  exists: {
    name: 'migration_table_exists',
    text: `select exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = 'ledger' and c.relname = 'migration') as found`,
  },
  // A login without rights of its own reads as the first role that it may become.
  role: {
    name: 'migration_select_role',
    text: `select r from unnest(array['cs_owner', 'cs_lane', 'cs_app']) with ordinality u(r, i)
  where pg_has_role(r, 'set') order by i limit 1`,
  },
  journal: {
    name: 'migration_select_all',
    text: 'select number, name, sha256 from ledger.migration order by number',
  },
  record: {
    name: 'migration_insert',
    text: `insert into ledger.migration values ($1, $2, $3, (extract(epoch from clock_timestamp()) * 1000000)::bigint)`,
  },
  lock: {name: 'migration_lock', text: 'select pg_advisory_lock($1, $2)'},
  unlock: {name: 'migration_unlock', text: 'select pg_advisory_unlock($1, $2)'},
} as const satisfies Record<string, Statement>;

type Applied = {readonly number: number; readonly name: string; readonly sha256: string};

/** The migrator of one database. `committed` is the content of `migrations/meta/schema.json`. */
export function migratorOver(
  session: MigrationSession,
  files: readonly MigrationFile[],
  committed: Schema | null,
): Migrator {
  const status = async (): Promise<MigrationStatus> => compare(await journal(session), files);

  const pendingAfterCheck = async (to: number): Promise<readonly MigrationFile[]> => {
    const now = await status();
    const faults = faultsOf(now);
    if (faults.length > 0) throw new MigrationRefused(faults.join('; '));
    return files.filter(({name, number}) => now.pending.includes(name) && number <= to);
  };

  /** Runs `work` in a transaction that leaves nothing behind. */
  const undone = async <T>(work: () => Promise<T>): Promise<T> => {
    await session.run('begin');
    try {
      return await work();
    } finally {
      await session.run('rollback');
    }
  };

  const schemaAfter = (pending: readonly MigrationFile[]): Promise<Schema> =>
    undone(async () => {
      for (const file of pending) await apply(session, file);
      await session.run('set local search_path = pg_catalog');
      return introspect(session);
    });

  return {
    status,

    up({to = Infinity, dryRun = false, backup} = {}) {
      return locked(session, async () => {
        const pending = await pendingAfterCheck(to);
        const unsafe = pending.filter(isDestructive);
        if (unsafe.length > 0 && !backup && !dryRun) {
          const names = unsafe.map(({name}) => name).join(', ');
          throw new MigrationRefused(`${names} takes data away: make a backup and name it`);
        }
        if (dryRun) {
          await undone(async () => {
            for (const file of pending) await apply(session, file);
          });
        } else {
          for (const file of pending) await applyAlone(session, file);
        }
        return pending.map(({name}) => name);
      });
    },

    validate() {
      return locked(session, async () => {
        const now = await status();
        const faults = faultsOf(now);
        if (faults.length > 0) return faults;
        const pending = files.filter(({name}) => now.pending.includes(name));
        try {
          return committed === null ? [] : differences(await schemaAfter(pending), committed);
        } catch (error) {
          if (error instanceof MigrationRefused) return [error.message];
          throw error;
        }
      });
    },

    async schema() {
      return schemaAfter(await pendingAfterCheck(Infinity));
    },
  };
}

/** What keeps this version away from a database, a sentence each. */
export function faultsOf({drifted, unknown}: MigrationStatus): readonly string[] {
  return [
    ...drifted.map((name) => `${name} was changed after it was applied`),
    ...unknown.map((name) => `the database has ${name}, which this version does not know`),
  ];
}

function compare(applied: readonly Applied[], files: readonly MigrationFile[]): MigrationStatus {
  const known = new Map(files.map((file) => [file.name, file.sha256]));
  const isApplied = new Set(applied.map(({name}) => name));
  const newest = applied.at(-1)?.number ?? 0;
  const late = files.filter(({name, number}) => !isApplied.has(name) && number <= newest);
  return {
    applied: applied.map(({name}) => name),
    pending: files.filter(({number}) => number > newest).map(({name}) => name),
    drifted: [
      ...applied.filter(({name, sha256}) => known.has(name) && known.get(name) !== sha256),
      ...late,
    ].map(({name}) => name),
    unknown: applied.filter(({name}) => !known.has(name)).map(({name}) => name),
  };
}

async function journal(session: MigrationSession): Promise<readonly Applied[]> {
  const [table] = await session.rows<{found: boolean}>(statements.exists, []);
  if (!table?.found) return [];
  const [role] = await session.rows<{r: string}>(statements.role, []);
  await session.run(role === undefined ? 'begin' : `begin; set local role ${role.r}`);
  try {
    return await session.rows<Applied>(statements.journal, []);
  } finally {
    await session.run('commit');
  }
}

async function locked<T>(session: MigrationSession, work: () => Promise<T>): Promise<T> {
  await session.run(`set lock_timeout = ${lockTimeoutMs}`);
  await session.rows(statements.lock, lock);
  try {
    return await work();
  } finally {
    await session.rows(statements.unlock, lock);
  }
}

/** The file and its line in the journal, in the transaction that is open. */
async function apply(session: MigrationSession, file: MigrationFile): Promise<void> {
  try {
    await session.run(file.text);
    await session.run('set local role cs_owner');
    await session.rows(statements.record, [file.number, file.name, file.sha256]);
    await session.run('reset role');
  } catch (cause) {
    const where = lineOf(cause, file);
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new MigrationRefused(`${file.name}${where}: ${why}`, {cause});
  }
}

async function applyAlone(session: MigrationSession, file: MigrationFile): Promise<void> {
  await session.run('begin');
  try {
    await apply(session, file);
    await session.run('commit');
  } catch (error) {
    // Of the two errors the first one tells what happened; without a connection there is a second.
    await Promise.allSettled([session.run('rollback')]);
    throw error;
  }
}

function lineOf(cause: unknown, {text}: MigrationFile): string {
  if (!(cause instanceof Error) || !('position' in cause)) return '';
  return `, line ${text.slice(0, Number(cause.position)).split('\n').length}`;
}
