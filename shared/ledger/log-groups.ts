/**
 * Groups: the events of one unit stand side by side, numbered, all or none.
 */
import type {Header} from './header.ts';
import {invalid} from './log-record.ts';
import type {Fault} from './log-record.ts';

/** Follows the groups of a log. */
export type Groups = {
  readonly add: (leaf: number, header: Header) => Fault | null;
  /** The fault of a log, or of a shard, that ends here. */
  readonly end: (leaf: number) => Fault | null;
};

/** Begins between two groups. */
export function createGroups(): Groups {
  let nextIndex = 0;
  let count = 0;
  return {
    add: (leaf, {grp: [index, groupCount]}) => {
      const isNext = index === nextIndex && (index === 0 || groupCount === count);
      if (!isNext) {
        const expected = nextIndex === 0 ? '[0, …]' : `[${nextIndex}, ${count}]`;
        return invalid(leaf, 'group', expected, `[${index}, ${groupCount}]`);
      }
      count = groupCount;
      nextIndex = index + 1 === groupCount ? 0 : index + 1;
      return null;
    },
    end: (leaf) =>
      nextIndex === 0 ? null : invalid(leaf, 'group', `[${nextIndex}, ${count}]`, 'the end'),
  };
}
