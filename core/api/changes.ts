/** The change feed: what happened after a position, in ledger order and without gaps. */
import {CellError} from '../../shared/errors.ts';
import {kindEntity, kindName} from '../../shared/ledger/kinds.ts';
import {changesList, changesWatermark} from '../../shared/wire/events.ts';
import {isoTime} from '../../shared/wire/scalar.ts';
import type {Actor} from '../domain/actor.ts';
import {selectEvents, type EventFilter, type EventRow} from '../store/events.ts';
import {kindFilter} from './events.ts';
import {serve, type Services, type Serving} from './services.ts';

export type {EventRow};

const defaultLimit = 100;

/** What a caller of the feed is told of one event. It never carries content. */
export function printChange(event: EventRow, actor: Actor): Record<string, unknown> {
  const kind = kindName(event.kind);
  const {ent} = event.header;
  return {
    change_id: event.id,
    position: event.leaf,
    event_id: event.id,
    kind,
    tenant_id: actor.tenantId,
    entity_type: kindEntity(kind),
    entity_id: ent?.id ?? null,
    operation: operationOf(kind, ent?.ver ?? null),
    version: ent?.ver ?? null,
    changed_at: isoTime(event.at),
  };
}

const endings = /\.(?:deleted|unregistered|expired|revoked|cleared|removed)$/;

function operationOf(kind: string, version: number | null): 'INSERT' | 'UPDATE' | 'DELETE' {
  if (endings.test(kind)) return 'DELETE';
  return version === 1 ? 'INSERT' : 'UPDATE';
}

/** Throws where a position lies above the ledger's last. */
export async function checkCursor(
  services: Services,
  actor: Actor,
  after: number,
): Promise<number> {
  const watermark = await services.reads.position(actor.tenantNo);
  if (after <= watermark) return watermark;
  throw new CellError('INVALID_RANGE', `after ${after} is above the last position ${watermark}`, {
    details: {position: watermark},
  });
}

/** Id of the first event of an event's group. */
export async function groupOf(
  {store}: Services,
  {tenantNo}: Actor,
  event: EventRow,
): Promise<string> {
  const first = event.leaf - event.header.grp[0];
  const [found] = await store.read(tenantNo, (q) =>
    selectEvents(q, tenantNo, {after: first - 1, before: first + 1, limit: 1}),
  );
  return found?.id ?? event.id;
}

export type ChangePage = {
  readonly events: readonly EventRow[];
  readonly hasMore: boolean;
  /** The last position when the page was read: everything up to it is in the page, or in those behind it. */
  readonly watermark: number;
};

/** A page of events that ends at the end of a group, so that nobody sees part of one. */
export async function wholeGroups(
  services: Services,
  actor: Actor,
  filter: EventFilter & {readonly after: number},
): Promise<ChangePage> {
  const {tenantNo} = actor;
  const watermark = await services.reads.position(tenantNo);
  // What is committed but not acknowledged is not shown, and where nothing is new nothing is asked.
  if (filter.after >= watermark) return {events: [], hasMore: false, watermark};
  const until = {...filter, before: watermark + 1};
  return services.store.read(tenantNo, async (q) => {
    const found = await selectEvents(q, tenantNo, {...until, limit: filter.limit + 1});
    const events = found.slice(0, filter.limit);
    const last = events.at(-1);
    if (found.length <= filter.limit || last === undefined) {
      return {events, hasMore: false, watermark};
    }
    const [index, count] = last.header.grp;
    const left = count - index;
    if (left === 1) return {events, hasMore: true, watermark};
    // Its group has fewer than these left, so one of another group is among them, if there is one.
    const next = await selectEvents(q, tenantNo, {...until, after: last.leaf, limit: left});
    const rest = next.filter(({leaf}) => leaf < last.leaf + left);
    return {events: [...events, ...rest], hasMore: rest.length < next.length, watermark};
  });
}

/** The first page that is not empty; at the latest, and then perhaps empty, the one after `waitMs`. */
async function awaitPage(
  services: Services,
  actor: Actor,
  filter: EventFilter & {readonly after: number},
  waitMs: number,
): Promise<ChangePage> {
  const untilMicros = services.now() + waitMs * 1_000;
  const over = new AbortController();
  try {
    for (let {after} = filter; ;) {
      const leftMs = Math.ceil((untilMicros - services.now()) / 1_000);
      // Armed before the read, so a change between the two ends the wait at once.
      const woken = leftMs > 0 ? services.bus.next(actor.tenantNo, leftMs, over.signal) : null;
      const page = await wholeGroups(services, actor, {...filter, after});
      if (page.events.length > 0 || woken === null) return page;
      after = page.watermark;
      await woken;
    }
  } finally {
    over.abort();
  }
}

export const changeUseCases = (services: Services): Serving[] => [
  serve(changesList, async ({actor, input}) => {
    const {limit = defaultLimit, waitMs = 0, kind, entityType} = input;
    const after = input.after ?? -1;
    const filter = {kinds: kindFilter(kind, entityType), after, limit};
    await checkCursor(services, actor, after);
    const {events, hasMore, watermark} = await awaitPage(services, actor, filter, waitMs);
    const changes = events.map((event) => printChange(event, actor));
    return {body: {changes, watermark, has_more: hasMore}, position: watermark};
  }),
  serve(changesWatermark, async ({actor}) => {
    const watermark = await services.reads.position(actor.tenantNo);
    return {body: {watermark, tenant_id: actor.tenantId}, position: watermark};
  }),
];
