/** Cross-origin requests of browsers, answered alike by both tiers. */

/** Origins whose pages may call; `*` stands for all. */
export type Origins = readonly string[];

const requestHeaders = [
  'Authorization',
  'X-API-Key',
  'Content-Type',
  'Accept',
  'X-Tenant-ID',
  'X-Agent-ID',
  'X-On-Behalf-Of',
  'X-Fencing-Token',
  'X-Min-Position',
  'X-Request-Id',
  'Idempotency-Key',
  'If-Match',
  'If-None-Match',
  'Prefer',
  'Last-Event-ID',
  'MCP-Protocol-Version',
  'Mcp-Method',
  'Mcp-Name',
  'Mcp-Session-Id',
  'traceparent',
  'tracestate',
].join(', ');

const exposedHeaders = [
  'CellState-Receipt',
  'CellState-Position',
  'CellState-Deduplicated',
  'CellState-Warnings',
  'CellState-Version',
  'CellState-Edge',
  'X-Idempotency-Replay',
  'X-Request-Id',
  'X-RateLimit-Limit',
  'X-RateLimit-Remaining',
  'X-RateLimit-Reset',
  'ETag',
  'Location',
  'Link',
  'Mcp-Session-Id',
  'Preference-Applied',
  'Retry-After',
  'Deprecation',
  'Sunset',
  'WWW-Authenticate',
].join(', ');

/** How long a browser may remember a preflight; Chromium caps it at two hours. */
const preflightSeconds = 7_200;

const isAllowed = (origin: string, origins: Origins): boolean =>
  origins.includes('*') || origins.includes(origin);

/** Tells whether a request is a browser's question whether it may send another. */
export const isPreflight = (request: Request): boolean =>
  request.method === 'OPTIONS' &&
  request.headers.has('origin') &&
  request.headers.has('access-control-request-method');

/** Adds what a browser must see before it shows an answer to a page of `origin`. */
export function allowOrigin(answer: Headers, origin: string | null, origins: Origins): void {
  answer.delete('Access-Control-Allow-Origin');
  answer.delete('Access-Control-Expose-Headers');
  // Also without an origin: a cache must not hand this answer to a page.
  if (!/\borigin\b/i.test(answer.get('Vary') ?? '')) answer.append('Vary', 'Origin');
  if (origin === null || !isAllowed(origin, origins)) return;
  answer.set('Access-Control-Allow-Origin', origin);
  answer.set('Access-Control-Expose-Headers', exposedHeaders);
}

/** The answer to a preflight on a path with these methods. */
export function preflight(origin: string | null, allowed: string, origins: Origins): Response {
  const headers = new Headers();
  if (origin !== null && isAllowed(origin, origins)) {
    headers.set('Access-Control-Allow-Methods', allowed);
    headers.set('Access-Control-Allow-Headers', requestHeaders);
    headers.set('Access-Control-Max-Age', String(preflightSeconds));
  }
  return new Response(null, {status: 204, headers});
}
