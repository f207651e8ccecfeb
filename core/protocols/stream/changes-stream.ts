/** `GET /changes/stream`: the change feed as it happens, resumable behind any position. */
import {CellError} from '../../../shared/errors.ts';
import type {Id} from '../../../shared/ids.ts';
import {kindEntity, kindName} from '../../../shared/ledger/kinds.ts';
import {changesStream} from '../../../shared/wire/events.ts';
import {checkCursor, groupOf, wholeGroups, type EventRow} from '../../api/changes.ts';
import {kindFilter} from '../../api/events.ts';
import {resourceNamed} from '../../api/resources.ts';
import {serve, type Services, type Serving} from '../../api/services.ts';
import type {Actor} from '../../domain/actor.ts';
import type {Row} from '../../domain/aggregate.ts';
import {isUsable, type ApiKey} from '../../domain/api-key.ts';
import type {Trajectory} from '../../domain/trajectory.ts';
import {frameOf, frameType} from './frames.ts';
import {sseStream} from './sse.ts';
import {tail} from './tail.ts';

type Complain = (error: unknown, requestId: string) => void;

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
function wants(services: Services, actor: Actor, input: Wanted) {
  const kinds = kindFilter(input.kind, input.entityType);
  const within =
    input.trajectoryId === undefined ? null : subtree(services, actor, input.trajectoryId);
  return async (event: EventRow): Promise<boolean> =>
    (kinds === undefined || kinds.includes(event.kind)) &&
    includes(input.type, frameType(event)) &&
    includes(input.agentId, event.header.actor.agent) &&
    (within === null || within(event.header.traj));
}

/** Trajectories whose place is remembered by one stream. */
const placesLimitCount = 1_000;

/** Whether a trajectory is one of some or lies below them. Parents never change, so it is looked up once. */
function subtree({reads}: Services, {tenantNo}: Actor, roots: readonly Id[]) {
  const known = new Map<Id, boolean>();
  const within = async (id: Id | null): Promise<boolean> => {
    if (id === null || roots.includes(id)) return id !== null;
    const remembered = known.get(id);
    if (remembered !== undefined) return remembered;
    const row = await reads.row<Trajectory>(tenantNo, 'trajectory', id);
    const isWithin = await within(row?.state.parentTrajectoryId ?? null);
    if (known.size >= placesLimitCount) known.clear();
    known.set(id, isWithin);
    return isWithin;
  };
  return within;
}

/** The entity as of an event's version, with everything a caller wrote at length left out. */
async function entityOf(services: Services, actor: Actor, event: EventRow) {
  const name = kindEntity(kindName(event.kind));
  const resource = name === null ? undefined : resourceNamed(name);
  const {ent} = event.header;
  if (resource === undefined || ent === null) return null;
  const row = await services.reads.at(actor.tenantNo, resource.name, ent.id, event.leaf);
  if (row === null) return null;
  const printed = resource.print(row as Row<never>, actor.tenantId);
  return {...printed, ...Object.fromEntries(resource.bodies.map((member) => [member, null]))};
}

/** Milliseconds for which the credential still works. Throws once it does not: its streams end with it. */
async function validMs({reads, now}: Services, {tenantNo, keyId}: Actor): Promise<number> {
  if (keyId === null) return Number.POSITIVE_INFINITY;
  const key = await reads.row<ApiKey>(tenantNo, 'api_key', keyId);
  if (key !== null && isUsable(key.state, now())) {
    const end = key.state.status === 'rotating' ? key.state.graceUntil : key.state.expiresAt;
    return end === null ? Number.POSITIVE_INFINITY : Math.ceil((end - now()) / 1_000);
  }
  throw new CellError('UNAUTHORIZED', 'the credential of this stream works no longer');
}

export const changesStreamServing = (services: Services, complain: Complain): Serving =>
  serve(changesStream, async ({actor, input, call}) => {
    const {after: stated, ...filter} = input;
    const after = call.lastEventId ?? stated;
    const watermark = await checkCursor(services, actor, after ?? -1);
    const from = after ?? watermark;
    const abort = new AbortController();
    let leftMs = await validMs(services, actor);
    const log = {
      async read(position: number, limit: number) {
        leftMs = await validMs(services, actor);
        return (await wholeGroups(services, actor, {after: position, limit})).events;
      },
      next: (waitMs: number, signal: AbortSignal) =>
        services.bus.next(actor.tenantNo, Math.min(waitMs, leftMs), signal),
      nowMs: () => services.now() / 1000,
    };
    const ticks = tail(log, from, wants(services, actor, filter), abort.signal);
    let groupId = '';
    const frame = async (event: EventRow) => {
      groupId =
        event.header.grp[0] === 0 ? event.id : groupId || (await groupOf(services, actor, event));
      const {tenantId} = actor;
      const entity = await entityOf(services, actor, event);
      return {type: frameType(event), frame: frameOf(event, {tenantId, entity, groupId})};
    };
    const tell = (error: unknown): void => complain(error, call.requestId);
    const body = sseStream({ticks, frame, from, abort, complain: tell});
    return {body, position: watermark};
  });
