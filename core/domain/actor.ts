/** Who acts: the credential, the agent it acts for, and what both allow. */
import type {Hex, Id, TenantId, TenantNo} from '../../shared/ids.ts';
import type {Scope} from '../../shared/wire/contract.ts';
import type {ValueOf, sourceClass} from '../../shared/wire/enums.ts';
import type {Principal} from '../../shared/wire/resource.ts';

export type SourceClass = ValueOf<typeof sourceClass>;

export type Actor = {
  readonly tenantNo: TenantNo;
  readonly tenantId: TenantId;
  /** As in the header: `api_key:<uuid>`, `member:<uuid>` or `system:<job>`. */
  readonly by: string;
  readonly keyId: Id | null;
  readonly scopes: ReadonlySet<Scope>;
  /** The acting agent: the one the key is bound to, or the one the request names. */
  readonly agentId: Id | null;
  readonly isBound: boolean;
  readonly onBehalfOf: string | null;
  /** Highest class of source that the credential may claim. */
  readonly sourceCeiling: SourceClass;
};

/** What a request says about itself besides its input. */
export type Call = {
  readonly requestId: string;
  readonly trace: string | null;
  readonly correlation: Id | null;
  readonly idempotencyKey: string | null;
  /** SHA-256 over method, path, query and canonical body. */
  readonly requestHash: Hex | null;
  readonly ifMatch: readonly number[] | 'any' | null;
  /** The version that the target must still have, where a protocol has no `If-Match` (`02-api` §2). */
  readonly expectedVersion?: number | undefined;
  readonly fencing: {readonly lockId: Id; readonly token: number} | null;
  /** Position behind which a stream goes on. */
  readonly lastEventId: number | null;
};

/** An actor of the server itself: a job, or the bootstrap of a tenant. */
export const systemActor = (tenantNo: TenantNo, tenantId: TenantId, job: string): Actor => ({
  tenantNo,
  tenantId,
  by: `system:${job}`,
  keyId: null,
  scopes: new Set(),
  agentId: null,
  isBound: false,
  onBehalfOf: null,
  sourceCeiling: 'user',
});

export const isSystem = (actor: Actor): boolean => actor.by.startsWith('system:');

/** The author as rows and answers show it. */
export function principalOf(actor: Pick<Actor, 'by' | 'agentId' | 'onBehalfOf'>): Principal {
  const [kind = '', id = ''] = actor.by.split(/:(.*)/s);
  const kinds = {api_key: 'api_key', member: 'user', system: 'system'} as const;
  return {
    kind: kinds[kind as keyof typeof kinds] ?? 'system',
    id,
    agent_id: actor.agentId,
    on_behalf_of: actor.onBehalfOf,
  };
}
