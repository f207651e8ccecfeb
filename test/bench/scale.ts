/** How large a run is, and the scopes it writes to. */
import type {Actor} from '../../core/domain/actor.ts';
import type {CoreProcess} from './core-process.ts';

export type Scale = {
  readonly runMs: number;
  readonly warmMs: number;
  /** Calls of one caller, where a row counts calls. */
  readonly calls: number;
  /** Turns of the thread that W5, R3, D1 and M1 are about. */
  readonly longTurns: number;
  readonly noteCount: number;
  /** Events of the bundle that V1 reads. */
  readonly bundleEvents: number;
  readonly tenants: number;
  readonly scopesPerTenant: number;
};

export type Member = {readonly actor: Actor; readonly scopeId: string};

const noBudget = 10_000_000;

/** A scope of its own trajectory, with room for everything. */
export async function openScope(core: CoreProcess, key: string): Promise<string> {
  const {trajectory_id: trajectoryId} = await core.call<{trajectory_id: string}>(
    key,
    'POST',
    '/trajectories',
    {name: 'bench'},
  );
  const scope = {trajectory_id: trajectoryId, name: 'bench', token_budget: noBudget};
  return (await core.call<{scope_id: string}>(key, 'POST', '/scopes', scope)).scope_id;
}
