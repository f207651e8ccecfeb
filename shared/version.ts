/** The product's version, and the wire contract's: `CellState-Version` on every answer. */
export const productVersion = '0.1.0';

/** Bumped whenever a request or an answer changes shape; `test/contract/wire.test.ts` holds the hash. */
export const wireVersion = '1';

/** What each version of the wire changed, a line each, the newest last. */
export const wireHistory: readonly string[] = ['1: the first'];
