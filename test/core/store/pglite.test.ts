import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, describe, expect, test} from 'vitest';
import {openStore} from '../../../core/store/open.ts';
import {freshPglite} from '../../support/database.ts';
import {commitTo, headOf, newHead} from './batches.ts';
import {storeContract} from './contract.ts';

describe('pglite', () => storeContract(freshPglite));

const folder = mkdtempSync(join(tmpdir(), 'cellstate-pglite-'));
afterAll(() => rmSync(folder, {recursive: true}));

const child = join(import.meta.dirname, 'pglite-child.ts');

/** A process that opens a directory, commits to a tenant and says so, then waits to be killed. */
function startOther(place: string): {said: Promise<string>; pid: number; kill(): Promise<void>} {
  const process_ = Bun.spawn([process.execPath, child, place], {stdout: 'pipe', stderr: 'inherit'});
  const said = (async () => {
    const reader = process_.stdout.getReader();
    let text = '';
    while (!text.includes('\n')) {
      const {done, value} = await reader.read();
      if (done) break;
      text += new TextDecoder().decode(value);
    }
    return text.trim();
  })();
  return {
    said,
    pid: process_.pid,
    async kill() {
      process_.kill(9);
      await process_.exited;
    },
  };
}

describe('a directory', () => {
  test('serves one process at a time, and what was acknowledged survives a kill -9', async () => {
    const place = join(folder, 'pg');
    // Without autoMigrate an empty one is refused, and free for the next.
    await expect(openStore(`pglite:${place}`)).rejects.toThrow(
      'the database lacks 0001_ledger.sql',
    );
    const other = startOther(place);
    const tenantNo = Number(await other.said);
    await expect(openStore(`pglite:${place}`)).rejects.toThrow(
      new RegExp(`pg is in use by process ${other.pid} since .*stop that one first`),
    );
    await other.kill();

    // Its lock went with it.
    const store = await openStore(`pglite:${place}`);
    expect(store.durability).toBe('process');
    expect((await headOf(store, tenantNo)).size).toBe(3);
    expect((await commitTo(store, tenantNo)).size).toBe(4);
    await expect(openStore(`pglite:${place}`)).rejects.toThrow(`in use by process ${process.pid}`);
    await store.close();

    const again = await openStore(`pglite:${place}`);
    expect((await headOf(again, tenantNo)).size).toBe(4);
    await again.close();
  });
});

describe('the embedded database', () => {
  test('has the extensions that search needs', async () => {
    const {admin, close} = await freshPglite();
    await admin.run(
      'create extension if not exists vector; create extension if not exists btree_gin',
    );
    expect(await admin.rows(`select '[1,2]'::vector <-> '[1,4]'::vector as distance`)).toEqual([
      {distance: 2},
    ]);
    await close();
  });

  test('says that it is closed, as an outcome and as an error', async () => {
    const {store} = await freshPglite();
    const head = await newHead(store);
    await store.close();
    expect(await store.commit({lane: 0, nowMicros: 0, heads: [], rows: {}})).toMatchObject({
      is: 'busy',
    });
    await expect(store.head(head.tenantNo)).rejects.toMatchObject({code: 'SERVICE_UNAVAILABLE'});
  });
});

test('a URL with another scheme is refused by name', async () => {
  await expect(openStore('mysql://root@localhost/x')).rejects.toThrow(
    'DATABASE_URL begins with mysql:',
  );
});
