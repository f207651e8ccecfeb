/**
 * One ledger event as a frame: its type by name, the entity as of that version without content.
 */
import type {EventRow} from '../../api/changes.ts';
import {kindEntity, kindName} from '../../../shared/ledger/kinds.ts';
import {isoTime} from '../../../shared/wire/scalar.ts';

const created = (noun: string) => `${noun}Created`;

/** Kinds whose frames have a name of their own; every other kind is `Changed`. */
const typeOfKind: Readonly<Record<string, string>> = {
  'trajectory.created': created('Trajectory'),
  'trajectory.forked': created('Trajectory'),
  'trajectory.updated': 'TrajectoryUpdated',
  'trajectory.completed': 'TrajectoryUpdated',
  'trajectory.failed': 'TrajectoryUpdated',
  'trajectory.suspended': 'TrajectoryUpdated',
  'trajectory.resumed': 'TrajectoryUpdated',
  'trajectory.merged': 'TrajectoryUpdated',
  'trajectory.deleted': 'TrajectoryDeleted',
  'scope.created': created('Scope'),
  'scope.restored': created('Scope'),
  'scope.updated': 'ScopeUpdated',
  'scope.checkpointed': 'ScopeUpdated',
  'scope.closed': 'ScopeClosed',
  'turn.created': created('Turn'),
  'artifact.created': created('Artifact'),
  'artifact.promoted': created('Artifact'),
  'artifact.updated': 'ArtifactUpdated',
  'artifact.superseded': 'ArtifactUpdated',
  'artifact.deleted': 'ArtifactDeleted',
  'artifact.expired': 'ArtifactDeleted',
  'note.created': created('Note'),
  'note.updated': 'NoteUpdated',
  'note.superseded': 'NoteUpdated',
  'note.deleted': 'NoteDeleted',
  'note.expired': 'NoteDeleted',
  'agent.registered': 'AgentRegistered',
  'agent.status_changed': 'AgentStatusChanged',
  'agent.killed': 'AgentStatusChanged',
  'agent.revived': 'AgentStatusChanged',
  'agent.unregistered': 'AgentUnregistered',
  'lock.acquired': 'LockAcquired',
  'lock.released': 'LockReleased',
  'lock.expired': 'LockExpired',
  'tenant.settings_changed': 'ConfigUpdated',
};

/** The name of a frame by the kind of its event. */
export const frameType = (event: EventRow): string => typeOfKind[kindName(event.kind)] ?? 'Changed';

/** Frames that name what they are about and do not show it, as older clients read them. */
const idMember: Readonly<Record<string, string>> = {
  TrajectoryDeleted: 'id',
  ArtifactDeleted: 'id',
  NoteDeleted: 'id',
  AgentUnregistered: 'id',
  AgentStatusChanged: 'agent_id',
  LockReleased: 'lock_id',
  LockExpired: 'lock_id',
};

type Entity = Readonly<Record<string, unknown>> | null;

/** The members that only frames of this type have. */
function ownMembers(type: string, entityType: string, id: string, entity: Entity): object {
  const named = idMember[type];
  if (type === 'AgentStatusChanged') return {agent_id: id, status: entity?.['status'] ?? null};
  if (named !== undefined) return {[named]: id};
  return {[type === 'ConfigUpdated' ? 'config' : entityType]: entity};
}

export type About = {
  readonly tenantId: string;
  /** The entity as of the event's version, without content; null when erased. */
  readonly entity: Entity;
  /** Id of the first event of its group. */
  readonly groupId: string;
};

/** The frame of an event. */
export function frameOf(event: EventRow, about: About): Record<string, unknown> {
  const {header} = event;
  const {tenantId, entity, groupId} = about;
  const kind = kindName(event.kind);
  const entityType = kindEntity(kind);
  const type = frameType(event);
  const isAbout = entityType !== null && header.ent !== null;
  return {
    type,
    ...(isAbout ? ownMembers(type, entityType, header.ent.id, entity) : {}),
    cursor: event.leaf,
    event_id: event.id,
    receipt_id: event.id,
    kind,
    at: isoTime(event.at),
    tenant_id: tenantId,
    entity_type: entityType,
    entity_id: header.ent?.id ?? null,
    version: header.ent?.ver ?? null,
    trajectory_id: header.traj,
    actor: header.actor,
    group: {id: groupId, i: header.grp[0], n: header.grp[1]},
  };
}
