/** A real MCP client over a real socket, of either era of the protocol. */
import {
  Client,
  StreamableHTTPClientTransport,
  type CallToolResult,
} from '@modelcontextprotocol/client';
import type {TestApp} from './test-app.ts';

export const eras = ['2025-11-25', '2026-07-28'] as const;
export type Era = (typeof eras)[number];

export type Listening = {readonly url: string; stop(): Promise<void>};

/** Listens for a core on a port of its own. */
export function listen({app}: TestApp): Listening {
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    fetch: (request, bun) => app.http.fetch(request, bun),
  });
  return {url: `http://127.0.0.1:${server.port}`, stop: () => server.stop(true)};
}

type Wanted = {
  readonly url: string;
  readonly key: string;
  readonly era?: Era;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
};

/** Connects. The caller closes it. */
export async function connect({
  url,
  key,
  era = '2026-07-28',
  query = '',
  headers = {},
}: Wanted): Promise<Client> {
  const mode = era === '2025-11-25' ? 'legacy' : {pin: era};
  const client = new Client({name: 'test', version: '1'}, {versionNegotiation: {mode}});
  const requestInit = {headers: {authorization: `Bearer ${key}`, ...headers}};
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${url}/mcp${query}`), {requestInit}),
  );
  return client;
}

export type Members = Record<string, unknown>;

/** The structured content of a call that must have worked. */
export async function did(
  client: Client,
  name: string,
  stated: Members = {},
  meta: Members = {},
): Promise<Members> {
  const result = (await client.callTool({name, arguments: stated, _meta: meta})) as CallToolResult;
  if (result.isError === true) throw new Error(`${name}: ${JSON.stringify(result.content)}`);
  return result.structuredContent as Members;
}

export type Refused = {
  readonly problem: Members;
  readonly receipt: Members | undefined;
  readonly result: CallToolResult;
};

/** What a call that must have been refused says. */
export async function refusedBy(
  client: Client,
  name: string,
  stated: Members = {},
  meta: Members = {},
): Promise<Refused> {
  const result = (await client.callTool({name, arguments: stated, _meta: meta})) as CallToolResult;
  if (result.isError !== true)
    throw new Error(`${name} was not refused: ${JSON.stringify(stated)}`);
  const problem = result._meta?.['dev.cellstate/error'] as Members;
  return {problem, receipt: result._meta?.['dev.cellstate/receipt'] as Members | undefined, result};
}

/** A member of an object in an answer. */
export const within = (of: Members, name: string): Members => of[name] as Members;
