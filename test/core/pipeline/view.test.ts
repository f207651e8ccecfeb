import fc from 'fast-check';
import {expect, test} from 'vitest';
import type {Ranges} from '../../../core/domain/aggregate.ts';
import {mergeRanges, withoutRanges} from '../../../core/pipeline/view.ts';

const leaves = fc.uniqueArray(fc.nat(40), {maxLength: 25});
const listed = (ranges: Ranges): number[] =>
  ranges
    .flatMap(([from, to]) => Array.from({length: to - from + 1}, (_, index) => from + index))
    .toSorted((a, b) => a - b);

test('ranges without others hold every leaf of the one that is not in the other', () => {
  fc.assert(
    fc.property(leaves, leaves, (from, out) => {
      const left = withoutRanges(mergeRanges([], from), mergeRanges([], out));
      const wanted = from.filter((leaf) => !out.includes(leaf)).toSorted((a, b) => a - b);
      expect(listed(left)).toEqual(wanted);
    }),
    {seed: 4, numRuns: 300},
  );
});
