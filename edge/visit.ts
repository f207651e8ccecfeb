/** What surrounds a request in a Worker: its configuration, its runtime, where it came from. */
import type {ExecutionContext} from 'hono';
import type {RouteContext} from '../shared/wire/route.ts';

/** A Workers rate-limit binding: it says yes or no and nothing else. */
export type RateLimit = {limit(of: {key: string}): Promise<{success: boolean}>};

/** Variables, secrets and bindings of `wrangler.toml`. */
export type Environment = {
  readonly CORE_URL: string;
  readonly CORS_ORIGINS: string;
  /** A private Ed25519 JWK; without it the edge asserts nothing. */
  readonly EDGE_KEY?: string;
  readonly CF_ACCESS_CLIENT_ID?: string;
  readonly CF_ACCESS_CLIENT_SECRET?: string;
  readonly TENANT_RATE: RateLimit;
  readonly ADDRESS_RATE: RateLimit;
};

export type Visit = {
  readonly request: Request;
  readonly url: URL;
  readonly requestId: string;
  /** The client's address as Cloudflare saw it: the header is its own, a client's is replaced. */
  readonly address: string;
  readonly colo: string;
  readonly environment: Environment;
  readonly execution: Pick<ExecutionContext, 'waitUntil'>;
};

/** Gathers it from a request's context. */
export function visitOf(c: RouteContext): Visit {
  const request: Request & {cf?: {colo?: string}} = c.req.raw;
  return {
    request,
    url: new URL(request.url),
    requestId: c.get('requestId'),
    address: request.headers.get('cf-connecting-ip') ?? '',
    colo: request.cf?.colo ?? 'none',
    environment: c.env as Environment,
    execution: c.executionCtx,
  };
}
