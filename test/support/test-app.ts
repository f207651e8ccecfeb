/** The whole core in this process, on an embedded database of its own, with tenants to call as. */
import {pino} from 'pino';
import {createTenant, newKey, systemCall} from '../../core/api/bootstrap.ts';
import {createApp, type App} from '../../core/app.ts';
import {parseConfig} from '../../core/config.ts';
import {systemActor} from '../../core/domain/actor.ts';
import type {Command} from '../../core/domain/aggregate.ts';
import {openStore} from '../../core/store/open.ts';
import type {Id, Micros, TenantId, TenantNo} from '../../shared/ids.ts';
import {scopes, type Scope} from '../../shared/wire/contract.ts';

/** What is sent; a body that is no text and no bytes goes as JSON. */
export type Outgoing = {
  readonly method: string;
  readonly path: string;
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
};

export type Reply = {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
  readonly text: string;
};

/** The members of a JSON answer. */
export const members = (reply: Reply): Record<string, unknown> => JSON.parse(reply.text);

export type Caller = {
  readonly tenantId: TenantId;
  readonly tenantNo: TenantNo;
  readonly agentId: Id;
  /** Holds every scope but the operator's. */
  readonly key: string;
  /** The operator's besides. */
  readonly operatorKey: string;
};

type Wanted = {
  readonly scopes?: readonly Scope[];
  readonly expiresAt?: Micros;
  readonly isRevoked?: boolean;
};

export type TestApp = {
  readonly app: App;
  send(of: Outgoing): Promise<Reply>;
  tenant(name?: string): Promise<Caller>;
  /** A further key of a tenant. */
  keyOf(caller: Caller, wanted: Wanted): Promise<string>;
  /** How many events the tenant's ledger has: what is refused must not change it. */
  sizeOf(caller: Caller): Promise<number>;
  close(): Promise<void>;
};

const everyScope: readonly Scope[] = scopes.filter((scope) => scope !== 'operator');
const unlimited = '100000000';

/** Opens it. `environment` overrides what the tests usually have. */
export async function openTestApp(environment: Record<string, string> = {}): Promise<TestApp> {
  const url = environment['DATABASE_URL'] ?? 'pglite:memory';
  const master = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64');
  const config = parseConfig({
    CELLSTATE_MASTER_KEY: master,
    DATABASE_URL: url,
    CELLSTATE_RATE_LIMIT_TENANT: unlimited,
    CELLSTATE_RATE_LIMIT_BURST: unlimited,
    CELLSTATE_RATE_LIMIT_UNAUTHENTICATED: unlimited,
    ...environment,
  });
  const operators = new Set<string>();
  const store = await openStore(url, {autoMigrate: true});
  const app = await createApp({
    config: {...config, operators},
    store,
    log: pino({level: 'silent'}),
  });
  const {services} = app;
  let made = 0;

  async function makeKey(of: Pick<Caller, 'tenantNo' | 'tenantId'>, wanted: Wanted) {
    const {text, made: kept} = newKey(services);
    const id = services.newId<'api_key'>();
    made += 1;
    const create: Command & Record<string, unknown> = {
      type: 'api_key.create',
      id,
      draft: {
        ...kept,
        name: `test key ${made}`,
        scopes: [...(wanted.scopes ?? everyScope)],
        agentId: null,
        sourceCeiling: 'user',
        expiresAt: wanted.expiresAt ?? null,
        metadata: {},
      },
    };
    const revoke = {type: 'api_key.revoke', id, reason: null};
    const actor = systemActor(of.tenantNo, of.tenantId, 'bootstrap');
    await services.pipeline.run(actor, systemCall, [create]);
    if (wanted.isRevoked === true) await services.pipeline.run(actor, systemCall, [revoke]);
    return {id, text};
  }

  return {
    app,
    async send({method, path, key = null, headers = {}, body}) {
      const isRaw = typeof body === 'string' || body instanceof Uint8Array;
      const response = await app.http.request(path, {
        method,
        headers: {
          ...(key === null ? {} : {authorization: `Bearer ${key}`}),
          ...(body === undefined ? {} : {'content-type': 'application/json'}),
          ...headers,
        },
        ...(body === undefined ? {} : {body: isRaw ? body : JSON.stringify(body)}),
      });
      const bytes = new Uint8Array(await response.arrayBuffer());
      const text = new TextDecoder().decode(bytes);
      return {status: response.status, headers: response.headers, bytes, text};
    },
    async tenant(name = 'Acme') {
      const of = await createTenant(services, {name});
      const operator = await makeKey(of, {});
      operators.add(operator.id);
      return {...of, operatorKey: operator.text};
    },
    keyOf: async (caller, wanted) => (await makeKey(caller, wanted)).text,
    sizeOf: async ({tenantNo}) => (await store.head(tenantNo))?.size ?? -1,
    close: () => app.close(),
  };
}
