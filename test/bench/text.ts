/**
 * Text for the benchmarks: words that nobody wrote, as often as words are.
 *
 * 20 000 pseudo-words under Zipf's law (s = 1.1) in sentences of 8 to 20 words. A seed gives the same
 * bytes on every machine, and no licence stands over them.
 */
import {seeded} from './stats.ts';

const wordCount = 20_000;
const zipfExponent = 1.1;
const sentenceWords = {least: 8, most: 20} as const;

const onsets = 'b br c ch d dr f g gr h j k l m n p pl r s st t tr v w'.split(' ');
const vowels = 'a e i o u ai ea ou'.split(' ');
const codas = ['', '', 'n', 'r', 's', 't', 'l', 'm', 'nd', 'ck'];

/** Word number `rank`: short ones first, all of them distinct. */
function wordsOf(random: () => number): readonly string[] {
  const pick = (from: readonly string[]): string => from[Math.floor(random() * from.length)] ?? '';
  const words = new Set<string>();
  while (words.size < wordCount) {
    const syllables = 1 + Math.floor((3 * words.size) / wordCount + random());
    let word = '';
    for (let at = 0; at < syllables; at += 1) word += pick(onsets) + pick(vowels) + pick(codas);
    words.add(word);
  }
  return [...words];
}

/** Sums of the weights 1/rank^s up to each rank, to be searched. */
function sumsOf(): Float64Array {
  const sums = new Float64Array(wordCount);
  let sum = 0;
  for (let rank = 1; rank <= wordCount; rank += 1) {
    sum += rank ** -zipfExponent;
    sums[rank - 1] = sum;
  }
  return sums;
}

/** Makes a source of texts; each call goes on where the one before ended. */
export function textSource(seed: number): (words: number) => string {
  // The vocabulary is one for all seeds: what differs is what is said with it.
  const vocabulary = wordsOf(seeded(1));
  const sums = sumsOf();
  const random = seeded(seed);
  const total = sums.at(-1) ?? 1;

  function word(): string {
    const wanted = random() * total;
    let [low, high] = [0, wordCount - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] ?? 0) < wanted) low = middle + 1;
      else high = middle;
    }
    return vocabulary[low] ?? '';
  }

  return (words) => {
    let text = '';
    let left = 0;
    for (let at = 0; at < words; at += 1) {
      const isFirst = left === 0;
      if (isFirst) {
        const {least, most} = sentenceWords;
        left = least + Math.floor(random() * (most - least + 1));
      }
      const next = word();
      left -= 1;
      const isLast = left === 0 || at === words - 1;
      const shown = isFirst ? `${next.charAt(0).toUpperCase()}${next.slice(1)}` : next;
      text += `${at === 0 ? '' : ' '}${shown}${isLast ? '.' : ''}`;
    }
    return text;
  };
}

/** Texts of so many words each, made once and sent in turn. */
export function texts(seed: number, count: number, words: number): readonly string[] {
  const next = textSource(seed);
  return Array.from({length: count}, () => next(words));
}

/** A text cut to exactly so many bytes of ASCII. */
export function textOfBytes(next: (words: number) => string, bytes: number): string {
  return next(Math.ceil(bytes / 3)).slice(0, bytes);
}
