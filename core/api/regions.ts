/** Use cases of regions. */
import {
  region,
  regionsCreate,
  regionsDelete,
  regionsGet,
  regionsList,
  regionsUpdate,
} from '../../shared/wire/regions.ts';
import type {Row} from '../domain/aggregate.ts';
import type {Region, RegionCommand} from '../domain/region.ts';
import {among, listAnswer, notDeleted, oneAnswer} from './list.ts';
import {mutate} from './mutate.ts';
import {serve, type Request, type Services, type Serving} from './services.ts';
import {stated} from './stated.ts';

export const regionUseCases = (services: Services): Serving[] => {
  const change = (
    {actor, call}: Pick<Request<unknown>, 'actor' | 'call'>,
    command: RegionCommand,
    status: 200 | 201 | 204 = 200,
  ) => {
    const shown = {resource: region, entity: 'region', id: command.id, status};
    return mutate(services, {actor, call}, [command], shown);
  };

  return [
    serve(regionsCreate, ({actor, input, call}) => {
      const id = services.newId<'region'>();
      return change({actor, call}, {type: 'region.create', id, draft: input}, 201);
    }),
    serve(regionsList, ({actor, input}) =>
      listAnswer(services, actor, input, {
        route: 'regions_list',
        resource: region,
        filters: [
          among('name', input.name),
          among('regionType', input.regionType),
          among('ownerAgentId', input.ownerAgentId),
          notDeleted,
        ],
      }),
    ),
    serve(regionsGet, ({actor, input}) =>
      oneAnswer(services, actor, input, {
        entity: 'region',
        id: input.regionId,
        print: (row) => region.print(row as Row<Region>, actor.tenantId),
      }),
    ),
    serve(regionsUpdate, ({actor, input, call}) => {
      const {regionId: id, ...set} = input;
      return change({actor, call}, {type: 'region.update', id, set: stated(set)});
    }),
    serve(regionsDelete, ({actor, input, call}) =>
      change({actor, call}, {type: 'region.delete', id: input.regionId}, 204),
    ),
  ];
};
