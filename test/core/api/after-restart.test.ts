/** What a core knows after a restart: what its cache holds, as long as nobody else wrote meanwhile. */
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {pino} from 'pino';
import {expect, test} from 'vitest';
import {createTenant} from '../../../core/api/bootstrap.ts';
import {createApp, type App} from '../../../core/app.ts';
import {parseConfig} from '../../../core/config.ts';
import {openStore} from '../../../core/store/open.ts';

test('a read by id after a restart asks no SQL for the row', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cellstate-cache-'));
  const config = parseConfig({
    CELLSTATE_MASTER_KEY: Buffer.from(Array.from({length: 32}, (_, n) => n)).toString('base64'),
    DATABASE_URL: join(`pglite:${folder}`, 'db'),
    CELLSTATE_CACHE_PATH: folder,
    CELLSTATE_EVENT_DAG_PATH: folder,
  });
  const store = await openStore('pglite:memory', {autoMigrate: true});
  const closeStore = store.close.bind(store);
  let assembled = 0;
  const assemble = store.assemble.bind(store);
  Object.assign(store, {
    close: async () => undefined,
    assemble: (...args: Parameters<typeof assemble>) => ((assembled += 1), assemble(...args)),
  });
  const start = () => createApp({config, store, log: pino({level: 'silent'})});
  let app: App = await start();
  const {key, tenantNo} = await createTenant(app.services, {name: 'Acme'});
  const send = async (method: string, path: string, body?: object) => {
    const headers = {authorization: `Bearer ${key}`, 'content-type': 'application/json'};
    const sent = body === undefined ? {} : {body: JSON.stringify(body)};
    const reply = await app.http.request(`/api/v1${path}`, {method, headers, ...sent});
    return (await reply.json()) as Record<string, unknown>;
  };
  try {
    const {trajectory_id: id} = await send('POST', '/trajectories', {name: 'first'});
    await send('PATCH', `/trajectories/${String(id)}`, {name: 'second'});
    await app.close();
    app = await start();
    assembled = 0;
    expect(await send('GET', `/trajectories/${String(id)}`)).toMatchObject({name: 'second'});
    expect(assembled).toBe(0);
    // A core without this cache writes; the next one with it must not show what it remembers.
    await app.close();
    const elsewhere = mkdtempSync(join(tmpdir(), 'cellstate-cache-'));
    const other = {...config, cachePath: elsewhere, guardPath: elsewhere};
    app = await createApp({config: other, store, log: pino({level: 'silent'})});
    await send('PATCH', `/trajectories/${String(id)}`, {name: 'third'});
    await app.close();
    rmSync(elsewhere, {recursive: true, force: true});
    app = await start();
    expect(await send('GET', `/trajectories/${String(id)}`)).toMatchObject({name: 'third'});
    expect(await app.services.reads.position(tenantNo)).toBeGreaterThan(0);
  } finally {
    await app.close();
    await closeStore();
    rmSync(folder, {recursive: true, force: true});
  }
});
