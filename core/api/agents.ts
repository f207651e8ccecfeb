/** Use cases of agents. */
import {LRUCache} from 'lru-cache';
import {CellError} from '../../shared/errors.ts';
import type {Micros} from '../../shared/ids.ts';
import {
  agent,
  agentsCreate,
  agentsDelete,
  agentsGet,
  agentsHeartbeat,
  agentsKill,
  agentsList,
  agentsRegister,
  agentsRevive,
  agentsUpdate,
  type AgentDraft,
} from '../../shared/wire/agents.ts';
import {agentStatus} from '../../shared/wire/enums.ts';
import {isoTime} from '../../shared/wire/scalar.ts';
import type {Actor} from '../domain/actor.ts';
import type {Agent, AgentCommand} from '../domain/agent.ts';
import type {Row} from '../domain/aggregate.ts';
import {among, listAnswer, notDeleted, oneAnswer} from './list.ts';
import {mutate} from './mutate.ts';
import {serve, type Request, type Services, type Serving} from './services.ts';
import {stated} from './stated.ts';

/** Agents whose heartbeat is remembered. It is volatile: a restart shows the time of registration again. */
const presenceLimitCount = 100_000;

type Presence = LRUCache<string, Micros>;

const printer =
  (presence: Presence, actor: Actor) =>
  (row: Row<unknown>): Record<string, unknown> => {
    const seen = presence.get(`${actor.tenantNo}/${row.id}`);
    const printed = agent.print(row as Row<Agent>, actor.tenantId);
    return seen === undefined ? printed : {...printed, last_heartbeat: isoTime(seen)};
  };

/** Killing is for those above an agent: an unbound key, or the agent it reports to. */
function checkSupervisor(actor: Actor, target: Row<Agent>): void {
  if (!actor.isBound || target.state.reportsTo === actor.agentId) return;
  throw new CellError(
    'FORBIDDEN',
    'an agent is killed by the agent it reports to, or by a key bound to none',
  );
}

export const agentUseCases = (services: Services): Serving[] => {
  const presence: Presence = new LRUCache({max: presenceLimitCount});

  function change(
    {actor, call}: Pick<Request<unknown>, 'actor' | 'call'>,
    command: AgentCommand,
    status: 200 | 201 | 204 = 200,
  ) {
    const print = printer(presence, actor);
    return mutate(services, {actor, call}, [command], {
      resource: agent,
      entity: 'agent',
      id: command.id,
      status,
      print,
    });
  }

  const register = ({actor, input, call}: Request<AgentDraft>) => {
    const id = services.newId<'agent'>();
    return change(
      {actor, call},
      {
        type: 'agent.register',
        id,
        draft: input,
        ownerPrincipalId: actor.by.replace(/^[a-z_]+:/, ''),
      },
      201,
    );
  };

  return [
    serve(agentsCreate, register),
    serve(agentsRegister, register),
    serve(agentsList, ({actor, input}) =>
      listAnswer(services, actor, input, {
        route: 'agents_list',
        resource: agent,
        print: printer(presence, actor),
        filters: [
          among('externalId', input.externalId),
          among('agentType', input.agentType),
          among('status', input.status),
          among('team', input.team),
          among('currentTrajectoryId', input.trajectoryId),
          input.activeOnly === true ? among('status', ['idle', 'active', 'blocked']) : null,
          notDeleted,
        ],
      }),
    ),
    serve(agentsGet, ({actor, input}) =>
      oneAnswer(services, actor, input, {
        entity: 'agent',
        id: input.agentId,
        print: printer(presence, actor),
      }),
    ),
    serve(agentsUpdate, ({actor, input, call}) => {
      const {agentId, ...set} = input;
      return change({actor, call}, {type: 'agent.update', id: agentId, set: stated(set)});
    }),
    serve(agentsDelete, ({actor, input, call}) =>
      change({actor, call}, {type: 'agent.unregister', id: input.agentId}, 204),
    ),
    serve(agentsHeartbeat, async ({actor, input, call}) => {
      const row = await services.reads.live<Agent>(actor.tenantNo, 'agent', input.agentId);
      const now = services.now();
      presence.set(`${actor.tenantNo}/${row.id}`, now);
      // A heartbeat is no event, unless it brings an agent back.
      const isBack = row.state.status === 'offline' && row.state.killedAt === null;
      const answer = isBack
        ? await change({actor, call}, {type: 'agent.update', id: row.id, set: {status: 'idle'}})
        : {};
      const status = agentStatus.print?.(isBack ? 'idle' : row.state.status);
      return {...answer, body: {agent_id: row.id, status, last_heartbeat: isoTime(now)}};
    }),
    serve(agentsKill, async ({actor, input, call}) => {
      checkSupervisor(
        actor,
        await services.reads.live<Agent>(actor.tenantNo, 'agent', input.agentId),
      );
      return change({actor, call}, {type: 'agent.kill', id: input.agentId, reason: input.reason});
    }),
    serve(agentsRevive, ({actor, input, call}) =>
      change({actor, call}, {type: 'agent.revive', id: input.agentId}),
    ),
  ];
};
