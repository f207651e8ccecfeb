/** Commands about memory as use cases make them, read by the contracts and with the rest filled in. */
import type {ArtifactCommand} from '../../core/domain/artifact.ts';
import type {NoteCommand} from '../../core/domain/note.ts';
import type {ScopeCommand} from '../../core/domain/scope.ts';
import type {TrajectoryCommand} from '../../core/domain/trajectory.ts';
import type {TurnCommand} from '../../core/domain/turn.ts';
import type {Writer} from '../../core/domain/memory-item.ts';
import {countTokens} from '../../core/text/tokens.ts';
import type {Id} from '../../shared/ids.ts';
import {artifactsCreate} from '../../shared/wire/artifacts.ts';
import {readInput, type Contract} from '../../shared/wire/contract.ts';
import {provenanceOf} from '../../shared/wire/memory-item.ts';
import {notesCreate} from '../../shared/wire/notes.ts';
import {scopesCreate} from '../../shared/wire/scopes.ts';
import {trajectoriesCreate} from '../../shared/wire/trajectories.ts';
import {turnsCreate} from '../../shared/wire/turns.ts';
import {idOf} from './spec.ts';

type Sent = Readonly<Record<string, unknown>>;

export const anyone: Writer = {ceiling: 'user'};

const read = (contract: Contract, sent: Sent): Record<string, unknown> =>
  readInput(contract, sent) as Record<string, unknown>;

const measured = (content: string) => ({
  contentHash: 'ab'.repeat(32),
  sizeBytes: content.length,
  tokenCount: countTokens(content),
});

/** A body that is equal for equal input, as the keyed hash of a use case is. */
const identityOf = (sent: Sent): string => JSON.stringify(sent);

export function beginTrajectory(id: Id, sent: Sent = {}): TrajectoryCommand {
  const draft = read(trajectoriesCreate as Contract, {name: 'task', ...sent});
  return {type: 'trajectory.create', id, draft: {...draft, agentId: idOf(1)}} as TrajectoryCommand;
}

export function openScope(id: Id, trajectoryId: Id, sent: Sent = {}): ScopeCommand {
  const draft = read(scopesCreate as Contract, {trajectory_id: trajectoryId, name: 's', ...sent});
  return {type: 'scope.create', id, draft} as ScopeCommand;
}

export function sayTurn(id: Id, scopeId: Id, sent: Sent = {}, writer = anyone): TurnCommand {
  const draft = read(turnsCreate as Contract, {
    scope_id: scopeId,
    role: 'User',
    content: 'four',
    ...sent,
  });
  const {tokenCount, ...counted} = measured(draft['content'] as string);
  const made = {...draft, ...counted, tokenCount: draft['tokenCount'] ?? tokenCount};
  return {type: 'turn.create', id, draft: made, writer} as TurnCommand;
}

export function keepArtifact(
  id: Id,
  of: {readonly trajectoryId: Id; readonly scopeId: Id},
  sent: Sent = {},
  writer = anyone,
): ArtifactCommand {
  const body = {
    trajectory_id: of.trajectoryId,
    scope_id: of.scopeId,
    artifact_type: 'Fact',
    name: 'a fact',
    content: 'water is wet',
    source_turn: 0,
    extraction_method: 'Explicit',
    ...sent,
  };
  const {sourceTurn, extractionMethod, confidence, ...draft} = read(
    artifactsCreate as Contract,
    body,
  );
  const provenance = provenanceOf({...draft, sourceTurn, extractionMethod, confidence});
  const made = {...draft, provenance, ...measured(body.content), identityKey: identityOf(body)};
  return {type: 'artifact.create', id, draft: made, writer} as unknown as ArtifactCommand;
}

export function keepNote(id: Id, sent: Sent = {}, writer = anyone): NoteCommand {
  const body = {note_type: 'Fact', title: 'a note', content: 'water is wet', ...sent};
  const draft = read(notesCreate as Contract, body);
  const made = {
    ...draft,
    agentId: draft['agentId'] ?? idOf(1),
    ...measured(body.content),
    identityKey: identityOf(body),
  };
  return {type: 'note.create', id, draft: made, writer} as NoteCommand;
}
