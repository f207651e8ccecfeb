/**
 * The lexical leg: from the words of a query to a scored pool.
 *
 * Terms are joined by OR; only rare ones select, so that a common word costs no walk over the tenant's
 * items, and all of them rank. What a pool has lost to the ends of its containers is judged after the
 * best were taken; when that is much, the question is asked again with the containers in it.
 */
import type {TenantNo} from '../../shared/ids.ts';
import {
  selectCandidates,
  selectFrequencies,
  type Asked,
  type Candidate,
  type RecallFilter,
} from '../store/recall.ts';
import type {Query} from '../store/store.ts';
import {analyze} from '../text/analyze.ts';
import {dateTermsOf, termOf} from '../text/terms.ts';
import {
  candidateCount,
  countedMost,
  goneShare,
  queryTermCount,
  selective,
  weighedTermCount,
} from './constants.ts';
import {idf, scorePool, type Scored, type Weights} from './score.ts';

/** A query as the index understands it, with how common its terms are. */
export type Terms = Weights & {
  /** Rarest first. */
  readonly ranked: readonly {readonly term: number; readonly holding: number}[];
  readonly docs: number;
};

/** Reads a query; null for one without terms, which nothing can be found by. */
export async function termsOf(q: Query, tenant: TenantNo, query: string): Promise<Terms | null> {
  const stems = analyze(query);
  const asked = [...new Set(stems.map(termOf))];
  if (asked.length === 0) return null;
  const dated = dateTermsOf(stems);
  const {docs, totalLength, counts} = await selectFrequencies(
    q,
    tenant,
    [...asked, ...dated],
    countedMost,
  );
  const holdingOf = (at: number): number => {
    const counted = counts[at] ?? 0;
    return counted < countedMost ? counted : Math.max(counted, Math.ceil(docs / 2));
  };
  const ranked = asked
    .map((term, at) => ({term, holding: holdingOf(at), at}))
    .toSorted((a, b) => a.holding - b.holding || a.at - b.at)
    .slice(0, queryTermCount);
  const dates = dated.map((term, at) => [term, idf(docs, holdingOf(asked.length + at))] as const);
  return {
    ranked,
    docs,
    terms: new Map(ranked.map(({term, holding}) => [term, idf(docs, holding)])),
    dates: new Map(dates),
    meanLength: docs > 0 ? totalLength / docs : 0,
  };
}

/** What is asked of the index for these terms. A word that nothing holds now may have been held. */
export function askedOf(of: Terms, isPast: boolean): Pick<Asked, 'select' | 'terms' | 'weights'> {
  const present = of.ranked.filter(({holding}) => isPast || holding > 0);
  const most = Math.max(selective.items, selective.share * of.docs);
  const rare = present.filter(({holding}) => holding <= most);
  const select = rare.length < selective.least ? present.slice(0, selective.least) : rare;
  const weighed = present.slice(0, weighedTermCount);
  return {
    select: select.map(({term}) => term),
    terms: weighed.map(({term}) => term),
    weights: weighed.map(({term}) => of.terms.get(term) ?? 0),
  };
}

/** Finds and scores the items that answer a query, best first. */
export async function lexicalPool(
  q: Query,
  tenant: TenantNo,
  terms: Terms,
  filter: RecallFilter,
  limit = candidateCount,
): Promise<Scored[]> {
  const asked = {...askedOf(terms, filter.leaf !== null), filter, limit};
  if (asked.select.length === 0) return [];
  const isShown = ({isThere, isRewound}: Candidate): boolean =>
    isThere && (filter.superseded || !isRewound);
  let found = await selectCandidates(q, tenant, {...asked, within: false});
  const goneCount = found.filter((one) => !isShown(one)).length;
  // A pool that was not full has no others behind it.
  if (goneCount > goneShare * found.length && found.length === limit) {
    found = await selectCandidates(q, tenant, {...asked, within: true});
  }
  return scorePool(found.filter(isShown), terms);
}
