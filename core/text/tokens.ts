/**
 * How many tokens a text is, for budgets: as `o200k_base` counts, the vocabulary of most models of
 * today, and close enough to the others.
 *
 * The counter is quadratic in a run without a space, so a text is counted in slices; a slice ends at
 * a space, where tokens end too, and counts of slices add up to the count of the whole. Its vocabulary
 * takes a quarter of a second to load and 80 MB to hold.
 */
import {countTokens as countOf} from 'gpt-tokenizer/encoding/o200k_base';

/** Counts are recorded under this name, since another tokenizer's cannot be compared with them. */
export const tokenizer = 'o200k_base';

const sliceCharacters = 2_048;
/** Longer runs without, or of nothing but, white space are cut where they are. */
const runCharacters = 128;

const longRun = new RegExp(`\\S{${runCharacters + 1},}|\\s{${runCharacters + 1},}`);
const runSlices = new RegExp(`\\S{1,${runCharacters}}|\\s{1,${runCharacters}}`, 'gu');

/** Without it, `<|endoftext|>` in somebody's text throws. */
const options = {disallowedSpecial: new Set<string>()};

/** Where the slice that begins at `from` ends: behind the last word that fits, before its space. */
function sliceEnd(text: string, from: number): number {
  const most = from + sliceCharacters;
  if (most >= text.length) return text.length;
  const space = text.lastIndexOf(' ', most);
  if (space > from) return space;
  // Never between the halves of a pair.
  return /[\uD800-\uDBFF]/.test(text[most - 1] ?? '') ? most - 1 : most;
}

function countSlice(slice: string): number {
  if (!longRun.test(slice)) return countOf(slice, options);
  let count = 0;
  for (const [run] of slice.matchAll(runSlices)) count += countOf(run, options);
  return count;
}

/** Counts the tokens of a text; 0 for the empty one. */
export function countTokens(text: string): number {
  let count = 0;
  for (let from = 0; from < text.length;) {
    const end = sliceEnd(text, from);
    count += countSlice(text.slice(from, end));
    from = end;
  }
  return count;
}
