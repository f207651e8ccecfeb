/**
 * The first events of a tenant: its ledger opened, the tenant, its default agent, its first key.
 *
 * They are one group, so a tenant is there whole or not at all. An attempt that died between the
 * tenant's rows and this group leaves an empty log, which the next attempt finishes.
 */
import type {Id, TenantId, TenantNo} from '../../shared/ids.ts';
import {keyPrefix, makeKeyText} from '../../shared/key-text.ts';
import {toHex} from '../../shared/ledger/bytes.ts';
import {defaultMemoryAccess} from '../../shared/wire/agents.ts';
import {scopes, type Scope} from '../../shared/wire/contract.ts';
import {systemActor, type Call} from '../domain/actor.ts';
import type {Command} from '../domain/aggregate.ts';
import type {Services} from './services.ts';

/** What an administrator's key holds: everything but the operator's own scope. */
export const adminScopes: readonly Scope[] = scopes.filter((scope) => scope !== 'operator');

const saltBytes = 32;
const keyBytes = 32;

/** A call of the server itself. */
export const systemCall: Call = {
  requestId: 'system',
  trace: null,
  correlation: null,
  idempotencyKey: null,
  requestHash: null,
  ifMatch: null,
  fencing: null,
  lastEventId: null,
};

/** A new key's text, shown once, and what of it is kept. */
export function newKey(services: Services): {
  text: string;
  made: {keyPrefix: string; keyHash: string};
} {
  const text = makeKeyText(services.tools.random(keyBytes));
  const [hash = new Uint8Array()] = services.keys.apiKeyHashes(text);
  return {text, made: {keyPrefix: keyPrefix(text), keyHash: toHex(hash)}};
}

export type NewTenant = {
  readonly tenantId: TenantId;
  readonly tenantNo: TenantNo;
  readonly agentId: Id;
  readonly keyId: Id;
  readonly key: string;
};

type Wanted = {readonly name: string; readonly domain?: string | null; readonly keyName?: string};

/** Makes a tenant with its ledger, its default agent and an administrator's key. */
export async function createTenant(
  services: Services,
  {name, domain = null, keyName = 'admin'}: Wanted,
): Promise<NewTenant> {
  const tenantId = services.newId<'tenant'>();
  const [shard, next] = [
    services.keys.shard(tenantId, 1, null),
    services.keys.shard(tenantId, 2, null),
  ];
  if (shard === null || next === null) throw new Error('no master key is configured');
  const salt = services.tools.random(saltBytes);
  const tenantNo = await services.store.openTenant({
    tenantId,
    salt,
    origin: shard.origin,
    vkey: shard.vkey,
  });
  const agentId = services.newId<'agent'>();
  const keyId = services.newId<'api_key'>();
  const {text, made} = newKey(services);
  const commands: (Command & Record<string, unknown>)[] = [
    {type: 'log.open', id: tenantId, next: next.vkey},
    {
      type: 'tenant.create',
      id: tenantId,
      defaultAgentId: agentId,
      draft: {name, domain, oidcOrganization: null, metadata: {}},
    },
    {type: 'agent.register', id: agentId, ownerPrincipalId: 'bootstrap', draft: defaultAgent},
    {
      type: 'api_key.create',
      id: keyId,
      draft: {
        ...made,
        name: keyName,
        scopes: [...adminScopes],
        agentId: null,
        sourceCeiling: 'user',
        expiresAt: null,
        metadata: {},
      },
    },
  ];
  await services.pipeline.run(systemActor(tenantNo, tenantId, 'bootstrap'), systemCall, commands);
  return {tenantId, tenantNo, agentId, keyId, key: text};
}

const defaultAgent = {
  externalId: null,
  name: 'default',
  agentType: 'default',
  capabilities: [],
  memoryAccess: defaultMemoryAccess,
  team: null,
  currentTrajectoryId: null,
  currentScopeId: null,
  canDelegateTo: [],
  reportsTo: null,
  metadata: {},
};
