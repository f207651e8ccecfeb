/**
 * Token buckets: one a tenant for authenticated requests, one a client address for the others.
 *
 * Buckets live in memory: a restart fills them, which lets a caller do nothing it could not do after
 * one quiet minute.
 */
import {LRUCache} from 'lru-cache';
import {tooManyRequests} from '../../shared/wire/receive.ts';

export type RateOptions = {
  readonly perMinute: number;
  readonly burst: number;
  readonly nowMs: () => number;
};

type Bucket = {tokens: number; atMs: number};

/** Addresses and tenants remembered at once; the least recently seen is forgotten first. */
const bucketLimitCount = 100_000;

/** Makes the function that takes one token of `key`; answers the rate headers or throws 429. */
export function createRateLimit({
  perMinute,
  burst,
  nowMs,
}: RateOptions): (key: string) => Record<string, string> {
  const buckets = new LRUCache<string, Bucket>({max: bucketLimitCount});
  const perMs = perMinute / 60_000;
  return (key) => {
    const now = nowMs();
    const bucket = buckets.get(key) ?? {tokens: burst, atMs: now};
    bucket.tokens = Math.min(burst, bucket.tokens + Math.max(0, now - bucket.atMs) * perMs);
    bucket.atMs = now;
    buckets.set(key, bucket);
    if (bucket.tokens < 1) {
      throw tooManyRequests(Math.max(1, Math.ceil((1 - bucket.tokens) / perMs / 1000)));
    }
    bucket.tokens -= 1;
    return {
      'X-RateLimit-Limit': String(perMinute),
      'X-RateLimit-Remaining': String(Math.floor(bucket.tokens)),
      'X-RateLimit-Reset': String(Math.ceil((burst - bucket.tokens) / perMs / 1000)),
    };
  };
}
