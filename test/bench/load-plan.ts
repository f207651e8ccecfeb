/** What the load generator is told to do, and what it tells. Plain data: it goes between processes. */
import type {Percentiles} from './stats.ts';

export type Target = {readonly key: string; readonly scopeId: string};

/**
 * turns: appends of `words` words, callers spread over the targets. reads: GETs, four of five of them
 * of the first fifth of the paths. pairs: each path by `url` and by `other`, in random order.
 */
export type Asking =
  | {readonly is: 'turns'; readonly targets: readonly Target[]; readonly words: number}
  | {readonly is: 'reads'; readonly key: string; readonly paths: readonly string[]}
  | {
      readonly is: 'pairs';
      readonly key: string;
      readonly paths: readonly string[];
      readonly other: string;
    };

export type Plan = {
  readonly url: string;
  readonly connections: number;
  readonly warmMs: number;
  readonly runMs: number;
  /** Ends after so many calls, if the time has not ended before. */
  readonly calls?: number;
  readonly seed: number;
  /** Headers besides, whole lines. */
  readonly headers?: string;
  readonly asking: Asking;
};

export type Load = {
  readonly count: number;
  readonly elapsedMs: number;
  readonly perSecond: number;
  readonly ms: Percentiles;
  /** The other address, of pairs. */
  readonly otherMs: Percentiles | null;
  /** Answers of no success; the first of them. */
  readonly refused: number;
  readonly complaint: string | null;
};
