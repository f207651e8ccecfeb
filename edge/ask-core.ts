/** Requests to the core through the tunnel: signed by the edge, timed, repeated once where that is safe. */
import {CellError} from '../shared/errors.ts';
import {assertionHeader} from '../shared/wire/edge-assertion.ts';
import {assertionOf} from './assertion.ts';
import type {Visit} from './visit.ts';

export type Question = {
  readonly method: string;
  readonly path: string;
  readonly search?: string;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer> | string | null;
  /** Whether asking twice does no more than asking once. */
  readonly isRepeatable: boolean;
};

/** Longer than the core gives itself for any answer's first byte: a long poll has 35 s (`02-api` §1). */
const firstByteMs = 40_000;
const retryAfterSeconds = 1;

/**
 * Asks the core. Throws 503 when it cannot be reached and 504 when it does not begin to answer; what
 * became of a change is then unknown, unless it carried an idempotency key.
 */
export async function askCore(visit: Visit, question: Question): Promise<Response> {
  const {method, body} = question;
  const url = new URL(visit.environment.CORE_URL);
  url.pathname = question.path;
  url.search = question.search ?? '';
  const init = {method, body, headers: await signed(visit, question), redirect: 'manual'} as const;
  try {
    return await attempt(url, init, visit.request.signal);
  } catch (error) {
    const isLost = error instanceof CellError && error.code === 'SERVICE_UNAVAILABLE';
    if (!isLost || !question.isRepeatable || visit.request.signal.aborted) throw error;
    return attempt(url, init, visit.request.signal);
  }
}

async function attempt(url: URL, init: RequestInit, client: AbortSignal): Promise<Response> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), firstByteMs);
  try {
    // A client that goes away ends the core's work as if it had been connected to the core.
    const signal = AbortSignal.any([client, late.signal]);
    const answer = await fetch(url, {...init, signal});
    // The core names its version on every answer: one without is of a proxy or tunnel before it.
    if (answer.headers.has('cellstate-version')) return answer;
    throw new Error(`the answer ${answer.status} is not the core's`);
  } catch (cause) {
    if (late.signal.aborted) {
      throw new CellError('TIMEOUT', 'the core did not answer in time', {cause});
    }
    throw new CellError('SERVICE_UNAVAILABLE', 'the core cannot be reached', {
      retryAfterSeconds,
      cause,
    });
  } finally {
    clearTimeout(timer);
  }
}

/** The headers of a question with those that the edge speaks in its own name. */
async function signed(visit: Visit, {method, path, headers}: Question): Promise<Headers> {
  const {environment, address, url, requestId} = visit;
  headers.set('X-Request-Id', requestId);
  headers.set('X-Forwarded-For', address);
  headers.set('X-Forwarded-Host', url.host);
  headers.set('X-Forwarded-Proto', url.protocol.slice(0, -1));
  const assertion = await assertionOf(visit, method, path);
  if (assertion !== null) headers.set(assertionHeader, assertion);
  const {CF_ACCESS_CLIENT_ID: id, CF_ACCESS_CLIENT_SECRET: secret} = environment;
  if (id !== undefined && secret !== undefined) {
    headers.set('CF-Access-Client-Id', id);
    headers.set('CF-Access-Client-Secret', secret);
  }
  return headers;
}
