/**
 * Gate 9: the quotas of the tenant's settings.
 *
 * Every quantity is a number that some row of the view has already: a trajectory knows its depth, and
 * containers count what is inside as they hear of it. So a quota costs no search, and two units of
 * one batch see each other's use. Judged on the view after the command.
 *
 * Two limits are not here: how many events a group may have, which is known when it is whole
 * (`sequence.ts`), and a scope's token budget, which the turn is decided on.
 */
import type {Id} from '../../../shared/ids.ts';
import {numberSetting, type SettingName} from '../../../shared/settings.ts';
import type {View} from '../../domain/aggregate.ts';
import type {Artifact} from '../../domain/artifact.ts';
import type {Note} from '../../domain/note.ts';
import type {Scope} from '../../domain/scope.ts';
import type {Trajectory} from '../../domain/trajectory.ts';
import {deny, pass, skip, type Unit, type Verdict} from './gate.ts';

type Use = {readonly setting: SettingName; readonly value: number};

const trajectoryOf = (after: View, id: Id | null | undefined): Trajectory | undefined =>
  id ? after.row<Trajectory>('trajectory', id)?.state : undefined;

/** What a command uses of which quota, on the view after it; null for commands under none. */
function useOf(u: Unit, after: View): Use | null {
  const {id, type} = u.command;
  switch (type) {
    case 'trajectory.create':
      return {setting: 'max_trajectory_depth', value: trajectoryOf(after, id)?.depth ?? 0};
    case 'scope.create':
    case 'scope.restore': {
      const scope = after.row<Scope>('scope', id)?.state;
      const value = trajectoryOf(after, scope?.trajectoryId)?.openScopeCount ?? 0;
      return {setting: 'max_open_scopes', value};
    }
    case 'artifact.create': {
      const made = after.row<Artifact>('artifact', id)?.state;
      const scope = made === undefined ? null : after.row<Scope>('scope', made.scopeId);
      return {setting: 'max_artifacts_per_scope', value: scope?.state.artifactCount ?? 0};
    }
    case 'note.create': {
      const home = after.row<Note>('note', id)?.state.homeTrajectoryId ?? null;
      if (home === null) return null;
      const value = trajectoryOf(after, home)?.noteCount ?? 0;
      return {setting: 'max_notes_per_trajectory', value};
    }
    default:
      return null;
  }
}

export function budgetGate(u: Unit): Verdict {
  const after = u.after;
  const use = after === null ? null : useOf(u, after);
  if (after === null || use === null) return skip;
  const {setting, value} = use;
  const limit = numberSetting(after.settings, setting);
  if (value <= limit) return pass;
  const message = `${u.aggregate.name}: ${setting} is ${limit}, this would be ${value}`;
  return deny('LIMIT_EXCEEDED', message, {setting, limit, value});
}
