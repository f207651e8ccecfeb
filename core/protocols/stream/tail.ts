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

export type Tick = {
  readonly event: EventRow | null;
  readonly position: number;
  /** Whether a wanted event of the same group follows: they belong into one message. */
  readonly isContinued: boolean;
};

type Want = (event: EventRow) => boolean | Promise<boolean>;

/** Yields every wanted event, and null ticks that tell the position when none came for a while. */
export async function* tail(
  log: Log,
  after: number,
  want: Want,
  signal: AbortSignal,
): AsyncGenerator<Tick> {
  let position = after;
  let shownMs = log.nowMs();
  let woken: Promise<void> | null = null;
  while (!signal.aborted) {
    // One wait at a time: it stays armed over all pages of what is being caught up with.
    woken ??= log.next(tickMs, signal);
    const page = await log.read(position, pageLimit);
    for (const group of groupsOf(page)) {
      const wanted: EventRow[] = [];
      for (const event of group) if (await want(event)) wanted.push(event);
      for (const [index, event] of wanted.entries()) {
        yield {event, position: event.leaf, isContinued: index < wanted.length - 1};
        shownMs = log.nowMs();
      }
      position = group.at(-1)?.leaf ?? position;
    }
    if (page.length === 0) {
      await woken;
      woken = null;
    }
    if (log.nowMs() - shownMs < tickMs) continue;
    shownMs = log.nowMs();
    yield {event: null, position, isContinued: false};
  }
}

/** Events that were committed together, in the order of the ledger. */
function groupsOf(page: readonly EventRow[]): EventRow[][] {
  const groups: EventRow[][] = [];
  for (const event of page) {
    if (event.header.grp[0] === 0 || groups.length === 0) groups.push([]);
    groups.at(-1)?.push(event);
  }
  return groups;
}
