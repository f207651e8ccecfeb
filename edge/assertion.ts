/** The edge's signature under a request that it passes on. */
import {importJWK, SignJWT, type JWK} from 'jose';
import {
  assertionAudience,
  assertionIssuer,
  assertionSeconds,
  type AssertionClaims,
} from '../shared/wire/edge-assertion.ts';
import type {Visit} from './visit.ts';

/** The imported key, by its text: a Worker gets a new secret without a new isolate. */
let imported: {text: string; kid: string; key: ReturnType<typeof importJWK>} | undefined;

function keyOf(text: string): NonNullable<typeof imported> {
  if (imported?.text === text) return imported;
  const jwk = JSON.parse(text) as JWK;
  imported = {text, kid: jwk.kid ?? '', key: importJWK(jwk, 'EdDSA')};
  return imported;
}

/** States a request to the core; null for an edge without a key. */
export async function assertionOf(
  {environment, requestId, address, colo}: Visit,
  method: string,
  path: string,
): Promise<string | null> {
  if (environment.EDGE_KEY === undefined) return null;
  const {kid, key} = keyOf(environment.EDGE_KEY);
  const claims: AssertionClaims = {jti: requestId, addr: address, colo, htm: method, htu: path};
  return new SignJWT(claims)
    .setProtectedHeader({alg: 'EdDSA', kid})
    .setIssuer(assertionIssuer)
    .setAudience(assertionAudience)
    .setIssuedAt()
    .setExpirationTime(`${assertionSeconds}s`)
    .sign(await key);
}
