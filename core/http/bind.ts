/**
 * The one binder: a contract and its use case become a route.
 *
 * Refusals come in the order of `02-api` §4, the same on both tiers: length and media type as
 * stated, credential, rate, body, schema, scope. Nothing is looked up before the last of them.
 */
import type {Context, Hono} from 'hono';
import type {TenantNo} from '../../shared/ids.ts';
import {jsonType, packType, prefersPack} from '../../shared/wire/accept.ts';
import {covers, missingScope, type Contract} from '../../shared/wire/contract.ts';
import type {Origins} from '../../shared/wire/cors.ts';
import {pack} from '../../shared/wire/msgpack.ts';
import type {ProblemOptions} from '../../shared/wire/problem.ts';
import {receive} from '../../shared/wire/receive.ts';
import {openRoutes, type RouteContext, type Served} from '../../shared/wire/route.ts';
import type {Answer, OpaqueServing, Serving} from '../api/services.ts';
import type {Actor} from '../domain/actor.ts';
import {
  answerHeaders,
  callOf,
  isMutating,
  knownVersions,
  minPosition,
  notReached,
  prefersReceipt,
  requestDigest,
} from './headers.ts';

export type HttpOptions = ProblemOptions & {
  /** Finds who speaks, and whether an edge vouches for the request; null for a public contract. */
  readonly authenticate: (of: Contract, c: Context) => Promise<Caller>;
  /** Takes one request off a caller's allowance; throws 429 when none is left. */
  readonly admit: (caller: Caller) => Record<string, string>;
  /** The last position of a tenant's ledger: every read reflects at least that. */
  readonly position: (tenant: TenantNo) => Promise<number>;
  readonly origins: Origins;
  readonly freshId: () => string;
  readonly log: (line: RequestLine) => void;
  readonly nowMs: () => number;
};

/** Who speaks, null where nobody has to, and from where. */
export type Caller = {readonly actor: Actor | null; readonly address: string};

export type RequestLine = {
  readonly requestId: string;
  readonly route: string;
  readonly status: number;
  readonly durationMs: number;
  readonly tenantId: string | null;
  readonly error: unknown;
};

const anonymous: Actor = {
  tenantNo: 0,
  tenantId: '',
  by: 'system:anonymous',
  keyId: null,
  scopes: new Set(),
  agentId: null,
  isBound: false,
  onBehalfOf: null,
  sourceCeiling: 'tool_external',
};

/** Makes the application of all routes. */
export function bindRoutes(
  servings: readonly (Serving | OpaqueServing)[],
  of: HttpOptions,
): Hono<{Variables: Served}> {
  const servingOf = new Map(servings.map((serving) => [serving.contract, serving]));
  return openRoutes({
    ...of,
    contracts: servings.map(({contract}) => contract),
    serve: (contract, c) => serveRequest(c, servingOf.get(contract) as Serving | OpaqueServing, of),
    done: (c, error) =>
      of.log({
        requestId: c.get('requestId'),
        route: c.get('route'),
        status: c.res.status,
        durationMs: of.nowMs() - c.get('startMs'),
        tenantId: c.get('tenantId'),
        error,
      }),
  });
}

async function serveRequest(
  c: RouteContext,
  serving: Serving | OpaqueServing,
  of: HttpOptions,
): Promise<Response> {
  const {contract} = serving;
  const {headers} = c.req.raw;
  const {caller, url, parsed, input, body} = await receive(contract, c.req, {
    authenticate: async () => {
      const found = await of.authenticate(contract, c);
      c.set('tenantId', found.actor?.tenantId ?? null);
      return found;
    },
    admit: (found) => c.set('answerHeaders', of.admit(found)),
  });
  const actor = caller.actor ?? anonymous;
  if (caller.actor !== null && !covers(actor.scopes, contract.may))
    throw missingScope(contract.may);
  if (caller.actor !== null && !isMutating(contract)) await checkReached(headers, caller.actor, of);
  const call = callOf(headers, c.get('requestId'), () =>
    requestDigest(contract.method, url, parsed),
  );
  if ('respond' in serving) {
    const admit = () => void of.admit(caller);
    return serving.respond({actor, input: input as never, call, request: c.req.raw, body, admit});
  }
  // Read before anything runs: a header that is refused must not come after a change that was made.
  const known = contract.method === 'GET' ? knownVersions(headers.get('if-none-match')) : [];
  return respond(c, contract, known, await serving.run({actor, input: input as never, call}));
}

/**
 * Reads come from the primary, so each reflects every event that was acknowledged: an event that a
 * caller has seen and that is not there is one of another ledger, or of one that was set back.
 */
async function checkReached(headers: Headers, {tenantNo}: Actor, of: HttpOptions): Promise<void> {
  const asked = minPosition(headers);
  if (asked === null) return;
  const position = await of.position(tenantNo);
  if (asked > position) throw notReached(asked, position);
}

async function respond(
  c: Context,
  contract: Contract,
  known: ReturnType<typeof knownVersions>,
  given: Answer,
): Promise<Response> {
  const headers = answerHeaders(given);
  if (Array.isArray(given.body) && given.nextCursor)
    headers['Link'] = nextLink(c.req.url, given.nextCursor);
  const wantsReceipt =
    prefersReceipt(c.req.raw.headers) && given.receipt !== undefined && Boolean(given.event);
  if (given.version !== undefined && (known === 'any' || known.includes(given.version))) {
    return new Response(null, {status: 304, headers});
  }
  if (typeof given.body === 'string' || given.body instanceof ReadableStream) {
    return new Response(given.body, {
      status: given.status ?? contract.status,
      headers: {
        ...headers,
        'Content-Type': contract.produces ?? 'text/plain; charset=utf-8',
        ...(given.body instanceof ReadableStream ? streamHeaders : {}),
      },
    });
  }
  const extra: Record<string, unknown> = {};
  if (given.event) extra['receipt_hash'] = given.event.hash;
  if ((given.warnings?.length ?? 0) > 0) extra['_warnings'] = given.warnings;
  if (wantsReceipt) {
    extra['_receipt'] = JSON.parse((await given.receipt?.()) ?? 'null');
    headers['Preference-Applied'] = 'receipt';
  }
  const status = given.status ?? contract.status;
  if (given.body === null) {
    if (!wantsReceipt) return new Response(null, {status: 204, headers});
    return encode(c, 200, headers, {_receipt: extra['_receipt']});
  }
  return encode(
    c,
    status,
    headers,
    Array.isArray(given.body) ? given.body : {...given.body, ...extra},
  );
}

/** Where a bare array goes on: relative, since a client may have come by way of an edge. */
function nextLink(asked: string, cursor: string): string {
  const url = new URL(asked);
  url.searchParams.delete('offset');
  url.searchParams.set('cursor', cursor);
  return `<${url.pathname}${url.search}>; rel="next"`;
}

/** Proxies that buffer or rewrite would keep events from a client. */
const streamHeaders = {'Cache-Control': 'no-cache, no-transform', 'X-Accel-Buffering': 'no'};

function encode(
  c: Context,
  status: number,
  headers: Record<string, string>,
  body: unknown,
): Response {
  return prefersPack(c.req.header('accept') ?? null)
    ? new Response(pack(body), {status, headers: {...headers, 'Content-Type': packType}})
    : new Response(JSON.stringify(body), {status, headers: {...headers, 'Content-Type': jsonType}});
}
