/**
 * From a text to the stems by which it is found.
 *
 * What is written and what is asked go through the same function, so they meet whatever the case, the
 * width of the letters or the ending of the word. It is pure and depends on no locale: the same text
 * has the same stems on every machine, or an index could not be rebuilt beside another.
 */
import {LRUCache} from 'lru-cache';
// @ts-expect-error the package brings no types; it is one function from a word to its stem
import untypedStem from 'wink-porter2-stemmer';
import {stopWords} from './stop-words.ts';

/** `en1`: English stop words and Porter2 stems. `simple`: words as they are. */
export type Analyzer = 'en1' | 'simple';

/** How an index row names its analyzer. */
export const analyzerNumber: Readonly<Record<Analyzer, number>> = {en1: 1, simple: 2};

const porter2 = untypedStem as (word: string) => string;

/** Terms of one item that are indexed: a book is found by its beginning. */
export const termLimit = 20_000;
/** Letters of a word that count: identifiers and base64 would make the stemmer slow. */
const wordCharacters = 64;
const stemCacheCount = 50_000;

/** Contractions and possessives: what is left of them is the word. */
const clitics = /['’](?:s|t|re|ve|ll|d|m)\b/gu;
const words = /[\p{L}\p{N}]+/gu;
/** Scripts that write no spaces between words: pairs of characters stand in for words. */
const dense =
  '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Hangul}\\p{Script=Thai}';
const hasDense = new RegExp(`[${dense}]`, 'u');
const runs = new RegExp(`[${dense}]+|[^${dense}]+`, 'gu');

const stems = new LRUCache<string, string>({max: stemCacheCount});

const digit = /\p{N}/u;

/**
 * Porter2's stem of a word in lower case. A word with a digit is nobody's inflection, and the package
 * marks letters with a `3` while it works: it would turn 2023 into `202i`.
 */
export function stemOf(word: string): string {
  if (digit.test(word)) return word;
  const known = stems.get(word);
  if (known !== undefined) return known;
  const stem = porter2(word);
  stems.set(word, stem);
  return stem;
}

function cut(word: string): string {
  return word.length <= wordCharacters ? word : Array.from(word).slice(0, wordCharacters).join('');
}

/** Overlapping pairs of a run without spaces; a single character is its own. */
function* pairsOf(run: string): Iterable<string> {
  const characters = Array.from(run);
  if (characters.length === 1) yield run;
  for (let at = 0; at + 1 < characters.length; at += 1) {
    yield `${characters[at]}${characters[at + 1]}`;
  }
}

function* stemsOfWord(word: string, analyzer: Analyzer): Iterable<string> {
  if (hasDense.test(word)) {
    for (const [run] of word.matchAll(runs)) {
      if (hasDense.test(run)) yield* pairsOf(run);
      else yield* stemsOfWord(run, analyzer);
    }
    return;
  }
  if (analyzer === 'simple') yield cut(word);
  else if (!stopWords.has(word)) yield stemOf(cut(word));
}

/** The stems of a text, in its order, at most `limit` of them. */
export function analyze(text: string, analyzer: Analyzer = 'en1', limit = termLimit): string[] {
  const plain = text.normalize('NFKC').toLowerCase().replaceAll(clitics, '');
  const found: string[] = [];
  for (const [word] of plain.matchAll(words)) {
    for (const stem of stemsOfWord(word, analyzer)) {
      if (found.length === limit) return found;
      found.push(stem);
    }
  }
  return found;
}
