/** `GET /changes/stream`: the change feed as it happens, resumable behind any position. */
import type {Id} from '../../../shared/ids.ts';
import {kindEntity, kindName} from '../../../shared/ledger/kinds.ts';
import {changesStream} from '../../../shared/wire/events.ts';
import {checkCursor, wholeGroups, type EventRow} from '../../api/changes.ts';
import {kindFilter} from '../../api/events.ts';
import {resourceNamed} from '../../api/resources.ts';
import {serve, type Services, type Serving} from '../../api/services.ts';
import type {Actor} from '../../domain/actor.ts';
import type {Row} from '../../domain/aggregate.ts';
import {frameOf, frameType} from './frames.ts';
import {sseStream} from './sse.ts';
import {tail} from './tail.ts';

type Wanted = {
  readonly type?: readonly string[] | undefined;
  readonly kind?: readonly string[] | undefined;
  readonly entityType?: readonly string[] | undefined;
  readonly trajectoryId?: readonly Id[] | undefined;
  readonly agentId?: readonly Id[] | undefined;
};

const includes = (list: readonly string[] | undefined, value: string | null): boolean =>
  list === undefined || (value !== null && list.includes(value));

/** The filter of a stream: several are ANDed, values of one ORed. */
function wants(input: Wanted): (event: EventRow) => boolean {
  const kinds = kindFilter(input.kind, input.entityType);
  return (event) =>
    (kinds === undefined || kinds.includes(event.kind)) &&
    includes(input.type, frameType(event)) &&
    includes(input.trajectoryId, event.header.traj) &&
    includes(input.agentId, event.header.actor.agent);
}

/** The entity as of an event's version, with everything a caller wrote at length left out. */
async function entityOf(services: Services, actor: Actor, event: EventRow): Promise<object | null> {
  const name = kindEntity(kindName(event.kind));
  const resource = name === null ? undefined : resourceNamed(name);
  const {ent} = event.header;
  if (resource === undefined || ent === null) return null;
  const row = await services.reads.at(actor.tenantNo, resource.name, ent.id, event.leaf);
  if (row === null) return null;
  const printed = resource.print(row as Row<never>, actor.tenantId);
  return {...printed, ...Object.fromEntries(resource.bodies.map((member) => [member, null]))};
}

export const changesStreamServing = (services: Services): Serving =>
  serve(changesStream, async ({actor, input, call}) => {
    const {after: stated, ...filter} = input;
    const after = call.lastEventId ?? stated;
    const watermark = await checkCursor(services, actor, after ?? -1);
    const abort = new AbortController();
    const log = {
      read: async (position: number, limit: number) =>
        (await wholeGroups(services, actor, {after: position, limit})).events,
      next: (waitMs: number, signal: AbortSignal) => services.bus.next(actor.tenantNo, waitMs, signal),
      nowMs: () => services.now() / 1000,
    };
    const ticks = tail(log, after ?? watermark, wants(filter), abort.signal);
    const frame = async (event: EventRow) => {
      const shown = frameOf(event, actor.tenantId, await entityOf(services, actor, event));
      return {type: frameType(event), frame: shown};
    };
    return {body: sseStream(ticks, frame, abort), position: watermark};
  });
