/** Deleting a trajectory with everything below it: children before parents, their scopes closed first. */
import {CellError} from '../../shared/errors.ts';
import type {Id, TenantNo} from '../../shared/ids.ts';
import type {Command, Row} from '../domain/aggregate.ts';
import type {Trajectory} from '../domain/trajectory.ts';
import type {Services} from './services.ts';

/** One event group is all that a cascade may be. */
const commandLimit = 256;

async function rowsBy(
  {store}: Services,
  tenant: TenantNo,
  entity: string,
  column: string,
  values: readonly Id[],
): Promise<readonly Row<unknown>[]> {
  const answer = await store.assemble(tenant, [{entity, column, values}], [], []);
  return answer.rows.map(({row}) => row);
}

/** The commands of a cascade; the last one is about the trajectory itself. */
export async function cascadeCommands(
  services: Services,
  tenant: TenantNo,
  root: Id,
): Promise<Command[]> {
  const levels: Id[][] = [[root]];
  for (let last = levels[0]; last !== undefined && last.length > 0; last = levels.at(-1)) {
    const children = await rowsBy(services, tenant, 'trajectory', 'parentTrajectoryId', last);
    const live = children.filter((row) => !(row.state as Trajectory).isDeleted);
    levels.push(live.map(({id}) => id));
    if (levels.flat().length > commandLimit) throw tooMany();
  }
  const ids = levels.flat().toReversed();
  const open = await rowsBy(services, tenant, 'scope', 'openIn', ids);
  const close = open.map(({id}): Command => ({type: 'scope.close', id}));
  if (close.length + ids.length > commandLimit) throw tooMany();
  return [...close, ...ids.map((id): Command => ({type: 'trajectory.delete', id}))];
}

const tooMany = (): CellError =>
  new CellError('LIMIT_EXCEEDED', `trajectory: a cascade is limited to ${commandLimit} events`, {
    details: {setting: 'group', limit: commandLimit},
  });
