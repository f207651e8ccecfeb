/**
 * Whether an edge vouches for a request.
 *
 * An assertion is good for one method and path and for a minute. Whoever could replay it would hold
 * the caller's credential as well, so ids of assertions are not remembered.
 */
import {createLocalJWKSet, errors, jwtVerify, type JSONWebKeySet} from 'jose';
import {CellError} from '../../shared/errors.ts';
import {
  assertionAudience,
  assertionHeader,
  assertionIssuer,
  assertionSeconds,
  type AssertionClaims,
} from '../../shared/wire/edge-assertion.ts';

/** What the edge states of a request; null where none speaks. Throws 403 for a false statement. */
export type EdgeTrust = (request: Request) => Promise<AssertionClaims | null>;

/** How far the clocks of edge and core may differ. */
const skewSeconds = 5;

const refusal = (message: string, cause?: unknown): CellError =>
  new CellError('FORBIDDEN', message, {details: {reason: 'edge_assertion'}, cause});

/** Makes the check. Without keys no edge is trusted, and a header that says otherwise is refused. */
export function createEdgeTrust(jwks: JSONWebKeySet | null, isRequired: boolean): EdgeTrust {
  const keys = jwks === null ? null : createLocalJWKSet(jwks);
  return async (request) => {
    const token = request.headers.get(assertionHeader);
    if (token === null) {
      if (isRequired) throw refusal('this server answers through its edge alone');
      return null;
    }
    if (keys === null) throw refusal(`${assertionHeader} is no header of callers`);
    const claims = await verified(token, keys);
    const {pathname} = new URL(request.url);
    if (claims.htm === request.method && claims.htu === pathname) return claims;
    throw refusal('the edge assertion is for another request');
  };
}

async function verified(
  token: string,
  keys: ReturnType<typeof createLocalJWKSet>,
): Promise<AssertionClaims> {
  try {
    const {payload} = await jwtVerify<AssertionClaims>(token, keys, {
      algorithms: ['EdDSA'],
      issuer: assertionIssuer,
      audience: assertionAudience,
      maxTokenAge: assertionSeconds,
      clockTolerance: skewSeconds,
      requiredClaims: ['exp', 'jti', 'addr', 'htm', 'htu'],
    });
    return payload;
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error;
    throw refusal('the edge assertion is not valid', error);
  }
}
