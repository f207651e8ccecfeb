/** Use cases of events: pages, single events, walks along the DAG. */
import {CellError} from '../../shared/errors.ts';
import type {Id} from '../../shared/ids.ts';
import {
  isKindCode,
  isKindName,
  kindCode,
  kindEntity,
  kindHex,
  kindName,
  productKinds,
} from '../../shared/ledger/kinds.ts';
import {
  eventsAncestors,
  eventsByCorrelation,
  eventsByKind,
  eventsDescendants,
  eventsGet,
  eventsKinds,
  eventsLca,
  eventsList,
} from '../../shared/wire/events.ts';
import {isoTime} from '../../shared/wire/scalar.ts';
import type {Actor} from '../domain/actor.ts';
import {
  selectEvent,
  selectEvents,
  selectPayload,
  walkEvents,
  type EventFilter,
  type EventRow,
  type Walked,
} from '../store/events.ts';
import type {Query} from '../store/store.ts';
import {mayReadPayload} from './may-read.ts';
import {notFound} from './reads.ts';
import {serve, type Services, type Serving} from './services.ts';

const defaultLimit = 100;
const walkLimit = 1_000;
const noHash = '0'.repeat(64);

/** An event as callers see it. */
export function printEvent(event: EventRow): Record<string, unknown> {
  const {header} = event;
  const kind = kindName(event.kind);
  return {
    event_id: event.id,
    kind,
    code: `0x${kindHex(event.kind)}`,
    position: event.leaf,
    at: isoTime(event.at),
    dag: header.dag,
    correlation_id: header.corr ?? event.id,
    trajectory_id: header.traj,
    entity:
      header.ent === null ? null : {entity_type: kindEntity(kind) ?? 'event', id: header.ent.id},
    version: header.ent?.ver ?? null,
    actor: header.actor,
    parents: header.parents,
    gates: header.gates.r,
    hash_chain: {
      prev_hash: header.prev ?? noHash,
      event_hash: event.hash,
      algorithm: 'blake3-keyed',
    },
  };
}

/** The code of a kind given by name, by decimal or by hexadecimal code. Throws for anything else. */
export function kindOf(stated: string): number {
  if (isKindName(stated)) return kindCode(stated);
  const code = /^(?:\d{1,5}|0x[0-9a-f]{1,4})$/i.test(stated) ? Number(stated) : -1;
  if (isKindCode(code)) return code;
  throw new CellError(
    'INVALID_INPUT',
    `kind ${stated} is neither the name nor the code of a kind of event`,
  );
}

/** The kinds that are about any of some entities. */
export const kindsAbout = (entities: readonly string[]): number[] =>
  productKinds
    .filter(({entity}) => entity !== null && entities.includes(entity))
    .map(({code}) => code);

/** Kinds that pass a filter by kind and one by entity type; undefined where neither is given. */
export function kindFilter(
  kinds: readonly string[] | undefined,
  entities: readonly string[] | undefined,
): number[] | undefined {
  const named = kinds?.map(kindOf);
  const about = entities === undefined ? undefined : kindsAbout(entities);
  if (named === undefined || about === undefined) return named ?? about;
  return named.filter((code) => about.includes(code));
}

export const eventUseCases = (services: Services): Serving[] => {
  const read = <T>(actor: Actor, ask: (q: Query) => Promise<T>): Promise<T> =>
    services.store.read(actor.tenantNo, ask);

  async function page(actor: Actor, filter: EventFilter) {
    const found = await read(actor, (q) =>
      selectEvents(q, actor.tenantNo, {...filter, limit: filter.limit + 1}),
    );
    const events = found.slice(0, filter.limit).map(printEvent);
    return {events, count: events.length, truncated: found.length > filter.limit};
  }

  async function find(q: Query, actor: Actor, id: Id): Promise<EventRow> {
    const event = await selectEvent(q, actor.tenantNo, id);
    if (event === null) throw notFound('event');
    return event;
  }

  const walked =
    (direction: 'ancestors' | 'descendants') =>
    async ({
      actor,
      input,
    }: {
      actor: Actor;
      input: {eventId: Id; limit?: number | undefined; depth?: number | undefined};
    }) => {
      const {limit = defaultLimit, depth = walkLimit} = input;
      const found = await read(actor, async (q) => {
        const start = await find(q, actor, input.eventId);
        return walkEvents(q, actor.tenantNo, start.leaf, {direction, depth, limit: limit + 2});
      });
      const others = found.filter(({distance}) => distance > 0);
      const events = others.slice(0, limit).map(printEvent);
      return {body: {events, count: events.length, truncated: others.length > limit}};
    };

  return [
    serve(eventsList, async ({actor, input}) => {
      const {
        limit = defaultLimit,
        kind,
        entityType,
        entityId,
        trajectoryId,
        actor: agentIds,
        ...rest
      } = input;
      const filter = {
        ...rest,
        kinds: kindFilter(kind, entityType),
        entityIds: entityId,
        trajectoryIds: trajectoryId,
        agentIds,
        limit,
      };
      const {events, truncated} = await page(actor, filter);
      const last = events.at(-1);
      return {
        body: {events, next_after: truncated && last !== undefined ? last['position'] : null},
      };
    }),
    serve(eventsKinds, async () => ({
      body: {
        kinds: productKinds.map(({name, code, entity}) => ({
          kind: name,
          code: `0x${kindHex(code)}`,
          entity_type: entity,
        })),
      },
    })),
    serve(eventsByKind, async ({actor, input}) => {
      const {limit = defaultLimit, kind, minDepth, maxDepth} = input;
      return {
        body: await page(actor, {
          kinds: [kindOf(kind)],
          minDepth,
          maxDepth,
          limit,
          isDescending: true,
        }),
      };
    }),
    serve(eventsByCorrelation, async ({actor, input}) => {
      const {limit = defaultLimit, correlationId} = input;
      return {body: await page(actor, {correlationId, limit})};
    }),
    serve(eventsGet, async ({actor, input}) =>
      read(actor, async (q) => {
        const event = await find(q, actor, input.eventId);
        return {body: {...printEvent(event), payload: await payloadOf(q, actor, event)}};
      }),
    ),
    serve(eventsAncestors, walked('ancestors')),
    serve(eventsDescendants, walked('descendants')),
    serve(eventsLca, async ({actor, input}) => {
      const limit = input.limit ?? defaultLimit;
      const of = {direction: 'ancestors', depth: walkLimit, limit: limit + 1} as const;
      const [a, b] = await read(actor, async (q) => {
        const [first, second] = [
          await find(q, actor, input.eventId),
          await find(q, actor, input.otherEventId),
        ];
        return [
          await walkEvents(q, actor.tenantNo, first.leaf, of),
          await walkEvents(q, actor.tenantNo, second.leaf, of),
        ] as const;
      });
      return {body: lowestCommon(a, b, limit)};
    }),
  ];
};

async function payloadOf(q: Query, actor: Actor, event: EventRow): Promise<object | null> {
  if (!mayReadPayload(actor, kindName(event.kind))) return null;
  const parts = await selectPayload(q, actor.tenantNo, event.leaf);
  if (parts === null) return null;
  const {data} = JSON.parse(parts.data) as {data: object};
  return {...data, ...(parts.content === null ? {} : (JSON.parse(parts.content) as object))};
}

function lowestCommon(a: readonly Walked[], b: readonly Walked[], limit: number): object {
  const known = new Map(a.slice(0, limit).map((event) => [event.leaf, event]));
  const shared = b.slice(0, limit).filter(({leaf}) => known.has(leaf));
  const best = shared.toSorted((x, y) => y.leaf - x.leaf)[0];
  const truncated = a.length > limit || b.length > limit;
  if (best === undefined) return {lca: null, distance: {a: null, b: null}, truncated};
  const distance = {a: known.get(best.leaf)?.distance ?? null, b: best.distance};
  return {lca: printEvent(best), distance, truncated};
}
