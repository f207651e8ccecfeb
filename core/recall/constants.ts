/** The numbers of recall, all of them; chosen on the development conversations of the benchmark. */

/** BM25: how fast repetition stops counting, and how much a long text is worth less. */
export const saturation = {k1: 0.9, b: 0.3} as const;

/** What a term of the date adds, in multiples of its rarity. */
export const dateWeight = 1.5;

/** Items that are scored. */
export const candidateCount = 200;
/** Results of a ranked answer, whatever its `limit` says. */
export const rankedMost = 300;
/** Results of an answer without words, and how far `total` counts. */
export const listedMost = 1_000;

/** Distinct terms of a query that count, the rarest first. */
export const queryTermCount = 32;
/** Of these, the terms that order the candidates. */
export const weighedTermCount = 16;

/** A term selects candidates while it is in at most so many items, or in this share of them. */
export const selective = {items: 1_000, share: 0.05, least: 3} as const;

/** Terms are counted up to here; what is more common counts as being in half of all items. */
export const countedMost = 2_000;

/** Of the candidates, the share that may have lost their content before the question is asked anew. */
export const goneShare = 0.1;

/** Characters of a result's passage. */
export const snippetCharacters = 1_000;

/** Characters of a text that are read as a query. */
export const queryCharacters = 2_000;

/** Trajectories of a tree whose turns are looked through. */
export const treeMost = 500;
