/**
 * The shield before the core's own limiter, which stays the law.
 *
 * It lets through at least what the core would: the bindings of `wrangler.toml` count the core's
 * rate and its burst.
 */
import type {ActiveCredential} from '../shared/wire/auth.ts';
import {tooManyRequests} from '../shared/wire/receive.ts';
import type {Visit} from './visit.ts';

/** The binding counts by windows of a minute and does not tell when this one ends. */
const retryAfterSeconds = 60;

/** Takes one request off the caller's allowance: its tenant's, or its address's without one. */
export async function admit(caller: ActiveCredential | null, visit: Visit): Promise<void> {
  const {TENANT_RATE, ADDRESS_RATE} = visit.environment;
  const {success} =
    caller === null
      ? await ADDRESS_RATE.limit({key: visit.address})
      : await TENANT_RATE.limit({key: caller.tenant_id});
  if (!success) throw tooManyRequests(retryAfterSeconds);
}
