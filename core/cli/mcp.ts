/**
 * `cellstate mcp`: MCP over stdin and stdout, for clients that start a server rather than call one.
 *
 * Each line goes to the server's `/mcp` as it is, and each answer comes back as a line. Nothing but
 * protocol is written to stdout.
 */
import {createInterface} from 'node:readline';
import type {Environment, Register} from './command.ts';
import {exits} from './exit.ts';
import {serverOf} from './http.ts';
import {line, type Terminal} from './terminal.ts';

type Message = {
  readonly id?: string | number | null;
  readonly method?: string;
  readonly params?: {
    readonly name?: string;
    readonly uri?: string;
    readonly _meta?: Readonly<Record<string, unknown>>;
  };
  readonly result?: {readonly protocolVersion?: string};
};

const versionKey = 'io.modelcontextprotocol/protocolVersion';
const internalError = -32_603;

export const registerMcp: Register = (program, {environment, exit, terminal}) => {
  program
    .command('mcp')
    .description('speak MCP on stdin and stdout, for the server at CELLSTATE_API_URL')
    .option('--sets <sets>', 'sets of tools, parted by commas; the server knows the usual ones')
    .action(async ({sets}: {readonly sets?: string}) => {
      const lines = createInterface({input: process.stdin, crlfDelay: Infinity});
      await forward(lines, environment, sets, terminal);
      exit(exits.ok);
    });
};

/** Forwards every line until the input ends and all is answered. */
async function forward(
  lines: AsyncIterable<string>,
  environment: Environment,
  sets: string | undefined,
  terminal: Terminal,
): Promise<void> {
  const {base, key} = serverOf(environment);
  const url = new URL(`${base.replace(/\/+$/, '')}/mcp`);
  if (sets !== undefined) url.searchParams.set('sets', sets);
  const open = new Set<Promise<void>>();
  // What the older protocol's handshake agreed on, which every later request names.
  let agreed: string | undefined;
  const answer = (text: string): void => {
    agreed ??= (JSON.parse(text) as Message).result?.protocolVersion;
    line(terminal, text);
  };

  for await (const text of lines) {
    if (text.trim() === '') continue;
    const message = parsed(text);
    const headers = {
      ...headersOf(message, agreed),
      ...(key ? {authorization: `Bearer ${key}`} : {}),
    };
    const one = post(url, headers, text, message.id ?? null, answer).finally(() =>
      open.delete(one),
    );
    open.add(one);
  }
  await Promise.all(open);
}

/** Nothing of a line that is no JSON: the server says what is wrong with it. */
function parsed(text: string): Message {
  try {
    return (JSON.parse(text) as Message | null) ?? {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

/** What streamable HTTP wants to see of a message before it reads it. */
function headersOf({method, params}: Message, agreed: string | undefined): Record<string, string> {
  const version = params?._meta?.[versionKey] ?? agreed;
  const name = params?.name ?? params?.uri;
  return {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...(typeof version === 'string' ? {'mcp-protocol-version': version} : {}),
    ...(method === undefined ? {} : {'mcp-method': method}),
    ...(name === undefined ? {} : {'mcp-name': name}),
  };
}

async function post(
  url: URL,
  headers: Record<string, string>,
  body: string,
  id: string | number | null,
  answer: (text: string) => void,
): Promise<void> {
  const say = (message: string, data?: unknown): void =>
    answer(JSON.stringify({jsonrpc: '2.0', id, error: {code: internalError, message, data}}));
  try {
    const response = await fetch(url, {method: 'POST', headers, body, redirect: 'error'});
    const type = response.headers.get('content-type') ?? '';
    if (type.startsWith('text/event-stream')) return await eachMessage(response, answer);
    const text = await response.text();
    if (text === '') return;
    const told = JSON.parse(text) as Record<string, unknown>;
    if ('jsonrpc' in told || Array.isArray(told)) answer(JSON.stringify(told));
    else
      say(
        String((told['message'] ?? told['error_description'] ?? response.statusText) as string),
        told,
      );
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'for no known reason';
    say(`${url.origin} did not answer: ${why}`);
  }
}

/** The messages of a stream of server-sent events, as they come. */
async function eachMessage(response: Response, answer: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    const lines = (rest + decoder.decode(chunk, {stream: true})).split('\n');
    rest = lines.pop() ?? '';
    for (const one of lines) {
      const data = /^data: ?(.+)$/.exec(one.trimEnd())?.[1];
      if (data !== undefined) answer(data);
    }
  }
}
