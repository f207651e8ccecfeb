/**
 * How well an item answers a query: BM25 over its stems, and the dates that the query names.
 *
 * Scores are relative to the best of the pool, so the best hit always has 1 and a `min_score` of 0.5
 * keeps it and what comes near it.
 */
import type {Candidate} from '../store/recall.ts';
import {dateWeight, saturation} from './constants.ts';

/** How rare a term is among `docs` items of which `holding` have it. */
export const idf = (docs: number, holding: number): number =>
  Math.log(1 + (Math.max(docs, holding) - holding + 0.5) / (holding + 0.5));

/** What the number of a term's occurrences in a text is worth. */
export function saturated(count: number, length: number, meanLength: number): number {
  const {k1, b} = saturation;
  const relative = meanLength > 0 ? length / meanLength : 1;
  return (count * (k1 + 1)) / (count + k1 * (1 - b + b * relative));
}

export type Weights = {
  /** Rarity of the query's terms, and of the dates it names. */
  readonly terms: ReadonlyMap<number, number>;
  readonly dates: ReadonlyMap<number, number>;
  readonly meanLength: number;
};

/** The score of one item before it is compared with the best. */
export function baseOf({terms, length}: Pick<Candidate, 'terms' | 'length'>, of: Weights): number {
  const counts = new Map<number, number>();
  for (let at = 0; at < length; at += 1) {
    const term = terms[at];
    if (term !== undefined && of.terms.has(term)) counts.set(term, (counts.get(term) ?? 0) + 1);
  }
  let base = 0;
  // In the order of the query, so that the sum is the same to the last bit.
  for (const [term, rarity] of of.terms) {
    const count = counts.get(term) ?? 0;
    if (count > 0) base += rarity * saturated(count, length, of.meanLength);
  }
  const dates = terms.slice(length);
  for (const [term, rarity] of of.dates) if (dates.includes(term)) base += dateWeight * rarity;
  return base;
}

export type Scored = {readonly candidate: Candidate; readonly score: number};

/** The order of every answer: score, trust and validity falling, then id. */
export const byScore = (a: Scored, b: Scored): number =>
  b.score - a.score ||
  b.candidate.trust - a.candidate.trust ||
  b.candidate.validFrom - a.candidate.validFrom ||
  (a.candidate.id < b.candidate.id ? -1 : Number(a.candidate.id > b.candidate.id));

/** Scores a pool, best first. */
export function scorePool(pool: readonly Candidate[], weights: Weights): Scored[] {
  const bases = pool.map((candidate) => ({candidate, base: baseOf(candidate, weights)}));
  const best = Math.max(0, ...bases.map(({base}) => base));
  return bases
    .map(({candidate, base}) => ({candidate, score: best > 0 ? base / best : 0}))
    .toSorted(byScore);
}
