/** Asking a running server, with the key of the environment or that of the development machine. */
import {variables} from '../config.ts';
import type {Environment} from './command.ts';
import {knownDevSecrets} from './dev-secrets.ts';
import {CliError, exits} from './exit.ts';

/** A server that says nothing for so long is as good as none. */
const timeoutMs = 30_000;

/** Where the server is, and the key to call it with: the environment's, else this machine's own. */
export function serverOf(environment: Environment): {base: string; key: string | undefined} {
  const base = environment['CELLSTATE_API_URL'] ?? variables.CELLSTATE_API_URL.fallback;
  const key =
    environment['CELLSTATE_API_KEY'] ??
    (isHere(urlOf(base, '', {})) ? knownDevSecrets()?.key : undefined);
  return {base, key};
}

/** GETs a path under `/api/v1` and answers the body; throws what the command line tells. */
export async function getText(
  environment: Environment,
  path: string,
  query: Readonly<Record<string, string | undefined>> = {},
): Promise<string> {
  const {base, key} = serverOf(environment);
  const url = urlOf(base, path, query);
  const response = await ask(url, key);
  const text = await response.text();
  if (response.ok) return text;
  throw refusal(response, text, key === undefined);
}

function urlOf(
  base: string,
  path: string,
  query: Readonly<Record<string, string | undefined>>,
): URL {
  if (!URL.canParse(base))
    throw new CliError(exits.usage, `CELLSTATE_API_URL: ${base} is no URL`, {code: 'USAGE'});
  const url = new URL(`${base.replace(/\/+$/, '')}/api/v1${path}`);
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) url.searchParams.set(name, value);
  return url;
}

// The development key is this machine's: it is not shown to another.
const isHere = ({hostname}: URL): boolean => ['127.0.0.1', 'localhost', '[::1]'].includes(hostname);

async function ask(url: URL, key: string | undefined): Promise<Response> {
  try {
    return await fetch(url, {
      headers: key === undefined ? {} : {authorization: `Bearer ${key}`},
      signal: AbortSignal.timeout(timeoutMs),
      redirect: 'error',
    });
  } catch (cause) {
    const message = `${url.origin} does not answer: start it with \`cellstate serve\`, or set CELLSTATE_API_URL`;
    throw new CliError(exits.unreachable, message, {cause});
  }
}

function refusal(response: Response, text: string, hasNoKey: boolean): CliError {
  const problem = problemOf(text);
  const advice =
    response.status === 401
      ? hasNoKey
        ? '; set CELLSTATE_API_KEY'
        : '; CELLSTATE_API_KEY is not, or no longer, a key of this server'
      : '';
  const message = `${problem.message ?? `the server answered ${response.status}`}${advice}`;
  return new CliError(exits.refused, message, {code: problem.code ?? `HTTP_${response.status}`});
}

function problemOf(text: string): {message?: string; code?: string} {
  try {
    const {code, message} = JSON.parse(text) as {code?: string; message?: string};
    return {...(typeof code === 'string' && {code}), ...(typeof message === 'string' && {message})};
  } catch {
    // A proxy's page, not the product's problem document: the status says what there is to say.
    return {};
  }
}
