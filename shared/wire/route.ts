/**
 * The routes of a tier, read off the contracts.
 *
 * Core and edge both build theirs here, so an unknown path, another method, a preflight and a thrown
 * error are answered with the same bytes by either, and no path means one thing here and another
 * there. What a tier does with a request that has a route is its own.
 */
import {Hono, type Context} from 'hono';
import {CellError} from '../errors.ts';
import {wireVersion} from '../version.ts';
import type {Contract} from './contract.ts';
import {allowOrigin, isPreflight, preflight, type Origins} from './cors.ts';
import {requestIdOf} from './identify.ts';
import {problemResponse, type ProblemOptions} from './problem.ts';

/** What is known of a request while it is served. */
export type Served = {
  requestId: string;
  startMs: number;
  /** The contract's id; `none` where the request has no route. */
  route: string;
  /** Whose request it is, once that is known. */
  tenantId: string | null;
  /** Headers that belong on the answer, whichever it will be. */
  answerHeaders: Record<string, string>;
};

export type RouteContext = Context<{Variables: Served}>;

export type Tier = ProblemOptions & {
  readonly contracts: readonly Contract[];
  /** Serves a request; what it throws becomes the problem that its caller gets. */
  readonly serve: (of: Contract, c: RouteContext) => Promise<Response>;
  /** Sees every answer last, with what was thrown on the way to it. */
  readonly done: (c: RouteContext, error: unknown) => void;
  readonly freshId: () => string;
  readonly nowMs: () => number;
  readonly origins: Origins;
};

/** On every answer that does not say otherwise: it is data, for this caller alone. */
const strictHeaders = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'Strict-Transport-Security': 'max-age=31536000',
  'X-Content-Type-Options': 'nosniff',
};

/** Paths under the prefix, unless a contract says it stands at the root. */
export const routePath = (path: string): string =>
  (path.startsWith('//') ? path.slice(1) : `/api/v1${path}`).replaceAll(/\{([a-z_]+)\}/g, ':$1');

/**
 * Orders patterns so that at the first segment where two differ, the literal one comes first: the
 * first pattern that fits serves a request, so `/notes/search` comes before `/notes/{note_id}`.
 */
function compareRoutes(a: string, b: string): number {
  const [left, right] = [a.split('/'), b.split('/')];
  for (let at = 0; at < Math.min(left.length, right.length); at += 1) {
    const difference = Number(left[at]?.startsWith(':')) - Number(right[at]?.startsWith(':'));
    if (difference !== 0) return difference;
  }
  // By length and not as equals: a path equal to two that are not equal would leave their order open.
  return left.length - right.length;
}

/** Makes the application of all routes. */
export function openRoutes(of: Tier): Hono<{Variables: Served}> {
  const app = new Hono<{Variables: Served}>({strict: true});
  app.use(async (c, next) => {
    c.set('requestId', requestIdOf(c.req.raw.headers, of.freshId));
    c.set('startMs', of.nowMs());
    c.set('route', 'none');
    c.set('tenantId', null);
    c.set('answerHeaders', {});
    await next();
    finish(c, of);
    of.done(c, c.error ?? null);
  });
  const problem = (c: RouteContext, error: unknown): Response =>
    problemResponse(error, c.req.header('accept') ?? '', of);

  const byPath = Map.groupBy(of.contracts, (contract) => routePath(contract.path));
  const paths = [...byPath.keys()].toSorted(compareRoutes);
  for (const path of paths) {
    for (const contract of byPath.get(path) ?? []) {
      app.on(contract.method, path, (c) => {
        c.set('route', contract.id);
        return of.serve(contract, c);
      });
    }
  }
  // After all of those: a literal path must not hide another method of one with a parameter.
  for (const path of paths) {
    const methods: string[] = (byPath.get(path) ?? []).map(({method}) => method);
    if (methods.includes('GET')) methods.push('HEAD');
    const allowed = methods.toSorted().join(', ');
    app.all(path, (c) => {
      if (isPreflight(c.req.raw)) {
        return preflight(c.req.header('origin') ?? null, allowed, of.origins);
      }
      c.set('answerHeaders', {Allow: allowed});
      return problem(c, new CellError('METHOD_NOT_ALLOWED', `this path has ${allowed} only`));
    });
  }
  app.notFound((c) => problem(c, new CellError('ROUTE_NOT_FOUND', 'no such path')));
  app.onError((error, c) => problem(c, error));
  return app;
}

function finish(c: RouteContext, {origins}: Tier): void {
  const {headers} = c.res;
  for (const [name, value] of Object.entries(c.get('answerHeaders'))) headers.set(name, value);
  for (const [name, value] of Object.entries(strictHeaders)) {
    if (!headers.has(name)) headers.set(name, value);
  }
  headers.set('X-Request-Id', c.get('requestId'));
  // Behind the edge it is the core's version that counts.
  if (!headers.has('CellState-Version')) headers.set('CellState-Version', wireVersion);
  allowOrigin(headers, c.req.header('origin') ?? null, origins);
}
