/** What the migrator promises on every driver. */
import {afterAll, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import {migratorOver, type MigrationSession} from '../../../core/store/migrate.ts';
import {differences, introspect, type Schema} from '../../../core/store/postgres/introspect.ts';
import {
  ownMigrations,
  readMigrations,
  type MigrationFile,
} from '../../../core/store/migration-files.ts';
import type {EmptyDatabase} from '../../support/database.ts';

const file = (number: number, text: string): MigrationFile => {
  const name = `000${number}_test.sql`;
  return {number, name, text, sha256: Bun.hash(text).toString(16)};
};

/** The ledger's own first file, since the journal is in it, and what a test puts behind. */
const after = (...texts: string[]): MigrationFile[] => [
  ...readMigrations(ownMigrations).slice(0, 1),
  ...texts.map((text, index) => file(index + 2, text)),
];

export function migratorContract(open: () => Promise<EmptyDatabase>): void {
  let database: EmptyDatabase;
  let session: MigrationSession;
  beforeAll(async () => {
    database = await open();
    session = database.session;
  });
  afterAll(() => database.drop());
  const empty = (): Promise<void> =>
    session.run(`drop schema if exists ledger, mem, aux, lookup cascade;
    do $$ begin if to_regrole('cs_owner') is not null then execute 'alter default privileges for role cs_owner grant execute on functions to public'; end if; end $$`);

  const exists = async (table: string): Promise<boolean> => {
    const [found] = await session.rows<{yes: boolean}>(
      {name: '', text: 'select to_regclass($1) is not null as yes'},
      [table],
    );
    return found?.yes ?? false;
  };

  describe('up', () => {
    beforeEach(empty);

    test('applies every file once, and what is applied no more', async () => {
      const migrator = migratorOver(
        session,
        after('create table mem.a ()', 'create table mem.b ()'),
        null,
      );
      expect(await migrator.up({to: 2})).toEqual(['0001_ledger.sql', '0002_test.sql']);
      expect(await migrator.status()).toEqual({
        applied: ['0001_ledger.sql', '0002_test.sql'],
        pending: ['0003_test.sql'],
        drifted: [],
        unknown: [],
      });
      expect(await migrator.up()).toEqual(['0003_test.sql']);
      expect(await migrator.up()).toEqual([]);
      expect([await exists('mem.a'), await exists('mem.b')]).toEqual([true, true]);
    });

    test('leaves a database as it was when a file is wrong, and says where', async () => {
      const migrator = migratorOver(
        session,
        after('create table mem.a ()', 'create table mem.b ();\n\nselect nothing;'),
        null,
      );
      await expect(migrator.up()).rejects.toThrow(
        '0003_test.sql, line 3: column "nothing" does not exist',
      );
      expect(await migrator.status()).toMatchObject({
        applied: ['0001_ledger.sql', '0002_test.sql'],
        pending: ['0003_test.sql'],
      });
      expect([await exists('mem.a'), await exists('mem.b')]).toEqual([true, false]);
    });

    test('tries without leaving anything, if told so', async () => {
      const migrator = migratorOver(session, after('create table mem.a ()'), null);
      expect(await migrator.up({dryRun: true})).toEqual(['0001_ledger.sql', '0002_test.sql']);
      expect(await exists('ledger.event')).toBe(false);
      expect(
        await migratorOver(session, after('select nothing'), null).up({dryRun: true}).catch(String),
      ).toMatch('nothing');
    });

    test('refuses a file that was changed after it was applied', async () => {
      await migratorOver(session, after('create table mem.a ()'), null).up();
      const changed = migratorOver(
        session,
        after('create table mem.c ()', 'create table mem.b ()'),
        null,
      );
      await expect(changed.up()).rejects.toThrow('0002_test.sql was changed after it was applied');
      expect(await changed.validate()).toEqual(['0002_test.sql was changed after it was applied']);
      expect(await exists('mem.b')).toBe(false);
    });

    test('refuses a database that is newer than its files', async () => {
      await migratorOver(session, after('create table mem.a ()'), null).up();
      await expect(migratorOver(session, after(), null).up()).rejects.toThrow(
        'the database has 0002_test.sql, which this version does not know',
      );
    });

    test('refuses a file that takes data away, unless a backup is named', async () => {
      const migrator = migratorOver(
        session,
        after('create table mem.a ()', 'drop table mem.a'),
        null,
      );
      await expect(migrator.up()).rejects.toThrow('0003_test.sql takes data away');
      expect(await exists('ledger.event')).toBe(false);
      expect(await migrator.up({dryRun: true})).toHaveLength(3);
      expect(await migrator.up({backup: 'yesterday'})).toHaveLength(3);
    });
  });

  describe('validate', () => {
    beforeEach(empty);

    test('sees no fault in what the files make, before and after they are applied', async () => {
      const files = readMigrations(ownMigrations);
      const committed = await migratorOver(session, files, null).schema();
      const migrator = migratorOver(session, files, committed);
      expect(await migrator.validate()).toEqual([]);
      expect(await exists('ledger.event')).toBe(false);
      await migrator.up();
      expect(await migrator.validate()).toEqual([]);
    });

    test('says what is wrong with a pending file, and leaves nothing of it', async () => {
      await migratorOver(session, after(), null).up();
      const migrator = migratorOver(session, after('create table mem.a (); select nothing'), {});
      expect(await migrator.validate()).toEqual([
        expect.stringContaining('0002_test.sql, line 1: column "nothing" does not exist'),
      ]);
      expect(await exists('mem.a')).toBe(false);
    });
  });

  describe('the comparison of schemas sees', () => {
    let whole: Schema;
    beforeAll(async () => {
      await empty();
      const migrator = migratorOver(session, readMigrations(ownMigrations).slice(0, 2), null);
      await migrator.up();
      whole = await migrator.schema();
    });

    test.each([
      ['a grant too many', 'grant select on ledger.tenant to cs_app', 'relation ledger.tenant'],
      [
        'a function without the rights of its owner',
        'alter function ledger.commit security invoker',
        'function ledger.commit',
      ],
      [
        'a function with another body',
        'create or replace function ledger.columns(t regclass, f text) returns text language sql stable as $$ select null $$',
        'function ledger.columns',
      ],
      [
        'a fence that is open',
        'alter table ledger.event no force row level security',
        'relation ledger.event',
      ],
      [
        'a policy that lets through',
        'alter policy app on ledger.event using (true)',
        'policy ledger.event app',
      ],
      [
        'a trigger that sleeps',
        'alter table ledger.event disable trigger ro',
        'trigger ledger.event ro',
      ],
      ['an index that is gone', 'drop index ledger.event_idem_uq', 'index ledger.event_idem_uq'],
      [
        'a check that is gone',
        'alter table ledger.event drop constraint event_check',
        'constraint ledger.event event_check',
      ],
      [
        'a column that is new',
        'alter table ledger.event add column x int',
        'column ledger.event.x',
      ],
      [
        'a column of another type',
        'alter table aux.cursor alter column leaf type int',
        'column aux.cursor.leaf',
      ],
      [
        'a column that may be null',
        'alter table aux.cursor alter column leaf drop not null',
        'column aux.cursor.leaf',
      ],
      [
        'a sweep for everybody',
        'grant execute on function lookup.due to public',
        'function lookup.due',
      ],
    ])('%s', async (_, change, name) => {
      await session.run(`begin; ${change}; set local search_path = pg_catalog`);
      const found = differences(await introspect(session), whole);
      await session.run('rollback');
      expect(found).toEqual([expect.stringContaining(name)]);
    });
  });
}
