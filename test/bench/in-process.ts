/** The core inside this process, for the rows that leave HTTP out: the pipeline as use cases call it. */
import {createHash, randomBytes} from 'node:crypto';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {adminScopes, createTenant, systemCall, type NewTenant} from '../../core/api/bootstrap.ts';
import {turnCommand} from '../../core/api/turns.ts';
import {createApp, type App} from '../../core/app.ts';
import {parseConfig} from '../../core/config.ts';
import type {Actor, Call} from '../../core/domain/actor.ts';
import {openStore} from '../../core/store/open.ts';
import type {Id} from '../../shared/ids.ts';
import {turnsCreate, type TurnDraft} from '../../shared/wire/turns.ts';
import {readInput} from '../../shared/wire/contract.ts';
import {loadSettings} from './core-process.ts';
import type {Member, Scale} from './scale.ts';

export type InProcess = {
  readonly app: App;
  readonly members: readonly Member[];
  /** Appends a turn as the route does once it has read its input. */
  append(member: Member, content: string): Promise<void>;
  close(): Promise<void>;
};

/** Starts it on an empty database, with tenants and open scopes. */
export async function openInProcess(databaseUrl: string, scale: Scale): Promise<InProcess> {
  const home = mkdtempSync(join(tmpdir(), 'cellstate-bench-'));
  const config = parseConfig({
    CELLSTATE_MASTER_KEY: randomBytes(32).toString('base64'),
    DATABASE_URL: databaseUrl,
    LOG_LEVEL: 'error',
    ...loadSettings,
    CELLSTATE_EVENT_DAG_PATH: join(home, 'guard'),
    CELLSTATE_CACHE_PATH: join(home, 'cache'),
  });
  const store = await openStore(databaseUrl, {autoMigrate: true});
  const app = await createApp({config, store});
  const members: Member[][] = [];
  for (let at = 0; at < scale.tenants; at += 1) {
    members.push(
      await membersOf(app, await createTenant(app.services, {name: `core ${at}`}), scale),
    );
  }
  const {services} = app;
  let keyCount = 0;
  return {
    app,
    members: Array.from({length: scale.scopesPerTenant}, (_, at) =>
      members.map((of) => of[at] as Member),
    ).flat(),
    async append({actor, scopeId}, content) {
      keyCount += 1;
      const sent = {scope_id: scopeId, role: 'user', content};
      const {scopeId: reference, ...draft} = readInput(turnsCreate, sent) as TurnDraft;
      const command = turnCommand(services, actor, reference as Id, draft);
      await services.pipeline.run(actor, callOf(`bench-${keyCount}`, content), [command]);
    },
    async close() {
      await app.close();
      rmSync(home, {recursive: true, force: true});
    },
  };
}

const callOf = (idempotencyKey: string, content: string): Call => ({
  ...systemCall,
  idempotencyKey,
  requestHash: createHash('sha256').update(content).digest('hex'),
});

async function membersOf(app: App, tenant: NewTenant, {scopesPerTenant}: Scale): Promise<Member[]> {
  const actor: Actor = {
    tenantNo: tenant.tenantNo,
    tenantId: tenant.tenantId,
    by: `api_key:${tenant.keyId}`,
    keyId: tenant.keyId,
    scopes: new Set(adminScopes),
    agentId: null,
    isBound: false,
    onBehalfOf: null,
    sourceCeiling: 'user',
  };
  const call = async <T>(path: string, body: object): Promise<T> => {
    const answer = await app.http.request(`/api/v1${path}`, {
      method: 'POST',
      headers: {authorization: `Bearer ${tenant.key}`, 'content-type': 'application/json'},
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  };
  const members: Member[] = [];
  for (let at = 0; at < scopesPerTenant; at += 1) {
    const {trajectory_id: id} = await call<{trajectory_id: string}>('/trajectories', {
      name: 'bench',
    });
    const scope = {trajectory_id: id, name: 'bench', token_budget: 10_000_000};
    members.push({actor, scopeId: (await call<{scope_id: string}>('/scopes', scope)).scope_id});
  }
  return members;
}
