import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {openMigrator, openStore} from '../../../core/store/open.ts';
import {emptyPostgres, type EmptyDatabase} from '../../support/database.ts';
import {migratorContract} from './contract-migrate.ts';

describe('postgres', () => migratorContract(emptyPostgres));

describe('a server', () => {
  let database: EmptyDatabase;
  beforeAll(async () => {
    database = await emptyPostgres();
  });
  afterAll(() => database.drop());

  test('is migrated once by two that start at once, to the schema that is committed', async () => {
    const migrators = await Promise.all([openMigrator(database.url), openMigrator(database.url)]);
    const applied = await Promise.all(migrators.map((migrator) => migrator.up()));
    expect(applied.map((names) => names.length).toSorted((a, b) => a - b)).toEqual([
      0,
      applied.flat().length,
    ]);
    expect(await migrators[0].validate()).toEqual([]);
    await Promise.all(migrators.map((migrator) => migrator.close()));
  });

  test('is opened without migrating by a login that may not', async () => {
    const login = `serves_${process.pid}`;
    await database.admin.run(
      `create role ${login} login; grant cs_lane, cs_app to ${login} with inherit false, set true`,
    );
    const url = Object.assign(new URL(database.url), {username: login}).href;
    const store = await openStore(url);
    await store.ping();
    await store.close();
    await database.admin.run(`drop role ${login}`);
  });
});
