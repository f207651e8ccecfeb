/**
 * MCP over streamable HTTP, both eras, without sessions: `POST /mcp` and the card that tells of it.
 *
 * What is decided before a protocol is known (credential, rate, size) was decided by the binder of
 * routes; from here on answers are JSON-RPC's.
 */
import {
  createMcpHandler,
  isJsonContentType,
  type McpHttpHandler,
} from '@modelcontextprotocol/server';
import {LRUCache} from 'lru-cache';
import {CellError} from '../../../shared/errors.ts';
import {mcpPost, mcpServerCard} from '../../../shared/wire/mcp.ts';
import {parseBody} from '../../../shared/wire/request.ts';
import type {OpaqueRequest, OpaqueServing, Services, Serving} from '../../api/services.ts';
import type {Actor} from '../../domain/actor.ts';
import {createAsk} from './ask.ts';
import type {Failures} from './failure.ts';
import {createHostGuard, type HostOptions} from './hosts.ts';
import {createLedgerBus} from './ledger-bus.ts';
import {serverCard} from './server-card.ts';
import {authOf, buildServer} from './server.ts';

export type McpOptions = HostOptions &
  Failures & {
    readonly services: Services;
    readonly servings: readonly Serving[];
    /** Sets of tools where the URL names none. */
    readonly sets: readonly string[];
  };

const handlersMost = 1_024;
const subscriptionsMost = 64;
const keepAliveMs = 15_000;

/** A syntax error, as JSON-RPC spells it. */
const parseError = (message: string): Response =>
  Response.json({jsonrpc: '2.0', id: null, error: {code: -32_700, message}}, {status: 400});

/** Makes the servings of MCP's paths. */
export function mcpServings(of: McpOptions): OpaqueServing[] {
  const ask = createAsk(of.servings);
  const guard = createHostGuard(of);
  // One a caller: a handler's subscriptions know nothing of tenants.
  const handlers = new LRUCache<string, McpHttpHandler>({max: handlersMost});

  function handlerOf(actor: Actor): McpHttpHandler {
    const {tenantNo, by, agentId, onBehalfOf, scopes} = actor;
    const key = JSON.stringify([tenantNo, by, agentId, onBehalfOf, [...scopes].toSorted()]);
    const kept = handlers.get(key);
    if (kept !== undefined) return kept;
    const complain = (error: unknown): void => of.complain(error, 'none');
    const ended = (): void => {
      handlers.delete(key);
      made.close().catch(complain);
    };
    const made = createMcpHandler(buildServer, {
      legacy: 'stateless',
      bus: createLedgerBus({services: of.services, actor, ended, complain}),
      maxSubscriptions: subscriptionsMost,
      keepAliveMs,
      maxRequestBodySize: mcpPost.limitBytes,
    });
    handlers.set(key, made);
    return made;
  }

  async function post(asked: OpaqueRequest<{sets?: string | undefined}>): Promise<Response> {
    const {actor, call, input, request} = asked;
    const refused = guard(request);
    if (refused !== undefined) return refused;
    const handler = handlerOf(actor);
    // The handler refuses the media type in its own form before it looks at a body.
    if (!isJsonContentType(request.headers.get('content-type'))) {
      return handler.fetch(request, {parsedBody: {}});
    }
    const parsed = parse(asked.body);
    if (parsed instanceof Response) return parsed;
    // Each message of a batch counts as the request it is.
    for (const _ of Array.isArray(parsed) ? parsed.slice(1) : []) asked.admit();
    const sets = input.sets?.split(',').map((one) => one.trim()) ?? of.sets;
    const authInfo = authOf({actor, call, ask, failures: of, sets});
    return handler.fetch(request, {authInfo, parsedBody: parsed});
  }

  const card = async ({request}: OpaqueRequest): Promise<Response> =>
    serverCard(of.publicUrl ?? new URL(request.url).origin);

  return [
    {contract: mcpPost, respond: post},
    {contract: mcpServerCard, respond: card},
  ];
}

function parse(body: Uint8Array): unknown {
  if (body.length === 0) return parseError('Parse error: there is no body');
  try {
    return parseBody({contentType: 'application/json', body}, () => null);
  } catch (error) {
    if (!(error instanceof CellError)) throw error;
    return parseError(`Parse error: ${error.message}`);
  }
}
