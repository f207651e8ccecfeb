/**
 * How a request is received, on both tiers: the refusals of `02-api` §4 in their one order.
 *
 * Sizes of what stands before the body, stated length and media type, credential, rate, length while
 * reading, syntax, schema. No byte of the body is read before the credential is known to work, and
 * nothing is looked up before the schema has passed.
 */
import type {HonoRequest} from 'hono';
import {CellError} from '../errors.ts';
import {readInput, type Contract} from './contract.ts';
import {unpack} from './msgpack.ts';
import {checkLength, checkMediaType, checkTarget, gather, parseBody, type Sent} from './request.ts';

export type Reception<Caller> = {
  /** Finds who speaks. Throws 401 or 403. */
  readonly authenticate: () => Promise<Caller>;
  /** Takes one request off an allowance. Throws 429 when none is left. */
  readonly admit: (caller: Caller) => Promise<void> | void;
};

export type Received<Caller> = {
  readonly caller: Caller;
  readonly url: URL;
  /** The bytes that were sent. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** The body as parsed, for the digest of a request with an idempotency key. */
  readonly parsed: unknown;
  readonly input: unknown;
};

/** The refusal of a caller whose allowance is used up. */
export const tooManyRequests = (retryAfterSeconds: number): CellError =>
  new CellError('TOO_MANY_REQUESTS', 'more requests in a minute than are allowed', {
    retryAfterSeconds,
  });

/** Receives a request for a contract, or throws the first refusal that applies. */
export async function receive<Caller>(
  of: Contract,
  request: HonoRequest,
  {authenticate, admit}: Reception<Caller>,
): Promise<Received<Caller>> {
  const {headers} = request.raw;
  const url = new URL(request.url);
  checkTarget(url, headers);
  checkStated(of, headers);
  const caller = await authenticate();
  await admit(caller);
  const body = await readBody(of, request.raw);
  const contentType = headers.get('content-type');
  // A body without a stated length (HTTP/2, streams) is first seen here.
  if (readsBody(of)) checkMediaType(contentType, null, body.length > 0);
  const path = request.param() as Record<string, string>;
  const sent: Sent = {path, query: url.searchParams, contentType: contentType ?? '', body};
  const parsed = readsBody(of) ? parseBody(sent, unpack) : {};
  return {caller, url, body, parsed, input: readInput(of, gather(of, sent, parsed))};
}

/** Whether the body is the contract's own: that of another protocol is handed on as it came. */
const readsBody = (of: Contract): boolean => of.method !== 'GET' && of.isOpaque !== true;

/** What the headers alone tell: length over the limit, media type. */
function checkStated(of: Contract, headers: Headers): void {
  const length = Number(headers.get('content-length') ?? 0);
  checkLength(of, length);
  const hasBody = readsBody(of) && (length > 0 || headers.has('transfer-encoding'));
  checkMediaType(headers.get('content-type'), headers.get('content-encoding'), hasBody);
}

/** Reads the body without ever holding more of it than its limit and one chunk. */
async function readBody(of: Contract, request: Request): Promise<Uint8Array<ArrayBuffer>> {
  if (request.body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    checkLength(of, length);
    chunks.push(chunk);
  }
  const body = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.length;
  }
  return body;
}
