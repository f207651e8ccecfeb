/**
 * What the core said about keys lately: the one thing an edge remembers.
 *
 * It is kept under a hash of the key, in the Cache API of the data centre and before that in this
 * isolate, which saves most requests a look into the former. Losing it costs a question to the core.
 */
import {toHex} from '../shared/ledger/bytes.ts';
import type {Visit} from './visit.ts';

/** The core's answer to an introspection, and until when it may be repeated. */
export type Verdict = {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly answer: object;
  readonly untilMs: number;
};

/** The Cache API as Workers have it: this data centre's, and no other Worker's. */
declare const caches: {
  readonly default: {
    match(name: URL): Promise<Response | undefined>;
    put(name: URL, answer: Response): Promise<void>;
  };
};

/** An isolate has 128 MB for everything: when this many are known, all are forgotten. */
const knownCount = 1_000;
const known = new Map<string, Verdict>();

/** What is remembered of a key. */
export async function verdictOn(key: string, {environment}: Visit): Promise<Verdict | undefined> {
  const name = await nameOf(key, environment.CORE_URL);
  const near = known.get(name.href);
  if (near !== undefined && near.untilMs > Date.now()) return near;
  const kept = await caches.default.match(name);
  if (kept === undefined) return undefined;
  const verdict = (await kept.json()) as Verdict;
  return verdict.untilMs > Date.now() ? keepNear(name, verdict) : undefined;
}

/** Remembers a verdict until it ends; the request does not wait for it. */
export async function rememberVerdict(key: string, verdict: Verdict, visit: Visit): Promise<void> {
  const seconds = Math.floor((verdict.untilMs - Date.now()) / 1_000);
  if (seconds < 1) return;
  const name = await nameOf(key, visit.environment.CORE_URL);
  keepNear(name, verdict);
  const headers = {'Cache-Control': `max-age=${seconds}`};
  visit.execution.waitUntil(caches.default.put(name, Response.json(verdict, {headers})));
}

function keepNear(name: URL, verdict: Verdict): Verdict {
  if (known.size >= knownCount) known.clear();
  known.set(name.href, verdict);
  return verdict;
}

/** Names in the Cache API are URLs; this one is asked of nobody. */
async function nameOf(key: string, coreUrl: string): Promise<URL> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key));
  return new URL(`/introspection/${toHex(new Uint8Array(hash))}`, coreUrl);
}
