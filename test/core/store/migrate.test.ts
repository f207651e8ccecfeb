import {cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, describe, expect, test} from 'vitest';
import {isDestructive, ownMigrations, readMigrations} from '../../../core/store/migration-files.ts';
import {openMigrator, openStore} from '../../../core/store/open.ts';
import {emptyPglite} from '../../support/database.ts';
import {migratorContract} from './contract-migrate.ts';

const scratch = mkdtempSync(join(tmpdir(), 'cellstate-migrations-'));
afterAll(() => rmSync(scratch, {recursive: true}));

describe('pglite', () => migratorContract(emptyPglite));

describe('the files of this version', () => {
  test('lead an empty database to the committed schema', async () => {
    const migrator = await openMigrator('pglite:memory');
    // After a change to a file: `bun test/core/store/write-meta.ts`.
    expect(await migrator.validate()).toEqual([]);
    expect(readdirSync(join(ownMigrations, 'meta'))).toContain('schema.json');
    await migrator.close();
  });

  test('are, where they were released, what they were', () => {
    const pins = JSON.parse(
      readFileSync(join(ownMigrations, 'meta', 'checksums.json'), 'utf8'),
    ) as Record<string, string>;
    const now = Object.fromEntries(
      readMigrations(ownMigrations).map(({name, sha256}) => [name, sha256]),
    );
    for (const [name, sha256] of Object.entries(pins))
      expect({name, sha256: now[name]}).toEqual({name, sha256});
  });

  test('take nothing away', () => {
    expect(
      readMigrations(ownMigrations)
        .filter(isDestructive)
        .map(({name}) => name),
    ).toEqual([]);
  });
});

describe('a folder', () => {
  const folderOf = (name: string, files: Record<string, string>): string => {
    const folder = join(scratch, name);
    cpSync(ownMigrations, folder, {recursive: true, filter: (path) => !path.endsWith('.sql')});
    for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
    return folder;
  };

  test('with a gap or a wrong name is refused', () => {
    expect(() => readMigrations(folderOf('gap', {'0001_a.sql': '', '0003_c.sql': ''}))).toThrow(
      '0003_c.sql',
    );
    expect(() => readMigrations(folderOf('twice', {'0001_a.sql': '', '0001_b.sql': ''}))).toThrow(
      '0001_b.sql',
    );
    expect(() => readMigrations(folderOf('name', {'1_a.sql': ''}))).toThrow('1_a.sql');
  });

  test.each([
    ['drop table mem.note;', true],
    ['alter table mem.note\n  drop column title;', true],
    ['delete from aux.sweep;', true],
    ['truncate aux.tile;', true],
    ['-- drop table mem.note\ncreate table x ();', false],
    ['create function f() returns void language sql as $$ delete from x $$;', false],
    ['create function f() returns void language sql as $b$ select $$a$$; truncate x $b$;', false],
    ['drop index mem.note_ix;', false],
  ])('%s takes data away: %s', (text, answer) => {
    expect(isDestructive({number: 1, name: '0001_x.sql', sha256: '', text})).toBe(answer);
  });
});

test('a store does not open on a schema that is older', async () => {
  await expect(openStore('pglite:memory')).rejects.toThrow(
    /^the database lacks 0001_ledger\.sql, .*: run `cellstate migrate up`/,
  );
});
