/** The name of a result and the passage of it that is shown. Plain text; nothing is marked in it. */
import type {SearchKind} from '../text/index-row.ts';
import {analyze} from '../text/analyze.ts';
import {termOf} from '../text/terms.ts';
import {turnRole} from '../../shared/wire/enums.ts';
import {snippetCharacters} from './constants.ts';

type State = Readonly<Record<string, unknown>>;

/** Characters of a content that are looked through for the best passage. */
const searchedCharacters = 200_000;

/** What a result is called. */
export function nameOf(kind: SearchKind, state: State): string {
  if (kind === 'note') return String(state['title']);
  if (kind === 'artifact') return String(state['name']);
  return `${String(turnRole.print?.(state['role'] as 'user'))} #${String(state['sequence'])}`;
}

type Hit = {readonly at: number; readonly end: number; readonly term: number};

function hitsOf(content: string, terms: ReadonlySet<number>): Hit[] {
  const hits: Hit[] = [];
  for (const {0: word, index} of content.slice(0, searchedCharacters).matchAll(/[\p{L}\p{N}]+/gu)) {
    const term = analyze(word)
      .map(termOf)
      .find((one) => terms.has(one));
    if (term !== undefined) hits.push({at: index, end: index + word.length, term});
  }
  return hits;
}

/** Where the passage begins that holds most distinct terms; the first of equals. */
function bestStart(hits: readonly Hit[]): number {
  let best = {start: 0, count: 0};
  const counts = new Map<number, number>();
  let last = 0;
  for (const first of hits) {
    while (last < hits.length) {
      const next = hits[last];
      if (next === undefined || next.end - first.at > snippetCharacters) break;
      counts.set(next.term, (counts.get(next.term) ?? 0) + 1);
      last += 1;
    }
    if (counts.size > best.count) best = {start: first.at, count: counts.size};
    const left = (counts.get(first.term) ?? 1) - 1;
    if (left === 0) counts.delete(first.term);
    else counts.set(first.term, left);
  }
  return best.start;
}

/** The whole content where it is short, else whole words around the most terms of the query. */
export function snippetOf(content: string, terms: ReadonlySet<number>): string {
  if (content.length <= snippetCharacters) return content;
  const start = bestStart(hitsOf(content, terms));
  const cut = content.slice(start, start + snippetCharacters);
  if (start + snippetCharacters >= content.length) return cut;
  const space = cut.search(/\s\S*$/u);
  // Never half of a pair, where there is no space to end at.
  return space > 0 ? cut.slice(0, space) : cut.replace(/[\uD800-\uDBFF]$/, '');
}
