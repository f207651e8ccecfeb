/**
 * Who speaks, as far as an edge can tell.
 *
 * An invented or mistyped key never leaves the edge. One of the right form is asked about at the
 * core, as its own holder would ask, so a no comes back as the very refusal that the core gives.
 * Nothing here lets anybody in: the key goes on with the request and the core looks it up again.
 */
import {CellError, errorTable, type ErrorCode} from '../shared/errors.ts';
import type {Id} from '../shared/ids.ts';
import {isKeyText} from '../shared/key-text.ts';
import {activeCredential, authIntrospect, type ActiveCredential} from '../shared/wire/auth.ts';
import type {Contract} from '../shared/wire/contract.ts';
import {claimsOf, credentialOf, unknownCredential} from '../shared/wire/credential.ts';
import {routePath} from '../shared/wire/route.ts';
import {askCore} from './ask-core.ts';
import {rememberVerdict, verdictOn, type Verdict} from './verdicts.ts';
import type {Visit} from './visit.ts';

/** A yes may outlive a revocation here, never at the core; a no may outlive the key's making. */
const yesMs = 30_000;
const noMs = 5_000;

const path = routePath(authIntrospect.path);

/** Finds who speaks; null where the contract asks for nobody. Throws 401 and 403 as the core does. */
export async function authenticate(
  contract: Contract,
  visit: Visit,
): Promise<ActiveCredential | null> {
  if (contract.may === 'pub') return null;
  const {headers} = visit.request;
  const key = credentialOf(headers);
  if (!isKeyText(key)) throw unknownCredential();
  const {status, retryAfter, answer} = (await verdictOn(key, visit)) ?? (await ask(key, visit));
  if (status !== 200) throw refusalOf(answer as Problem, retryAfter);
  const {data: caller} = activeCredential.safeParse(answer);
  // It stopped working between the core's two looks at it.
  if (caller === undefined) throw unknownCredential();
  claimsOf(headers, caller.tenant_id, caller.agent_id as Id | null);
  return caller;
}

async function ask(key: string, visit: Visit): Promise<Verdict> {
  const response = await askCore(visit, {
    method: 'POST',
    path,
    headers: new Headers({authorization: `Bearer ${key}`, 'content-type': 'application/json'}),
    body: JSON.stringify({token: key}),
    isRepeatable: true,
  });
  const {status} = response;
  const answer = (await response.json()) as Record<string, unknown>;
  const untilMs = status === 200 ? endOfYes(answer) : Date.now() + noMs;
  const verdict = {status, retryAfter: response.headers.get('retry-after'), answer, untilMs};
  // What is neither yes nor no, such as a core that is full, is not remembered.
  if (status === 200 || status === 401) await rememberVerdict(key, verdict, visit);
  return verdict;
}

/** A yes lasts no longer than the key itself works. */
function endOfYes({exp}: Record<string, unknown>): number {
  const endMs = Date.now() + yesMs;
  return typeof exp === 'number' ? Math.min(endMs, exp * 1_000) : endMs;
}

type Problem = {code: string; message: string; details: Record<string, unknown> | null};

/** The core's refusal, made again: the same to the byte. */
function refusalOf({code, message, details}: Problem, retryAfter: string | null): CellError {
  return new CellError(code in errorTable ? (code as ErrorCode) : 'INTERNAL_ERROR', message, {
    details: details ?? undefined,
    retryAfterSeconds: retryAfter === null ? undefined : Number(retryAfter),
  });
}
