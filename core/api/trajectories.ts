/** Use cases of trajectories. */
import type {Id} from '../../shared/ids.ts';
import {
  trajectoriesChildren,
  trajectoriesCreate,
  trajectoriesDelete,
  trajectoriesGet,
  trajectoriesList,
  trajectoriesOutcome,
  trajectoriesResume,
  trajectoriesSuspend,
  trajectoriesUpdate,
  trajectory,
  type Outcome,
  type TrajectoryDraft,
} from '../../shared/wire/trajectories.ts';
import type {Actor} from '../domain/actor.ts';
import type {Tenant} from '../domain/tenant.ts';
import type {Row} from '../domain/aggregate.ts';
import type {Trajectory, TrajectoryCommand} from '../domain/trajectory.ts';
import type {Filter} from '../store/list.ts';
import {among, leafOf, listAnswer, notDeleted, oneAnswer} from './list.ts';
import {cascadeCommands} from './cascade.ts';
import {mutate} from './mutate.ts';
import {serve, type Request, type Services, type Serving} from './services.ts';
import {stated} from './stated.ts';
import {externalIdOf, resolveOptional} from './items.ts';

/** The agent a trajectory is given: the one named, else the acting one, else the tenant's default. */
export async function owningAgent({reads}: Services, actor: Actor, named: Id | null): Promise<Id> {
  const chosen = named ?? actor.agentId;
  if (chosen !== null) return chosen;
  const tenant = await reads.live<Tenant>(actor.tenantNo, 'tenant', actor.tenantId);
  return tenant.state.defaultAgentId ?? actor.tenantId;
}

const list = (
  services: Services,
  actor: Actor,
  input: Parameters<typeof listAnswer>[2],
  route: string,
  filters: (Filter | null)[],
) =>
  listAnswer(services, actor, input, {
    route,
    resource: trajectory,
    filters: [...filters, notDeleted],
  });

const resolveAll = (
  services: Services,
  actor: Actor,
  references: readonly string[] | undefined,
  field: string,
  leaf: number | null,
) =>
  references === undefined
    ? undefined
    : Promise.all(
        references.map((one) =>
          services.reads.resolveLive(actor.tenantNo, 'trajectory', one, field, leaf),
        ),
      );

/** The command of a new trajectory: references resolved, owner chosen. */
export async function trajectoryCommand(
  services: Services,
  actor: Actor,
  sent: TrajectoryDraft,
): Promise<Extract<TrajectoryCommand, {type: 'trajectory.create'}>> {
  const {parentTrajectoryId: parent, parentScopeId: scope, agentId, externalId, ...rest} = sent;
  const draft = {
    ...rest,
    externalId: externalIdOf(externalId, rest.metadata, 'langgraph_thread_id'),
    agentId: await owningAgent(services, actor, agentId),
    parentTrajectoryId: await resolveOptional(
      services,
      actor,
      'trajectory',
      parent,
      'parent_trajectory_id',
    ),
    parentScopeId: await resolveOptional(services, actor, 'scope', scope, 'parent_scope_id'),
  };
  return {type: 'trajectory.create', id: services.newId<'trajectory'>(), draft};
}

type Caller = Pick<Request<unknown>, 'actor' | 'call'>;

function change(
  services: Services,
  caller: Caller,
  commands: readonly TrajectoryCommand[],
  status: 200 | 201 | 204 = 200,
) {
  const id = commands.at(-1)?.id ?? '';
  return mutate(services, caller, commands, {
    resource: trajectory,
    entity: 'trajectory',
    id,
    status,
  });
}

export const trajectoryUseCases = (services: Services): Serving[] => {
  const {reads} = services;
  const idOf = (actor: Actor, reference: string) =>
    reads.resolve(actor.tenantNo, 'trajectory', reference);
  return [
    serve(trajectoriesCreate, async ({actor, input, call}) => {
      const command = await trajectoryCommand(services, actor, input);
      return change(services, {actor, call}, [command], 201);
    }),
    serve(trajectoriesGet, async ({actor, input}) => {
      const id = await idOf(actor, input.trajectoryId);
      const print = (row: Row<unknown>) => trajectory.print(row as Row<Trajectory>, actor.tenantId);
      return oneAnswer(services, actor, input, {entity: 'trajectory', id, print});
    }),
    serve(trajectoriesList, async ({actor, input}) => {
      const leaf = await leafOf(services, actor.tenantNo, input);
      const within = (references: readonly string[] | undefined, field: string) =>
        resolveAll(services, actor, references, field, leaf);
      const parents = await within(input.parentTrajectoryId, 'parent_trajectory_id');
      const roots = await within(input.rootTrajectoryId, 'root_trajectory_id');
      return list(services, actor, input, 'trajectories_list', [
        among('externalId', input.externalId),
        among('status', input.status),
        among('agentId', input.agentId),
        among('parentTrajectoryId', parents),
        among('rootTrajectoryId', roots),
      ]);
    }),
    serve(trajectoriesChildren, async ({actor, input}) => {
      const {tenantNo} = actor;
      const leaf = await leafOf(services, tenantNo, input);
      const parent = await reads.resolveLive(
        tenantNo,
        'trajectory',
        input.trajectoryId,
        undefined,
        leaf,
      );
      return list(services, actor, input, 'trajectories_children', [
        among('parentTrajectoryId', [parent]),
        among('status', input.status),
      ]);
    }),
    serve(trajectoriesUpdate, async ({actor, input, call}) => {
      const {trajectoryId, status, outcome, ...set} = input;
      const id = await idOf(actor, trajectoryId);
      const commands: TrajectoryCommand[] = [];
      if (Object.values(set).some((value) => value !== undefined))
        commands.push({type: 'trajectory.update', id, set: stated(set)});
      if (status !== undefined) commands.push(...statusCommands(id, status, outcome));
      return change(services, {actor, call}, commands);
    }),
    serve(trajectoriesDelete, async ({actor, input, call}) => {
      const id = await idOf(actor, input.trajectoryId);
      const shown = {resource: trajectory, entity: 'trajectory', id, status: 204} as const;
      const row = await reads.row(actor.tenantNo, 'trajectory', id);
      const {ifMatch} = call;
      if (input.cascade !== true || row === null) {
        return mutate(services, {actor, call}, [{type: 'trajectory.delete', id}], shown);
      }
      const commands = await cascadeCommands(services, actor.tenantNo, id);
      // The version was stated of the trajectory itself, and the first command is about another row.
      const stated = Array.isArray(ifMatch) ? ifMatch : [];
      const wanted = stated.includes(row.version) ? row.version : stated[0];
      const expects = wanted === undefined ? [] : [['trajectory', id, wanted] as const];
      const presented = {...call, ifMatch: ifMatch === null ? null : ('any' as const)};
      return mutate(services, {actor, call: presented}, commands, shown, {expects});
    }),
    serve(trajectoriesOutcome, async ({actor, input, call}) => {
      const {trajectoryId, ...outcome} = input;
      const id = await idOf(actor, trajectoryId);
      const wireOutcome = {
        ...outcome,
        produced_artifacts: outcome.producedArtifacts,
        produced_notes: outcome.producedNotes,
      };
      return change(services, {actor, call}, [
        {type: 'trajectory.end', id, outcome: outcomeOf(wireOutcome as Partial<Outcome>)},
      ]);
    }),
    ...(
      [
        [trajectoriesSuspend, 'trajectory.suspend'],
        [trajectoriesResume, 'trajectory.resume'],
      ] as const
    ).map(([contract, type]) =>
      serve(contract, async ({actor, input, call}) => {
        const id = await idOf(actor, input.trajectoryId);
        return change(services, {actor, call}, [{type, id, reason: input.reason}]);
      }),
    ),
  ];
};

const outcomeOf = (of: Partial<Outcome>): Outcome => ({
  status: of.status ?? 'success',
  summary: of.summary ?? '',
  produced_artifacts: of.produced_artifacts ?? [],
  produced_notes: of.produced_notes ?? [],
  promoted_artifacts: [],
  unpromoted: [],
  error: of.error ?? null,
});

/** A PATCH of the status is the transition that leads there. */
function statusCommands(
  id: Id,
  status: Trajectory['status'],
  outcome: Outcome | undefined,
): TrajectoryCommand[] {
  switch (status) {
    case 'active':
      return [{type: 'trajectory.resume', id, reason: null}];
    case 'suspended':
      return [{type: 'trajectory.suspend', id, reason: null}];
    case 'completed':
    case 'failed': {
      const fallback = status === 'failed' ? 'failure' : 'success';
      return [
        {
          type: 'trajectory.end',
          id,
          outcome: {
            ...outcomeOf(outcome ?? {}),
            ...(outcome === undefined ? {status: fallback} : {}),
          },
        },
      ];
    }
  }
}
