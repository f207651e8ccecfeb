/**
 * The edge: one Worker between the world and the core, with no state of its own.
 *
 * A request is refused here, with the core's own words and in the core's own order, for whatever
 * can be judged without asking: path, method, sizes, media type, form of the credential, syntax,
 * schema. The core believes none of it and checks again. Routes, sizes, schemas, refusals and their
 * order come from `shared/wire`, so the tiers cannot drift apart.
 */
import type {ExecutionContext} from 'hono';
import {contracts, protocolContracts} from '../shared/wire/all.ts';
import type {Contract} from '../shared/wire/contract.ts';
import {receive} from '../shared/wire/receive.ts';
import {openRoutes, type RouteContext} from '../shared/wire/route.ts';
import {authenticate} from './authenticate.ts';
import {freshId} from './fresh-id.ts';
import {proxy} from './proxy.ts';
import {admit} from './rate.ts';
import {visitOf, type Environment, type Visit} from './visit.ts';

async function serve(contract: Contract, c: RouteContext, visit: Visit): Promise<Response> {
  const {body} = await receive(contract, c.req, {
    authenticate: () => authenticate(contract, visit),
    admit: (caller) => admit(caller, visit),
  });
  return proxy(contract, visit, body);
}

/** One application a configuration: it is read off the contracts once and serves every request. */
let routes: ReturnType<typeof open> | undefined;

const open = (environment: Environment) =>
  openRoutes({
    contracts: [...contracts, ...protocolContracts],
    // What only an edge answers with 5xx is known in full from its code.
    isProduction: true,
    origins: environment.CORS_ORIGINS.split(',').map((origin) => origin.trim()),
    freshId,
    nowMs: Date.now,
    serve: (contract, c) => serve(contract, c, visitOf(c)),
    done(c, error) {
      const {colo, execution} = visitOf(c);
      c.res.headers.set('CellState-Edge', `${colo};dur=${Date.now() - c.get('startMs')}`);
      // A rejection that nobody handles is what the platform logs, with its stack.
      if (c.res.status === 500 && error !== null) execution.waitUntil(Promise.reject(error));
    },
  });

export default {
  fetch(
    request: Request,
    environment: Environment,
    execution: ExecutionContext,
  ): Promise<Response> {
    routes ??= open(environment);
    return Promise.resolve(routes.fetch(request, environment, execution));
  },
};
