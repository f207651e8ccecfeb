/**
 * What an edge states about a request that it passes on, signed with the edge's key.
 *
 * It vouches for the edge, which lets the core believe the client's address; never for the caller,
 * whose credential the core checks itself.
 */

/** The header that carries it: between our own tiers only. */
export const assertionHeader = 'CellState-Edge-Assertion';
export const assertionIssuer = 'cellstate-edge';
export const assertionAudience = 'cellstate-core';
export const assertionSeconds = 60;

/** The claims besides issuer, audience and times; `jti` is the request id. */
export type AssertionClaims = {
  readonly jti: string;
  /** The client's address as the edge saw it. */
  readonly addr: string;
  readonly colo: string;
  /** Method, and path without the query: an assertion is good for its own request alone. */
  readonly htm: string;
  readonly htu: string;
};
