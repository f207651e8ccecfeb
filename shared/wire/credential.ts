/**
 * What a request's headers say about who speaks, the same refusals on both tiers.
 *
 * Nothing here looks anything up: a credential's text is judged by its form alone, and what the
 * headers claim besides is held against what the credential turned out to be.
 */
import {CellError} from '../errors.ts';
import {isId, type Id} from '../ids.ts';

const bearer = /^Bearer +(\S+)$/i;
const onBehalfOfLimit = 200;

const invalid = (message: string): CellError => new CellError('INVALID_TOKEN', message);

/** The refusal of a text that is no credential, or one that nobody holds. */
export const unknownCredential = (): CellError => invalid('the credential is malformed or unknown');

/** Whether a request brings a credential at all. */
export const hasCredential = (headers: Headers): boolean =>
  headers.has('authorization') || headers.has('x-api-key');

/** The credential's text. Throws 401 where there is none, or two that differ. */
export function credentialOf(headers: Headers): string {
  const authorization = headers.get('authorization');
  const apiKey = headers.get('x-api-key');
  const token = authorization === null ? null : (bearer.exec(authorization)?.[1] ?? '');
  if (token === '') throw invalid('Authorization is not of the form "Bearer <credential>"');
  if (token !== null && apiKey !== null && token !== apiKey) {
    throw invalid('Authorization and X-API-Key name different credentials');
  }
  const text = token ?? apiKey;
  if (text !== null) return text;
  throw new CellError(
    'UNAUTHORIZED',
    'send an API key as "Authorization: Bearer cst_…" or as X-API-Key',
  );
}

/** What the headers claim besides the credential. */
export type Claims = {
  readonly agentId: Id | null;
  readonly isBound: boolean;
  readonly onBehalfOf: string | null;
};

/**
 * Holds the headers' claims against the credential's tenant and bound agent. A tenant that is not
 * the caller's is refused alike whether it exists or not.
 */
export function claimsOf(headers: Headers, tenantId: string, boundTo: Id | null): Claims {
  const tenant = headers.get('x-tenant-id');
  if (tenant !== null && tenant !== 'default' && tenant !== tenantId) {
    throw new CellError('FORBIDDEN', 'X-Tenant-ID is not the tenant of this credential');
  }
  return {
    ...actingAgent(headers.get('x-agent-id'), boundTo),
    onBehalfOf: onBehalfOf(headers.get('x-on-behalf-of')),
  };
}

function actingAgent(
  stated: string | null,
  boundTo: Id | null,
): Pick<Claims, 'agentId' | 'isBound'> {
  if (boundTo !== null) {
    if (stated === null || stated === boundTo) return {agentId: boundTo, isBound: true};
    throw new CellError('FORBIDDEN', 'X-Agent-ID is not the agent of this key');
  }
  if (stated !== null && !isId(stated)) {
    throw new CellError('INVALID_FORMAT', 'X-Agent-ID is not a UUIDv7 in lower case');
  }
  return {agentId: stated, isBound: false};
}

function onBehalfOf(stated: string | null): string | null {
  if (stated !== null && Array.from(stated).length > onBehalfOfLimit) {
    throw new CellError(
      'INVALID_RANGE',
      `X-On-Behalf-Of is longer than ${onBehalfOfLimit} characters`,
    );
  }
  return stated;
}
