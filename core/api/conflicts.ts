/** Use cases of conflicts. */
import {
  conflict,
  conflictsClaim,
  conflictsCreate,
  conflictsEscalate,
  conflictsGet,
  conflictsList,
  conflictsResolve,
} from '../../shared/wire/conflicts.ts';
import type {Actor} from '../domain/actor.ts';
import type {Row} from '../domain/aggregate.ts';
import type {Conflict, ConflictCommand} from '../domain/conflict.ts';
import {among, listAnswer, oneAnswer} from './list.ts';
import {mutate} from './mutate.ts';
import {serve, type Request, type Services, type Serving} from './services.ts';

/** Whom a claim and a resolution name. */
const byOf = (actor: Actor): string => actor.agentId ?? actor.by;

export const conflictUseCases = (services: Services): Serving[] => {
  const {reads} = services;
  const change = (
    {actor, call}: Pick<Request<unknown>, 'actor' | 'call'>,
    command: ConflictCommand,
    status: 200 | 201 = 200,
  ) => {
    const shown = {resource: conflict, entity: 'conflict', id: command.id, status};
    return mutate(services, {actor, call}, [command], shown);
  };

  return [
    serve(conflictsCreate, ({actor, input, call}) => {
      const draft = {...input, claimKey: null, isEscalated: false};
      const id = services.newId<'conflict'>();
      return change({actor, call}, {type: 'conflict.create', id, draft}, 201);
    }),
    serve(conflictsList, async ({actor, input}) => {
      const inside =
        input.trajectoryId === undefined
          ? undefined
          : await Promise.all(
              input.trajectoryId.map((one) =>
                reads.resolveLive(actor.tenantNo, 'trajectory', one, 'trajectory_id'),
              ),
            );
      return listAnswer(services, actor, input, {
        route: 'conflicts_list',
        resource: conflict,
        filters: [
          among('status', input.status),
          among('conflictType', input.conflictType),
          among('trajectoryId', inside),
        ],
      });
    }),
    serve(conflictsGet, ({actor, input}) =>
      oneAnswer(services, actor, input, {
        entity: 'conflict',
        id: input.conflictId,
        print: (row) => conflict.print(row as Row<Conflict>, actor.tenantId),
      }),
    ),
    serve(conflictsClaim, ({actor, input, call}) =>
      change({actor, call}, {type: 'conflict.claim', id: input.conflictId, by: byOf(actor)}),
    ),
    serve(conflictsResolve, async ({actor, input, call}) => {
      const {conflictId: id, ...decided} = input;
      const {itemA, itemB} = (await reads.live<Conflict>(actor.tenantNo, 'conflict', id)).state;
      const items = [itemA, itemB] as const;
      const command = {type: 'conflict.resolve', id, by: byOf(actor), items, ...decided} as const;
      return change({actor, call}, command);
    }),
    serve(conflictsEscalate, ({actor, input, call}) => {
      const {conflictId: id, reason} = input;
      return change({actor, call}, {type: 'conflict.escalate', id, reason});
    }),
  ];
};
