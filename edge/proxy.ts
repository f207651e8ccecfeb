/** Passing a request on to the core, and its answer back. */
import {traceOf} from '../shared/wire/identify.ts';
import {toHex} from '../shared/ledger/bytes.ts';
import type {Contract} from '../shared/wire/contract.ts';
import {askCore} from './ask-core.ts';
import {relay} from './relay.ts';
import type {Visit} from './visit.ts';

/** Headers of one connection (RFC 9110 §7.6.1), and those that the edge's own connection makes anew. */
const ofTheConnection = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** What the tiers say to each other: nobody else's word counts. */
const betweenTiers = /^(?:cellstate-|cf-|x-forwarded-|x-real-ip$|forwarded$|true-client-ip$)/;

/** Proxies a request whose body was read; the answer's body streams through as it comes. */
export async function proxy(
  of: Contract,
  visit: Visit,
  body: Uint8Array<ArrayBuffer>,
): Promise<Response> {
  const {request, url} = visit;
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  const answer = await askCore(visit, {
    method: request.method,
    path: url.pathname,
    search: url.search,
    headers: passedOn(request.headers),
    body: isRead || body.length === 0 ? null : body,
    isRepeatable: isRead || request.headers.has('idempotency-key'),
  });
  const isFeed = of.produces === 'text/event-stream' && answer.ok;
  return isFeed ? relay(answer) : new Response(answer.body, answer);
}

function passedOn(headers: Headers): Headers {
  const named = (headers.get('connection') ?? '').toLowerCase().split(/\s*,\s*/);
  const passed = new Headers();
  for (const [name, value] of headers) {
    if (ofTheConnection.has(name) || named.includes(name) || betweenTiers.test(name)) continue;
    passed.append(name, value);
  }
  if (traceOf(headers) === null) passed.set('traceparent', newTrace());
  return passed;
}

/** Begins a trace (W3C Trace Context), not sampled: nobody asked for it. */
function newTrace(): string {
  const random = (bytes: number): string => toHex(crypto.getRandomValues(new Uint8Array(bytes)));
  return `00-${random(16)}-${random(8)}-00`;
}
