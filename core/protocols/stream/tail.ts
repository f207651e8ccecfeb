/**
 * Events of a tenant as they happen, from a position on.
 *
 * Everything that streams or waits is made of this. The wait is armed before the read, so a commit
 * between the two is never missed; an idle stream costs no statement.
 */
import type {EventRow} from '../../api/changes.ts';

export type Log = {
  /** Events after a position, ascending, at most `limit`, whole groups. */
  read(after: number, limit: number): Promise<readonly EventRow[]>;
  nowMs(): number;
  /** Resolves on the next commit, after `waitMs`, or when the signal aborts. */
  next(waitMs: number, signal: AbortSignal): Promise<void>;
};

const pageLimit = 500;
/** A stream without a visible event says after this long where it stands. */
export const tickMs = 15_000;

export type Tick = {readonly event: EventRow | null; readonly position: number};

/** Yields every wanted event, and null ticks that tell the position when none came for a while. */
export async function* tail(
  log: Log,
  after: number,
  want: (event: EventRow) => boolean,
  signal: AbortSignal,
): AsyncGenerator<Tick> {
  let position = after;
  let shownMs = log.nowMs();
  while (!signal.aborted) {
    const woken = log.next(tickMs, signal);
    const page = await log.read(position, pageLimit);
    for (const event of page) {
      position = event.leaf;
      if (!want(event)) continue;
      yield {event, position};
      shownMs = log.nowMs();
    }
    if (page.length === 0) await woken;
    if (log.nowMs() - shownMs < tickMs) continue;
    shownMs = log.nowMs();
    yield {event: null, position};
  }
}
