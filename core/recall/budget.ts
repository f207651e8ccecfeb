/**
 * Which pieces of a context fit into its budget. Pure: counts go in, a choice comes out.
 *
 * Each segment of the prompt has a share, so that no section crowds out another; what a segment does
 * not use goes to the best of what is left, whatever section it is of. A piece is whole or out, but
 * for those that may be cut.
 */

export type SectionName = 'hierarchy' | 'artifacts' | 'evidence' | 'notes' | 'history';
type Segment = 'instructions' | 'evidence' | 'memory' | 'history';

type Section = {readonly segment: Segment; readonly isCuttable: boolean};

/** In the order in which they are filled. */
export const sections: Readonly<Record<SectionName, Section>> = {
  hierarchy: {segment: 'instructions', isCuttable: false},
  artifacts: {segment: 'evidence', isCuttable: true},
  evidence: {segment: 'evidence', isCuttable: false},
  notes: {segment: 'memory', isCuttable: true},
  history: {segment: 'history', isCuttable: false},
};

const shares: Readonly<Record<Segment, number>> = {
  instructions: 0.15,
  evidence: 0.15,
  memory: 0.2,
  history: 0.2,
};

/** The rest stays empty: counts of parts are close to the count of the whole, and no more. */
export const usableShare = 0.95;

/** Less than this of an item says nothing. */
export const leastCutTokens = 64;

/** One item as it would stand in the text. */
export type Piece = {
  readonly section: SectionName;
  readonly tokens: number;
  readonly score: number;
  /** A heading that it shares with others of its group, and what that costs. */
  readonly group: {readonly key: string; readonly tokens: number} | null;
};

export type Filled<P> = {
  readonly kept: readonly P[];
  /** A piece that is to be cut, and the tokens it may have; at most one for each section. */
  readonly cut: readonly {readonly piece: P; readonly tokens: number}[];
  readonly isTruncated: boolean;
};

type Wanted<P> = {
  /** By section, best first. */
  readonly pieces: readonly P[];
  readonly headings: Readonly<Record<SectionName, number>>;
  /** Tokens of what stands in the text in any case. */
  readonly fixedTokens: number;
  readonly budgetTokens: number;
};

/** Chooses. */
export function fill<P extends Piece>(of: Wanted<P>): Filled<P> {
  const {pieces, headings, budgetTokens} = of;
  let room = Math.floor(budgetTokens * usableShare) - of.fixedTokens;
  const opened = new Set<string>();
  const kept = new Set<P>();

  const overhead = ({section, group}: P): number =>
    (opened.has(section) ? 0 : headings[section]) +
    (group === null || opened.has(group.key) ? 0 : group.tokens);
  const take = (piece: P, tokens: number): void => {
    room -= tokens + overhead(piece);
    opened.add(piece.section);
    if (piece.group !== null) opened.add(piece.group.key);
  };

  const left = new Map<Segment, number>();
  for (const name of Object.keys(sections) as SectionName[]) {
    const {segment} = sections[name];
    for (const piece of pieces.filter(({section}) => section === name)) {
      const share = left.get(segment) ?? Math.floor(budgetTokens * shares[segment]);
      const cost = piece.tokens + overhead(piece);
      if (cost > Math.min(share, room)) continue;
      take(piece, piece.tokens);
      kept.add(piece);
      left.set(segment, share - cost);
    }
  }

  const rest = pieces.filter((piece) => !kept.has(piece)).toSorted((a, b) => b.score - a.score);
  for (const piece of rest) {
    if (piece.tokens + overhead(piece) > room) continue;
    take(piece, piece.tokens);
    kept.add(piece);
  }

  const cut: {piece: P; tokens: number}[] = [];
  for (const piece of rest) {
    const isCut = cut.some((one) => one.piece.section === piece.section);
    if (kept.has(piece) || isCut || !sections[piece.section].isCuttable) continue;
    const tokens = Math.min(piece.tokens, room - overhead(piece));
    if (tokens < leastCutTokens) continue;
    take(piece, tokens);
    cut.push({piece, tokens});
  }
  return {kept: [...kept], cut, isTruncated: kept.size < pieces.length};
}
