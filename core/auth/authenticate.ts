/**
 * From a request's headers to the actor it speaks for.
 *
 * The core never takes anybody's word for who somebody is, the edge's neither: every request brings
 * its credential and every request is checked.
 */
import {CellError} from '../../shared/errors.ts';
import type {Micros, TenantId, TenantNo} from '../../shared/ids.ts';
import {isKeyText} from '../../shared/key-text.ts';
import {authIntrospect} from '../../shared/wire/auth.ts';
import type {Contract, Scope} from '../../shared/wire/contract.ts';
import {
  claimsOf,
  credentialOf,
  hasCredential,
  unknownCredential,
} from '../../shared/wire/credential.ts';
import {systemActor, type Actor} from '../domain/actor.ts';
import type {Row} from '../domain/aggregate.ts';
import {isUsable, type ApiKey} from '../domain/api-key.ts';
import type {EdgeTrust} from './edge-assertion.ts';

export type Identify = (
  text: string,
) => Promise<{tenantNo: TenantNo; tenantId: TenantId; key: Row<ApiKey>} | null>;

export type AuthOptions = {
  readonly identify: Identify;
  readonly now: () => Micros;
  /** Ids of keys that hold the operator's scope. */
  readonly operators: ReadonlySet<string>;
  readonly trust: EdgeTrust;
};

/** Who speaks, and the client's address where an edge vouches for it. */
export type Speaker = {readonly actor: Actor | null; readonly vouchedAddress: string | null};

/**
 * Finds who speaks in a request for a contract; nobody where it is public. An edge may introspect a
 * credential without holding one. Throws 401 for a credential that does not work, 403 for another
 * tenant's name and for an assertion that is no edge's.
 */
export async function speakerOf(
  of: AuthOptions,
  contract: Contract,
  request: Request,
): Promise<Speaker> {
  const edge = await of.trust(request);
  const vouchedAddress = edge?.addr ?? null;
  if (contract.may === 'pub') return {actor: null, vouchedAddress};
  const isEdgeAsking = contract.id === authIntrospect.id && edge !== null;
  if (isEdgeAsking && !hasCredential(request.headers)) {
    return {actor: systemActor(0, '', 'edge'), vouchedAddress};
  }
  return {actor: await authenticate(of, request.headers), vouchedAddress};
}

async function authenticate(of: AuthOptions, headers: Headers): Promise<Actor> {
  const text = credentialOf(headers);
  const holder = isKeyText(text) ? await of.identify(text) : null;
  if (holder === null) throw unknownCredential();
  const {tenantNo, tenantId, key} = holder;
  if (!isUsable(key.state, of.now())) throw unusable(key.state, of.now());
  const scopes = new Set<Scope>(key.state.scopes);
  if (of.operators.has(key.id)) scopes.add('operator');
  const claims = claimsOf(headers, tenantId, key.state.agentId);
  return {
    tenantNo,
    tenantId,
    by: `api_key:${key.id}`,
    keyId: key.id,
    scopes,
    sourceCeiling: key.state.sourceCeiling,
    ...claims,
  };
}

function unusable(key: ApiKey, at: Micros): CellError {
  const isOver = key.status === 'expired' || (key.expiresAt !== null && key.expiresAt <= at);
  return isOver
    ? new CellError('TOKEN_EXPIRED', 'the API key has expired')
    : new CellError('INVALID_TOKEN', 'the API key was revoked');
}
