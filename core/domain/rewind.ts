/**
 * The rewind of a scope: every turn from a sequence on is superseded by one event on the scope.
 *
 * The scope keeps the ranges and the turns keep their version, so whether a turn is superseded is a
 * read rule. How many turns and tokens are left is counted outside, by the use case, from the rows:
 * a scope may hold more turns than a command may see. `seen` says what the count was made on.
 */
import type {Id} from '../../shared/ids.ts';
import {conflict, type Refusal} from './aggregate.ts';

export type Rewind = {
  type: 'scope.rewind';
  id: Id;
  fromSequence: number;
  /** Turns before `fromSequence` that are not rewound, and their tokens. */
  kept: {readonly turns: number; readonly tokens: number};
  seen: {readonly version: number; readonly lastSequence: number};
};

export type Rewound = {
  fromSequence: number;
  /** Below `fromSequence` where there was nothing to take back. */
  toSequence: number;
  superseded: number;
  /** What the scope holds afterwards. */
  tokensUsed: number;
};

/** Inclusive, ascending. */
type Sequences = readonly (readonly [from: number, to: number])[];

/** What a rewind looks at of a scope. */
type Rewindable = {
  readonly isActive: boolean;
  readonly lastSequence: number;
  readonly turnCount: number;
  readonly rewoundCount: number;
  readonly rewound: Sequences;
  readonly tokensUsed: number;
};

/** Ranges a scope may keep; each rewind that leaves a gap before it adds one. */
export const rewoundRangesMost = 1_000;

/** Adds a rewind, which always reaches to the last sequence, to the ranges before it. */
export function mergeRewound(ranges: Sequences, from: number, to: number): Sequences {
  if (to < from) return ranges;
  const before = ranges.filter((range) => range[0] < from);
  const last = before.at(-1);
  if (last === undefined || last[1] + 1 < from) return [...before, [from, to]];
  return [...before.slice(0, -1), [last[0], to]];
}

/** Whether a turn of a scope was taken back. */
export const isRewound = (scope: {readonly rewound: Sequences}, sequence: number): boolean =>
  scope.rewound.some(([from, to]) => from <= sequence && sequence <= to);

type Decided = {readonly events: readonly {kind: 'turn.rewound'; data: Rewound}[]} | Refusal;

/** `version` is the scope's now. */
export function decideRewind(c: Rewind, s: Rewindable, version: number): Decided {
  if (!s.isActive) return conflict('closed', 'rewound');
  const {fromSequence, kept, seen} = c;
  // Turns that came since do not matter, but where the count began behind them; another rewind does.
  const isOutdated = fromSequence > seen.lastSequence && s.lastSequence !== seen.lastSequence;
  if (version !== seen.version || isOutdated) {
    return {
      refuse: 'CONCURRENT_MODIFICATION',
      why: {want: seen.version, found: version, current_version: version},
    };
  }
  const toSequence = s.lastSequence;
  if (toSequence < fromSequence) {
    const data = {fromSequence, toSequence, superseded: 0, tokensUsed: s.tokensUsed};
    return {events: [{kind: 'turn.rewound', data}]};
  }
  if (mergeRewound(s.rewound, fromSequence, toSequence).length > rewoundRangesMost) {
    const why = {setting: 'rewound_ranges', limit: rewoundRangesMost, value: rewoundRangesMost + 1};
    return {refuse: 'LIMIT_EXCEEDED', why};
  }
  const superseded = s.turnCount - s.rewoundCount - kept.turns;
  const data = {fromSequence, toSequence, superseded, tokensUsed: kept.tokens};
  return {events: [{kind: 'turn.rewound', data}]};
}
