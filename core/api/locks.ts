/** Use cases of locks. */
import {CellError} from '../../shared/errors.ts';
import type {Id, Micros} from '../../shared/ids.ts';
import {covers} from '../../shared/wire/contract.ts';
import {
  lock,
  locksAcquire,
  locksDelete,
  locksExtend,
  locksGet,
  locksList,
  locksRelease,
  locksUpdate,
} from '../../shared/wire/locks.ts';
import type {Actor} from '../domain/actor.ts';
import type {Row} from '../domain/aggregate.ts';
import {isHeld, type Lock, type LockCommand} from '../domain/lock.ts';
import type {Filter} from '../store/list.ts';
import {among, listAnswer, oneAnswer} from './list.ts';
import {mutate} from './mutate.ts';
import {serve, type Request, type Services, type Serving} from './services.ts';

type Caller = Pick<Request<unknown>, 'actor' | 'call'>;

/** The agent that acts: the credential's, which nobody may contradict, else the one that is stated. */
export function actingAgent(actor: Actor, stated: Id | null, field: string): Id | null {
  if (actor.agentId === null || stated === null || stated === actor.agentId) {
    return actor.agentId ?? stated;
  }
  throw new CellError('FORBIDDEN', `${field} is not the agent that this call acts for`, {
    details: {field},
  });
}

/** A lease whose time is over is shown as what it is, though its event may not be written yet. */
const printer =
  (actor: Actor, now: Micros) =>
  (row: Row<unknown>): Record<string, unknown> => {
    const {state} = row as Row<Lock>;
    const isOver = state.status === 'held' && !isHeld(state, now);
    const shown = isOver ? {...state, status: 'expired' as const} : state;
    return lock.print({...row, state: shown}, actor.tenantId);
  };

function statusFilter(wanted: readonly string[] | undefined, now: Micros): Filter | null {
  if (wanted === undefined) return null;
  // One parameter, so that the statement is the same whenever it is asked.
  return {
    sql: `(case when x.status = 'held' and x.expires_at <= ($p::text[])[1]::bigint then 'expired' else x.status end)
      = any (($p::text[])[2:])`,
    value: [String(now), ...wanted],
  };
}

const idFilter = (wanted: readonly string[] | undefined): Filter | null =>
  wanted === undefined ? null : {sql: 'x.resource_id = any ($p::text[])', value: [...wanted]};

export const lockUseCases = (services: Services): Serving[] => {
  const change = (
    {actor, call}: Caller,
    command: LockCommand,
    more: {status?: 201 | 204; isOfEvent?: true} = {},
  ) => {
    const print = printer(actor, services.now());
    const shown = {resource: lock, entity: 'lock', id: command.id, print, ...more};
    return mutate(services, {actor, call}, [command], shown);
  };

  type Extend = Request<{
    lockId: Id;
    additionalMs?: number | null | undefined;
    ttlMs?: number | null | undefined;
  }>;
  const extend = ({actor, input, call}: Extend) => {
    const additionalMs = input.additionalMs ?? input.ttlMs ?? 0;
    const id = input.lockId;
    return change({actor, call}, {type: 'lock.extend', id, by: actor.agentId, additionalMs});
  };

  type Release = Request<{lockId: Id; releasingAgentId?: Id | null | undefined}>;
  const release = ({actor, input, call}: Release, status?: 204) => {
    const by = actingAgent(actor, input.releasingAgentId ?? null, 'releasing_agent_id');
    const isAdmin = covers(actor.scopes, 'tenant:admin') && !actor.isBound;
    const command: LockCommand = {type: 'lock.release', id: input.lockId, by, isAdmin};
    return change({actor, call}, command, status === undefined ? {} : {status});
  };

  return [
    serve(locksAcquire, ({actor, input, call}) => {
      const {holderAgentId, holderId, ttlMs, ...rest} = input;
      const stated = holderAgentId ?? holderId ?? null;
      const holder = actingAgent(actor, stated as Id | null, 'holder_agent_id');
      if (holder === null) throw new CellError('MISSING_FIELD', 'holder_agent_id is required');
      const draft = {
        ...rest,
        holderAgentId: holder,
        timeoutMs: rest.timeoutMs ?? ttlMs ?? null,
      };
      const command: LockCommand = {type: 'lock.acquire', id: services.newId<'lock'>(), draft};
      return change({actor, call}, command, {status: 201, isOfEvent: true});
    }),
    serve(locksList, ({actor, input}) =>
      listAnswer(services, actor, input, {
        route: 'locks_list',
        resource: lock,
        print: printer(actor, services.now()),
        filters: [
          among('resourceType', input.resourceType),
          idFilter(input.resourceId),
          among('holderAgentId', input.holderAgentId ?? input.holderId),
          statusFilter(input.status, services.now()),
        ],
      }),
    ),
    serve(locksGet, ({actor, input}) =>
      oneAnswer(services, actor, input, {
        entity: 'lock',
        id: input.lockId,
        print: printer(actor, services.now()),
      }),
    ),
    serve(locksExtend, extend),
    serve(locksUpdate, extend),
    serve(locksRelease, (request) => release(request)),
    serve(locksDelete, (request) => release(request, 204)),
  ];
};
