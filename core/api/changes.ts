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

/** A page of events that ends at the end of a group, so that nobody sees part of one. */
export async function wholeGroups(
  services: Services,
  actor: Actor,
  filter: EventFilter,
): Promise<{events: EventRow[]; hasMore: boolean}> {
  const {tenantNo} = actor;
  return services.store.read(tenantNo, async (q) => {
    const found = await selectEvents(q, tenantNo, {...filter, limit: filter.limit + 1});
    const events = found.slice(0, filter.limit);
    const last = events.at(-1);
    const hasMore = found.length > filter.limit;
    if (!hasMore || last === undefined) return {events, hasMore};
    const [index, count] = last.header.grp;
    const end = last.leaf + count - index;
    const rest = await selectEvents(q, tenantNo, {
      ...filter,
      after: last.leaf,
      before: end,
      limit: count,
    });
    return {events: [...events, ...rest], hasMore};
  });
}

export const changeUseCases = (services: Services): Serving[] => [
  serve(changesList, async ({actor, input}) => {
    const {limit = defaultLimit, waitMs = 0, kind, entityType} = input;
    const after = input.after ?? -1;
    const filter = {kinds: kindFilter(kind, entityType), after, limit};
    // Armed before the read, so a change between the two ends the wait at once.
    const signal = AbortSignal.timeout(Math.max(1, waitMs));
    const woken = services.bus.next(actor.tenantNo, Math.max(1, waitMs), signal);
    let watermark = await checkCursor(services, actor, after);
    let page = await wholeGroups(services, actor, filter);
    if (page.events.length === 0 && waitMs > 0) {
      await woken;
      watermark = await services.reads.position(actor.tenantNo);
      page = await wholeGroups(services, actor, filter);
    }
    const changes = page.events.map((event) => printChange(event, actor));
    return {body: {changes, watermark, has_more: page.hasMore}, position: watermark};
  }),
  serve(changesWatermark, async ({actor}) => {
    const watermark = await services.reads.position(actor.tenantNo);
    return {body: {watermark, tenant_id: actor.tenantId}, position: watermark};
  }),
];
