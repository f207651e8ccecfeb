/**
 * A note: knowledge that outlives the trajectory it came from.
 *
 * Notes stand on the tenant's chain. One that is drawn from others says so, and is of a higher level
 * than all of them: a summary has sources, a principle has source notes.
 */
import type {Hex, Id, Micros} from '../../shared/ids.ts';
import type {ItemRef} from '../../shared/wire/memory-item.ts';
import type {NoteChange, NoteDraft, NoteState} from '../../shared/wire/notes.ts';
import type {SourceClass} from './actor.ts';
import {
  by,
  byId,
  type Aggregate,
  type Command,
  type Decision,
  type Ref,
  type Refusal,
  type Row,
  type View,
} from './aggregate.ts';
import {
  decideEnd,
  evolveEnd,
  makeRoom,
  needsOfEnd,
  type EndCommand,
  type EndEvent,
} from './item-ending.ts';
import {
  changeOf,
  lowConfidence,
  refuseLifetime,
  type Changed,
  type Kept,
  type Measured,
} from './kept-item.ts';
import {
  itemsOf,
  refsOf,
  refsTo,
  refuseValidity,
  trustOf,
  type Seen,
  type Writer,
} from './memory-item.ts';
import type {Scope} from './scope.ts';
import {lifetimeOf, mostOf, type Holders} from './ttl.ts';

/** Counters of reads, which are kept outside the ledger. */
export type Accessed = {readonly accessedAt: Micros | null; readonly accessCount: number};

export type Note = Omit<
  NoteState,
  | keyof Seen
  | keyof Kept
  | keyof Accessed
  | 'agentId'
  | 'scopeId'
  | 'sourceTrajectoryIds'
  | 'content'
> &
  Kept & {
    readonly agentId: Id;
    readonly scopeId: Id | null;
    readonly sourceTrajectoryIds: readonly Id[];
    /** The first source trajectory, whose quota counts the note. */
    readonly homeTrajectoryId: Id | null;
    /** Null once it has been destroyed; `contentStateOf` tells when it is no longer shown. */
    readonly content: string | null;
  };

/**
 * What a create brings. The use case has resolved scope and source trajectories and chosen the
 * owner: the agent named, else the acting one, else the tenant's default.
 */
export type NoteMade = Omit<NoteDraft, 'agentId' | 'scopeId' | 'sourceTrajectoryIds'> &
  Measured & {
    readonly agentId: Id;
    readonly scopeId: Id | null;
    readonly sourceTrajectoryIds: readonly Id[];
    /** Null inside an atomic batch, where nothing is deduplicated. */
    readonly identityKey: Hex | null;
  };

/** A change: with a new content comes what was measured of it. */
export type NoteSet = NoteChange & Partial<Measured>;

export type NoteCommand =
  | {type: 'note.create'; id: Id; draft: NoteMade; writer: Writer}
  | {type: 'note.update'; id: Id; set: NoteSet; writer: Writer}
  | EndCommand<'note'>;

type Placed = Omit<NoteMade, 'sourceClass'> & {
  readonly sourceClass: SourceClass;
  readonly trust: SourceClass;
};

export type NoteEvent =
  | {kind: 'note.created'; data: Placed}
  | {kind: 'note.updated'; data: Changed<NoteSet>}
  | EndEvent<'note'>;

type Sources = Pick<NoteDraft, 'sourceArtifactIds' | 'sourceNoteIds' | 'sourceTurnIds'>;

const sourcesOf = (of: Sources): readonly ItemRef[] => [
  ...refsTo('artifact', of.sourceArtifactIds),
  ...refsTo('note', of.sourceNoteIds),
  ...refsTo('turn', of.sourceTurnIds),
];

/** Everything a note was made from. */
export const noteLineage = (
  of: Sources & Pick<NoteDraft, 'derivedFrom' | 'recalledFrom'>,
): readonly ItemRef[] => [...sourcesOf(of), ...of.derivedFrom, ...of.recalledFrom];

const holders = (
  of: Pick<Note, 'scopeId' | 'sourceTrajectoryIds' | 'agentId' | 'noteType'>,
): Holders => ({
  scopeId: of.scopeId,
  sessionId: of.sourceTrajectoryIds.length === 1 ? (of.sourceTrajectoryIds[0] ?? null) : null,
  group: `${of.agentId}:${of.noteType}`,
});

const levels = {raw: 0, summary: 1, principle: 2} as const;

/** Refuses a note that is not above what it was drawn from, or that lacks what its level needs. */
function refuseLevel(draft: NoteMade, v: View): Refusal | null {
  const {abstractionLevel: level, sourceTrajectoryIds, sourceNoteIds, sourceArtifactIds} = draft;
  const sources = sourcesOf(draft);
  const isBacked =
    level === 'raw' ||
    (level === 'principle' ? sourceNoteIds.length : sources.length + sourceTrajectoryIds.length) >
      0;
  const needsArtifact = v.settings['require_artifact_backing'] === true;
  if (!isBacked || (needsArtifact && sourceArtifactIds.length === 0)) {
    return {refuse: 'GATE_REFUSED', why: {reason: 'lineage'}};
  }
  if (level === 'raw') return null;
  const tooHigh = itemsOf(v, sources).some((row) => levelOf(row) >= levels[level]);
  return tooHigh ? {refuse: 'GATE_REFUSED', why: {reason: 'level'}} : null;
}

/** A turn has no level of its own: it is as raw as anything. */
const levelOf = (row: Row<unknown> | null): number => {
  const {abstractionLevel = 'raw'} = (row?.state ?? {}) as Partial<Pick<Note, 'abstractionLevel'>>;
  return levels[abstractionLevel];
};

function decideCreate(
  c: Extract<NoteCommand, {type: 'note.create'}>,
  v: View,
): Decision<NoteEvent> {
  const {id, draft, writer} = c;
  const of = holders(draft);
  const fault =
    refuseValidity(draft, v.at) ?? refuseLifetime(draft.ttl, of, v) ?? refuseLevel(draft, v);
  if (fault !== null) return fault;
  // A note says nothing of how it was found, so it is worth what an agent concludes.
  const trusted = trustOf(draft, writer, 'inference', itemsOf(v, noteLineage(draft)));
  if ('refuse' in trusted) return trusted;
  const scope = draft.scopeId === null ? null : v.row<Scope>('scope', draft.scopeId);
  const data: Placed = {
    ...draft,
    ...trusted,
    subject: draft.subject ?? scope?.state.subject ?? null,
    recalled: draft.recalled || draft.recalledFrom.length > 0,
  };
  const then: readonly Command[] = makeRoom('note', {...draft, id, group: of.group}, v);
  return {events: [{kind: 'note.created', data}], then, warn: lowConfidence(draft.confidence, v)};
}

function decideUpdate(
  c: Extract<NoteCommand, {type: 'note.update'}>,
  s: Note,
  v: View,
): Decision<NoteEvent> {
  const next = {...s, ...c.set};
  const of = holders(next);
  const createdAt = v.row('note', c.id)?.createdAt ?? v.at;
  const data = changeOf(s, c.set, {writer: c.writer, createdAt, holders: of}, v);
  if ('refuse' in data) return data;
  // A new group, or a new bound: this one has arrived, and the oldest of the others make room.
  const isMoved = c.set.ttl !== undefined || c.set.noteType !== undefined;
  const room = {id: c.id, identityKey: null, ttl: next.ttl, group: of.group};
  const then: readonly Command[] = isMoved ? makeRoom('note', room, v) : [];
  return {
    events: [{kind: 'note.updated', data}],
    then,
    warn: lowConfidence(c.set.confidence ?? null, v),
  };
}

function needsOfCreate({draft}: Extract<NoteCommand, {type: 'note.create'}>): readonly Ref[] {
  const group = mostOf(draft.ttl) === null ? null : holders(draft).group;
  return [
    byId('agent', draft.agentId),
    byId('scope', draft.scopeId),
    byId('region', draft.regionId),
    byId('trajectory', ...draft.sourceTrajectoryIds),
    by('note', 'identityKey', draft.identityKey),
    by('note', 'externalId', draft.externalId),
    by('note', 'maxGroup', group),
    ...refsOf(noteLineage(draft)),
  ];
}

function created(data: Placed, at: Micros): Note {
  return {
    ...data,
    ...lifetimeOf(data.ttl, at, holders(data)),
    homeTrajectoryId: data.sourceTrajectoryIds[0] ?? null,
    validFrom: data.validFrom ?? at,
    supersededBy: null,
    isExpired: false,
    isDeleted: false,
  };
}

function updated(s: Note, data: Changed<NoteSet>, at: Micros): Note {
  const next: Note = {...s, ...data, identityKey: null};
  const lifetime = lifetimeOf(next.ttl, at, holders(next));
  return {...next, ...(data.ttl === undefined ? {maxGroup: lifetime.maxGroup} : lifetime)};
}

export const note: Aggregate<NoteCommand, NoteEvent, Note> = {
  name: 'note',
  columns: [
    'externalId',
    'noteType',
    'title',
    'content',
    'agentId',
    'scopeId',
    'homeTrajectoryId',
    'sourceTrajectoryIds',
    'abstractionLevel',
    'regionId',
    'claimKey',
    'identityKey',
    'maxGroup',
    'expiresWith',
    'expiresAt',
    'isExpired',
    'supersededBy',
    'isDeleted',
    'validFrom',
    'validTo',
  ],
  content: ['content'],
  missing: 'NOTE_NOT_FOUND',
  unique: ['externalId'],
  within: {scopeId: 'scope', homeTrajectoryId: 'trajectory', regionId: 'region'},
  needs(c) {
    switch (c.type) {
      case 'note.create':
        return needsOfCreate(c);
      case 'note.update':
        return [];
      default:
        return needsOfEnd('note', c);
    }
  },
  decide(c, s, v) {
    if (c.type === 'note.create') return decideCreate(c, v);
    if (s === null || s.isDeleted) return {refuse: 'NOTE_NOT_FOUND'};
    if (c.type === 'note.update') return decideUpdate(c, s, v);
    return decideEnd('note', c, s, v);
  },
  evolve(s, e) {
    if (e.kind === 'note.created') return created(e.data, e.at);
    if (s === null) return null;
    switch (e.kind) {
      case 'note.updated':
        return updated(s, e.data, e.at);
      case 'note.superseded':
      case 'note.deleted':
      case 'note.expired':
        return evolveEnd(s, e);
      default:
        return s;
    }
  },
};
