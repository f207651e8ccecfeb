/**
 * The TypeScript SDK: one generic call over every contract.
 *
 * `client.trajectories.create(input)` is made of the contract `trajectories_create`; an operation
 * that is added to the contracts needs no line here. Wire shapes go in and come out. Nothing here is
 * of a particular runtime, so it runs in Bun, Node, browsers, Workers and Deno.
 */
import {contracts} from '../wire/all.ts';
import {placeOf, type Contract} from '../wire/contract.ts';
import {CellstateError, refusalOf} from './errors.ts';
import {
  placeOfId,
  type Answer,
  type CallOptions,
  type Input,
  type Operations,
  type Reply,
} from './types.ts';

export type ClientOptions = {
  readonly apiKey: string;
  readonly baseUrl: string;
  readonly tenantId?: string | undefined;
  /** How long one attempt may take. */
  readonly timeoutMs?: number | undefined;
  /** Further attempts after one that got no answer, or one that may be repeated. */
  readonly retries?: number | undefined;
  readonly fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined;
};

const defaultTimeoutMs = 30_000;
const defaultRetries = 2;
const firstPauseMs = 200;
const longestPauseMs = 30_000;

export type Client = Operations & {
  /** Sends a request of any contract and answers its body. */
  call<I, O>(of: Contract<I, O>, input?: Input<I>, options?: CallOptions): Promise<O>;
  /** The same with status and headers: where the event is, and whether it was a replay. */
  send<I, O>(of: Contract<I, O>, input?: Input<I>, options?: CallOptions): Promise<Reply<O>>;
};

type Sent = Readonly<Record<string, unknown>>;

/** Makes a client. Nothing is sent before the first call. */
export function createClient(options: ClientOptions): Client {
  const send = async <O>(of: Contract, input: Sent, call: CallOptions): Promise<Reply<O>> => {
    const request = requestOf(options, of, input, call);
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await attemptOf<O>(options, request, call.signal);
      } catch (error) {
        // A write always has an idempotency key, so no repetition changes anything twice. A lock that
        // somebody else holds is an answer to its caller, not an accident of the way.
        const isWorth = error instanceof CellstateError && error.retryable && error.status !== 409;
        if (!isWorth || attempt >= (options.retries ?? defaultRetries)) throw error;
        await pause(pauseMs(error, attempt), call.signal);
      }
    }
  };
  const groups: Record<string, Record<string, unknown>> = {};
  // A stream is no request with an answer.
  for (const of of contracts.filter(({produces}) => produces !== 'text/event-stream')) {
    const [group, verb] = placeOfId(of.id);
    groups[group] ??= {};
    groups[group][verb] = (input: Sent = {}, call: CallOptions = {}) =>
      answerOf(async (more: Sent) => (await send(of, {...input, ...more}, call)).body);
  }
  return {
    ...(groups as unknown as Operations),
    send: (of, input = {}, call = {}) => send(of as Contract, input, call),
    call: async (of, input = {}, call = {}) =>
      (await send(of as Contract, input, call)).body as never,
  };
}

type Wanted = {readonly url: string; readonly init: RequestInit};

function requestOf(options: ClientOptions, of: Contract, input: Sent, call: CallOptions): Wanted {
  const stated = Object.entries(input).filter(([, value]) => value !== undefined);
  const sent = (place: string) => stated.filter(([member]) => placeOf(of, member) === place);
  const path = of.path.replaceAll(/\{([a-z_]+)\}/g, (_, member: string) => {
    const value = input[member];
    if (typeof value === 'string' && value !== '') return encodeURIComponent(value);
    throw new TypeError(`${of.id}: ${member} is required and not stated`);
  });
  const query = new URLSearchParams();
  for (const [member, value] of sent('query')) {
    for (const one of Array.isArray(value) ? value : [value]) query.append(member, String(one));
  }
  const body = of.bodyMember === null ? Object.fromEntries(sent('body')) : input[of.bodyMember];
  const hasBody = of.method !== 'GET' && (of.bodyMember !== null || sent('body').length > 0);
  const headers: Record<string, string> = {
    Accept: 'application/json',
    Authorization: `Bearer ${options.apiKey}`,
    ...(options.tenantId === undefined ? {} : {'X-Tenant-ID': options.tenantId}),
    ...(hasBody ? {'Content-Type': 'application/json'} : {}),
    ...(of.method === 'GET' ? {} : {'Idempotency-Key': call.idempotencyKey ?? crypto.randomUUID()}),
    ...(call.ifMatch === undefined ? {} : {'If-Match': `"${call.ifMatch}"`}),
    ...(call.agentId === undefined ? {} : {'X-Agent-ID': call.agentId}),
    ...(call.receipt === true ? {Prefer: 'receipt'} : {}),
  };
  const place = path.startsWith('//') ? path.slice(1) : `/api/v1${path}`;
  const search = query.size === 0 ? '' : `?${query.toString()}`;
  return {
    url: `${options.baseUrl.replace(/\/+$/, '')}${place}${search}`,
    init: {
      method: of.method,
      headers,
      redirect: 'error',
      ...(hasBody ? {body: JSON.stringify(body)} : {}),
    },
  };
}

async function attemptOf<O>(
  {fetch: ask = fetch, timeoutMs = defaultTimeoutMs}: ClientOptions,
  {url, init}: Wanted,
  signal: AbortSignal | undefined,
): Promise<Reply<O>> {
  const late = AbortSignal.timeout(timeoutMs);
  try {
    const bounded = signal === undefined ? late : AbortSignal.any([signal, late]);
    const response = await ask(url, {...init, signal: bounded});
    const {headers, status} = response;
    const text = await response.text();
    if (!response.ok) throw refusalOf(status, text, headers);
    const isJson = /^application\/(?:[^;]*\+)?json/.test(headers.get('content-type') ?? '');
    return {status, headers, body: (text === '' ? null : isJson ? JSON.parse(text) : text) as O};
  } catch (cause) {
    if (cause instanceof CellstateError) throw cause;
    signal?.throwIfAborted();
    const why = late.aborted ? `nothing within ${timeoutMs} ms` : messageOf(cause);
    const problem = {code: 'UNREACHABLE', message: `${new URL(url).origin} gave no answer: ${why}`};
    throw new CellstateError(0, {...problem, retryable: true}, null, cause);
  }
}

const messageOf = (cause: unknown): string =>
  cause instanceof Error ? cause.message : String(cause);

/** As long as the server asks for, else twice as long each time; up to half again, so that callers spread. */
function pauseMs({retryAfterSeconds}: CellstateError, attempt: number): number {
  const least = Math.min(
    longestPauseMs,
    (retryAfterSeconds ?? 0) * 1_000 || firstPauseMs * 2 ** attempt,
  );
  return least * (1 + Math.random() / 2);
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, {once: true});
  });
}

type Page = Readonly<Record<string, unknown>>;

/** A promise of the first page that is also a walk over the items of all. */
function answerOf<O>(ask: (more: Sent) => Promise<unknown>): Answer<O> {
  const first = ask({});
  async function* items(): AsyncGenerator<Page> {
    for (let page = (await first) as Page; ;) {
      const list = Array.isArray(page) ? page : Object.values(page).find(Array.isArray);
      if (list === undefined) throw new TypeError('the answer is no list');
      yield* list as Page[];
      const cursor = page['next_cursor'] ?? null;
      if (cursor === null) return;
      page = (await ask({cursor, offset: undefined})) as Page;
    }
  }
  return Object.assign(first as Promise<O>, {[Symbol.asyncIterator]: items});
}
