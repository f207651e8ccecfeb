/**
 * Reading a database to judge it: one snapshot of everything, and nothing written.
 *
 * A server is read in one repeatable-read, read-only transaction as `cs_audit`, beside a running
 * core or without one. The embedded database cannot be opened without being changed, so a copy of
 * its directory is opened and thrown away, while nobody else may open the original.
 */
import {constants, cpSync, existsSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {ownMigrations, readMigrations} from './migration-files.ts';
import {embeddedPlace} from './open.ts';
import {configOf, Connection} from './postgres/connection.ts';
import {holdDirectory} from './postgres/directory-lock.ts';
import {Embedded} from './postgres/embedded.ts';
import type {Query, Statement} from './store.ts';

/** The snapshot that an auditor reads, until it is closed. */
export type Audit = Query & {close(): Promise<void>};

/** There is nothing to audit at the place, or the login may not. */
export class AuditRefused extends Error {
  override readonly name = 'AuditRefused';
}

const begin = 'begin isolation level repeatable read read only';
const become = 'set local role cs_audit';
// Everything is read along its key, page by page; a plan made before the first ANALYZE must not read
// all that is left for each page.
const alongKeys =
  'set local enable_seqscan = off; set local enable_bitmapscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off';

// The catalogue answers every login; a name of a schema that it may not use would be an error.
const hasLedger: Statement = {
  name: 'ledger_exists',
  text: `select exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = 'ledger' and c.relname = 'head') as found`,
};

/** Opens the database that a URL names, for reading. */
export async function openAudit(url: string): Promise<Audit> {
  const place = embeddedPlace(url);
  return place === null ? auditServer(url) : auditCopy(place);
}

async function auditServer(url: string): Promise<Audit> {
  const connection = await Connection.open(configOf(url, 'audit'));
  try {
    await connection.run(`${begin}; ${alongKeys}`);
    await requireLedger(connection, 'the database');
    try {
      await connection.run(become);
    } catch (cause) {
      const message =
        'the login cannot become cs_audit: give --database the URL of one that can, or run `grant cs_audit to <login> with inherit false, set true`';
      throw new AuditRefused(message, {cause});
    }
  } catch (error) {
    await connection.close();
    throw error;
  }
  return {
    rows: (statement, values) => connection.rows(statement, values),
    close: () => connection.close(),
  };
}

async function auditCopy(place: string): Promise<Audit> {
  if (place === 'memory')
    throw new AuditRefused('pglite:memory lives in its own process alone; name a directory');
  if (!existsSync(join(place, 'PG_VERSION'))) {
    throw new AuditRefused(
      `${place} holds no embedded database; name one with --database pglite:<directory>`,
    );
  }
  const folder = mkdtempSync(join(tmpdir(), 'cellstate-audit-'));
  const remove = (): void => rmSync(folder, {recursive: true, force: true});
  try {
    const copy = join(folder, 'pg');
    const lock = holdDirectory(place);
    try {
      cpSync(place, copy, {recursive: true, mode: constants.COPYFILE_FICLONE});
    } finally {
      lock.release();
    }
    return await auditEmbedded(await Embedded.open(copy), remove);
  } catch (error) {
    remove();
    throw error;
  }
}

async function auditEmbedded(database: Embedded, remove: () => void): Promise<Audit> {
  const audit: Audit = {
    async rows<T>(statement: Statement, values: readonly unknown[]) {
      return (await database.run([{statement, values}])).at(-1) as T[];
    },
    async close() {
      await database.close();
      remove();
    },
  };
  try {
    await database.run([{text: `${begin}; ${alongKeys}`}]);
    await requireLedger(audit, 'the directory');
    await database.run([{text: become}]);
    return audit;
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function requireLedger(q: Query, what: string): Promise<void> {
  const [answer] = await q.rows<{found: boolean}>(hasLedger, []);
  if (answer?.found) return;
  throw new AuditRefused(
    `${what} holds no ledger; \`cellstate migrate up\` and the first start make one`,
  );
}

const applied: Statement = {
  name: 'audit_select_migrations',
  text: 'select name from ledger.migration order by number',
};

/** Refuses a schema that is not this version's: its tables cannot be compared with what is folded. */
export async function requireThisSchema(
  q: Query,
  migrations: string = ownMigrations,
): Promise<void> {
  const names = (await q.rows<{name: string}>(applied, [])).map(({name}) => name);
  const known = readMigrations(migrations).map(({name}) => name);
  const missing = known.filter((name) => !names.includes(name));
  if (missing.length > 0) {
    throw new AuditRefused(
      `the database lacks ${missing.join(', ')}: replay needs the tables of this version; run \`cellstate migrate up\``,
    );
  }
  const newer = names.filter((name) => !known.includes(name));
  if (newer.length === 0) return;
  throw new AuditRefused(
    `the database has ${newer.join(', ')}: replay it with the version that made it`,
  );
}
