/** What became of a unit, as its caller is told. */
import type {Growth} from '../../shared/ledger/tree.ts';
import type {Refused} from '../pipeline/record-group.ts';
import type {Recording} from '../pipeline/record.ts';
import type {Sequenced} from '../pipeline/sequence.ts';
import type {WarningOut} from '../pipeline/unit-run.ts';
import type {Layer} from '../pipeline/view.ts';
import type {Head} from '../store/store.ts';

export type Outcome =
  | {
      readonly is: 'committed';
      readonly events: readonly Recording[];
      readonly rows: Layer['rows'];
      readonly warnings: readonly WarningOut[];
      /** The head right after the batch. */
      readonly head: Head;
      /** Inclusion path, at that head, of the unit's `index`-th event. */
      readonly paths: (index: number) => readonly Uint8Array[];
    }
  | {
      readonly is: 'denied';
      readonly refused: Refused;
      readonly event: Recording | null;
      readonly head: Head;
    }
  | {
      readonly is: 'same';
      readonly leaf: number;
      readonly how: 'replayed' | 'deduplicated';
      readonly head: Head;
    };

/** A unit that was judged and has its place in a batch. */
export type Judged = Exclude<Sequenced, {is: 'again' | 'thrown'}>;

/** The events a judged unit puts into the ledger. */
export function eventsOf(judged: Judged): readonly Recording[] {
  if (judged.is === 'same') return [];
  if (judged.is === 'events') return judged.events;
  return judged.event === null ? [] : [judged.event];
}

/** The outcome of a judged unit once its batch is durable. `first`: place of its first event there. */
export function outcomeOf(
  judged: Judged,
  first: number,
  head: Head,
  growth: Growth | null,
): Outcome {
  if (judged.is === 'same') return {is: 'same', leaf: judged.leaf, how: judged.how, head};
  if (judged.is === 'denied') {
    return {is: 'denied', refused: judged.refused, event: judged.event, head};
  }
  const {events, layer, warnings} = judged;
  const paths = (index: number): readonly Uint8Array[] => growth?.path(first + index) ?? [];
  return {is: 'committed', events, rows: layer.rows, warnings, head, paths};
}
