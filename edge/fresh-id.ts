/** Ids that the edge makes: those of requests that bring none. */
import {newId} from '../shared/ids.ts';

/** A new UUIDv7. */
export const freshId = (): string =>
  newId(Date.now() * 1_000, crypto.getRandomValues(new Uint8Array(10)));
