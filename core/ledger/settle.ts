/**
 * Finding out what became of a batch.
 *
 * A batch is atomic, so the head of one of its tenants decides. The batch's bytes are kept: sent
 * twice, it can be taken once only, because each sending compares size and root with what it expects.
 */
import {CellError} from '../../shared/errors.ts';
import {equalBytes} from '../../shared/ledger/bytes.ts';
import type {Batch, CommitOutcome, Head, Store} from '../store/store.ts';
import type {Move} from './commit.ts';

/**
 * committed: durable. rerun: nothing of it is there, its units are assembled and sequenced anew.
 * poisoned: some row of it can never be written. given_up: its callers are told that nobody knows.
 */
export type Settled =
  | {readonly is: 'committed'}
  | {readonly is: 'rerun'}
  | {readonly is: 'poisoned' | 'given_up'; readonly error: CellError};

const firstWaitMs = 100;
const longestWaitMs = 5_000;
/** How often a batch is sent, or its fate asked for, before its callers are told that nobody knows. */
const attemptLimit = 12;
/** How often a batch may lose a race, a deadlock say, to somebody who then did not move its head. */
const raceLimit = 2;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Sends a batch until its fate is known. */
export async function settle(store: Store, batch: Batch, moves: readonly Move[]): Promise<Settled> {
  let waitMs = firstWaitMs;
  let last: unknown = null;
  // Whether a sending may still happen: then nothing but the very same bytes may follow it.
  let isOpen = false;
  let racedCount = 0;
  for (let attempt = 0; attempt < attemptLimit; attempt += 1) {
    const outcome = await store.commit(batch);
    if (outcome.is === 'committed') return outcome;
    last = outcome.cause;
    if (outcome.is === 'poisoned') return {is: 'poisoned', error: poisonError(outcome)};
    // The units' keys are asked for when they are assembled again, and then they are replays.
    if (outcome.is === 'taken') return {is: 'rerun'};
    if (outcome.is === 'moved' || outcome.is === 'unknown') {
      isOpen ||= outcome.is === 'unknown';
      const fate = await fateOf(store, moves);
      if (fate === 'committed') return {is: 'committed'};
      if (fate === 'elsewhere') return {is: 'rerun'};
      // Raced by nobody, and again: what memory says of a chain is not what is there.
      racedCount += outcome.is === 'moved' && fate === 'same' ? 1 : 0;
      if (racedCount > raceLimit && !isOpen) return {is: 'poisoned', error: refusedError(last)};
    }
    await pause(waitMs);
    waitMs = Math.min(2 * waitMs, longestWaitMs);
  }
  if (!isOpen) return {is: 'given_up', error: busyError(last)};
  const eventIds = moves.flatMap(({part}) => part.events.map(({id}) => id));
  const details = {event_ids: eventIds};
  const message =
    'the database did not answer in time; whether the change was made shows when the request is sent again with its key';
  return {
    is: 'given_up',
    error: new CellError('TIMEOUT', message, {details, cause: last, retryAfterSeconds: 5}),
  };
}

/** committed: the new head is there. same: the old one still is. elsewhere: somebody else's is. */
async function fateOf(
  store: Store,
  moves: readonly Move[],
): Promise<'committed' | 'same' | 'elsewhere' | 'unknown'> {
  const [move] = moves;
  if (move === undefined) return 'committed';
  const {part, next} = move;
  try {
    const head = await store.head(next.tenantNo);
    if (head === null) return 'elsewhere';
    if (isHead(head, next)) return 'committed';
    if (isHead(head, part.ledger.head)) return 'same';
    return (await holdsEvent(store, move)) ? 'committed' : 'elsewhere';
  } catch {
    // The database is away; the caller waits and asks again, a bounded number of times.
    return 'unknown';
  }
}

const isHead = (a: Head, b: Head): boolean => a.size === b.size && equalBytes(a.root, b.root);

const probe = {
  name: 'event_select_by_id',
  text: 'select 1 as found from ledger.event where tenant_no = $1 and event_id = $2',
};

async function holdsEvent(store: Store, {part, next}: Move): Promise<boolean> {
  const [first] = part.events;
  if (first === undefined) return false;
  const found = await store.read(next.tenantNo, (q) => q.rows(probe, [next.tenantNo, first.id]));
  return found.length > 0;
}

function poisonError(outcome: Extract<CommitOutcome, {is: 'poisoned'}>): CellError {
  const {cause, constraint} = outcome;
  if (constraint === null) return refusedError(cause);
  const message = 'another entity of this tenant holds the same unique value';
  return new CellError('ENTITY_ALREADY_EXISTS', message, {cause, context: {constraint}});
}

const refusedError = (cause: unknown): CellError =>
  new CellError('DATABASE_ERROR', 'the database refused the change', {cause});

const busyError = (cause: unknown): CellError =>
  new CellError('SERVICE_UNAVAILABLE', 'the database had no room or no time; nothing was changed', {
    cause,
    retryAfterSeconds: 5,
  });
