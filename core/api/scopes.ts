/** Use cases of scopes. */
import type {ItemRef} from '../../shared/wire/memory-item.ts';
import {
  scope,
  scopesCheckpoint,
  scopesClose,
  scopesCreate,
  scopesGet,
  scopesList,
  scopesUpdate,
  trajectoriesListScopes,
} from '../../shared/wire/scopes.ts';
import type {Actor} from '../domain/actor.ts';
import type {Row} from '../domain/aggregate.ts';
import type {Scope, ScopeCommand} from '../domain/scope.ts';
import {externalIdOf, resolveEach, resolveOptional} from './items.ts';
import {among, leafOf, listAnswer, oneAnswer} from './list.ts';
import {mutate} from './mutate.ts';
import {seenBy} from './seen.ts';
import {serve, type Request, type Services, type Serving} from './services.ts';
import {stated} from './stated.ts';

/** As many scopes as one answer of the bare list holds. */
const bareLimit = 10_000;

const expiredWith = {
  name: 'item_select_expired_with',
  text: `select 'artifact' as entity_type, a.id from mem.artifact a
      where a.tenant_no = $1 and a.expires_with = $2 and not a.is_deleted and a.superseded_by is null
    union all select 'note', n.id from mem.note n
      where n.tenant_no = $1 and n.expires_with = $2 and not n.is_deleted and n.superseded_by is null`,
};

export const scopeUseCases = (services: Services): Serving[] => {
  const {reads, store} = services;
  const idOf = (actor: Actor, reference: string) =>
    reads.resolve(actor.tenantNo, 'scope', reference);
  const print =
    (actor: Actor) =>
    (row: Row<unknown>, leaf: number | null = null) =>
      seenBy(services, actor, leaf).scope(row);

  const change = (
    {actor, call}: Pick<Request<unknown>, 'actor' | 'call'>,
    command: ScopeCommand,
    more?: (row: Row<unknown>) => Promise<object>,
  ) =>
    mutate(services, {actor, call}, [command], {
      resource: scope,
      entity: 'scope',
      id: command.id,
      status: 'draft' in command ? 201 : 200,
      print: print(actor),
      ...(more === undefined ? {} : {more}),
    });

  /** What a close did besides: read off the rows, so that a replay answers the same. */
  const closed = (actor: Actor) => async (row: Row<unknown>) => {
    const {state} = row as Row<Scope>;
    const expired = await store.read(actor.tenantNo, (q) =>
      q.rows<ItemRef>(expiredWith, [actor.tenantNo, row.id]),
    );
    const released_turns = state.turnsKept ? 0 : state.turnCount;
    return {released_turns, expired, summaries: state.closeSummaryIds};
  };

  return [
    serve(scopesCreate, async ({actor, input, call}) => {
      const {trajectoryId, parentScopeId, externalId, ...rest} = input;
      const draft = {
        ...rest,
        externalId: externalIdOf(externalId, rest.metadata, 'langgraph_checkpoint_id'),
        trajectoryId: await reads.resolve(
          actor.tenantNo,
          'trajectory',
          trajectoryId,
          'trajectory_id',
        ),
        parentScopeId: await resolveOptional(
          services,
          actor,
          'scope',
          parentScopeId,
          'parent_scope_id',
        ),
      };
      return change({actor, call}, {type: 'scope.create', id: services.newId<'scope'>(), draft});
    }),
    serve(scopesList, async ({actor, input}) => {
      const {trajectoryId, isActive, externalId} = input;
      const within =
        trajectoryId === undefined
          ? undefined
          : await resolveEach(services, actor, 'trajectory', trajectoryId, 'trajectory_id');
      return listAnswer(services, actor, input, {
        route: 'scopes_list',
        resource: scope,
        print: print(actor),
        filters: [
          among('trajectoryId', within),
          among('isActive', isActive === undefined ? undefined : [isActive]),
          among('externalId', externalId),
        ],
      });
    }),
    serve(trajectoriesListScopes, async ({actor, input}) => {
      const {tenantNo} = actor;
      const leaf = await leafOf(services, tenantNo, input);
      const id = await reads.resolveLive(
        tenantNo,
        'trajectory',
        input.trajectoryId,
        undefined,
        leaf,
      );
      const answer = await listAnswer(services, actor, input, {
        route: `trajectories_list_scopes/${id}`,
        resource: scope,
        limit: bareLimit,
        order: 'recent',
        print: print(actor),
        filters: [
          among('trajectoryId', [id]),
          among('isActive', input.isActive === undefined ? undefined : [input.isActive]),
        ],
      });
      return {...answer, body: (answer.body as {scopes: object[]}).scopes};
    }),
    serve(scopesGet, async ({actor, input}) =>
      oneAnswer(services, actor, input, {
        entity: 'scope',
        id: await idOf(actor, input.scopeId),
        print: print(actor),
      }),
    ),
    serve(scopesUpdate, async ({actor, input, call}) => {
      const {scopeId, ...set} = input;
      const id = await idOf(actor, scopeId);
      return change({actor, call}, {type: 'scope.update', id, set: stated(set)});
    }),
    serve(scopesClose, async ({actor, input, call}) => {
      const id = await idOf(actor, input.scopeId);
      const {requireExtraction} = input;
      return change({actor, call}, {type: 'scope.close', id, requireExtraction}, closed(actor));
    }),
    serve(scopesCheckpoint, async ({actor, input, call}) => {
      const {scopeId, contextState, recoverable} = input;
      const id = await idOf(actor, scopeId);
      return change({actor, call}, {type: 'scope.checkpoint', id, contextState, recoverable});
    }),
  ];
};
