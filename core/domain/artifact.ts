/** An artifact: an extracted output of a scope, which it outlives. */
import type {Hex, Id, Micros} from '../../shared/ids.ts';
import type {ArtifactChange, ArtifactDraft, ArtifactState} from '../../shared/wire/artifacts.ts';
import type {ItemRef, Provenance} from '../../shared/wire/memory-item.ts';
import type {SourceClass} from './actor.ts';
import {
  by,
  byId,
  type Aggregate,
  type Command,
  type Decision,
  type Ref,
  type View,
  type Warning,
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

export type Artifact = Omit<
  ArtifactState,
  keyof Seen | keyof Kept | 'trajectoryId' | 'scopeId' | 'content'
> &
  Kept & {
    readonly trajectoryId: Id;
    readonly scopeId: Id;
    /** Null once it has been destroyed; `contentStateOf` tells when it is no longer shown. */
    readonly content: string | null;
  };

/**
 * What a create brings. The use case has resolved trajectory and scope, joined the spellings of the
 * provenance (`provenanceOf`) and looked its `source_turn` up: `source_turn_id` is the turn of that
 * sequence, null where there is none. `identityKey` is the keyed hash of the normalised body.
 */
export type ArtifactMade = Omit<ArtifactDraft, 'trajectoryId' | 'scopeId'> &
  Measured & {
    readonly trajectoryId: Id;
    readonly scopeId: Id;
    /** Null inside an atomic batch, where nothing is deduplicated. */
    readonly identityKey: Hex | null;
  };

/** A change: with a new content comes what was measured of it. */
export type ArtifactSet = ArtifactChange & Partial<Measured>;

export type ArtifactCommand =
  | {type: 'artifact.create'; id: Id; draft: ArtifactMade; writer: Writer}
  | {type: 'artifact.update'; id: Id; set: ArtifactSet; writer: Writer}
  | EndCommand<'artifact'>;

type Placed = Omit<ArtifactMade, 'sourceClass' | 'identityKey'> & {
  readonly identityKey: Hex | null;
  readonly sourceClass: SourceClass;
  readonly trust: SourceClass;
};

export type ArtifactEvent =
  | {kind: 'artifact.created'; data: Placed}
  | {kind: 'artifact.updated'; data: Changed<ArtifactSet>}
  | EndEvent<'artifact'>;

/** What a method is worth by itself; a tool that is registered as internal is worth more. */
const classOfMethod: Readonly<Record<Provenance['extraction_method'], SourceClass>> = {
  explicit: 'inference',
  inferred: 'inference',
  user_provided: 'user',
  llm_extraction: 'inference',
  tool_extraction: 'tool_external',
  memory_recall: 'inference',
  external_api: 'tool_external',
  unknown: 'tool_external',
};

type Lineage = Pick<ArtifactDraft, 'derivedFrom' | 'recalledFrom' | 'provenance'>;

/** Everything an artifact was made from. */
export const artifactLineage = (of: Lineage): readonly ItemRef[] => [
  ...of.derivedFrom,
  ...of.recalledFrom,
  ...refsTo('turn', [of.provenance.source_turn_id]),
];

const holders = (of: Pick<Artifact, 'scopeId' | 'trajectoryId' | 'artifactType'>): Holders => ({
  scopeId: of.scopeId,
  sessionId: of.trajectoryId,
  group: `${of.trajectoryId}:${of.artifactType}`,
});

function warningsOf(
  {source_turn: turn, source_turn_id: found, confidence}: Provenance,
  v: View,
): Warning[] {
  const unknown: Warning = {
    code: 'unknown_source_turn',
    why: {source_turn: turn},
    message: `the scope has no turn ${turn}, so the artifact has no lineage from it`,
  };
  return [...(turn > 0 && found === null ? [unknown] : []), ...lowConfidence(confidence, v)];
}

function decideCreate(
  c: Extract<ArtifactCommand, {type: 'artifact.create'}>,
  v: View,
): Decision<ArtifactEvent> {
  const {id, draft, writer} = c;
  const scope = v.row<Scope>('scope', draft.scopeId)?.state;
  if (scope === undefined) return {refuse: 'SCOPE_NOT_FOUND'};
  if (scope.openIn !== draft.trajectoryId) {
    const reason = scope.isActive ? 'other_trajectory' : 'scope_closed';
    return {refuse: 'STATE_CONFLICT', why: {reason}};
  }
  const of = holders(draft);
  const fault = refuseValidity(draft, v.at) ?? refuseLifetime(draft.ttl, of, v);
  if (fault !== null) return fault;
  const {extraction_method: method} = draft.provenance;
  const trusted = trustOf(draft, writer, classOfMethod[method], itemsOf(v, artifactLineage(draft)));
  if ('refuse' in trusted) return trusted;
  const isRecalled = draft.recalled || draft.recalledFrom.length > 0 || method === 'memory_recall';
  const data: Placed = {
    ...draft,
    ...trusted,
    subject: draft.subject ?? scope.subject,
    recalled: isRecalled,
  };
  const then: readonly Command[] = makeRoom('artifact', {...draft, id, group: of.group}, v);
  return {events: [{kind: 'artifact.created', data}], then, warn: warningsOf(draft.provenance, v)};
}

function decideUpdate(
  c: Extract<ArtifactCommand, {type: 'artifact.update'}>,
  s: Artifact,
  v: View,
): Decision<ArtifactEvent> {
  const next = {...s, ...c.set};
  const of = holders(next);
  const createdAt = v.row('artifact', c.id)?.createdAt ?? v.at;
  const data = changeOf(s, c.set, {writer: c.writer, createdAt, holders: of}, v);
  if ('refuse' in data) return data;
  // A new group, or a new bound: this one has arrived, and the oldest of the others make room.
  const isMoved = c.set.ttl !== undefined || c.set.artifactType !== undefined;
  const room = {id: c.id, identityKey: null, ttl: next.ttl, group: of.group};
  const then: readonly Command[] = isMoved ? makeRoom('artifact', room, v) : [];
  return {events: [{kind: 'artifact.updated', data}], then};
}

/** Rows that a create must see. Evidence is a pointer for people, and is not looked up. */
function needsOfCreate({
  draft,
}: Extract<ArtifactCommand, {type: 'artifact.create'}>): readonly Ref[] {
  const group = mostOf(draft.ttl) === null ? null : holders(draft).group;
  return [
    byId('trajectory', draft.trajectoryId),
    byId('scope', draft.scopeId),
    byId('region', draft.regionId),
    by('artifact', 'identityKey', draft.identityKey),
    by('artifact', 'externalId', draft.externalId),
    by('artifact', 'maxGroup', group),
    ...refsOf(artifactLineage(draft)),
  ];
}

const levelOf = (type: Artifact['artifactType']): Artifact['abstractionLevel'] =>
  type === 'summary' ? 'summary' : 'raw';

/** What follows from the other members, at the moment that set them. */
function settled(s: Artifact, at: Micros, isNewLifetime: boolean): Artifact {
  const lifetime = lifetimeOf(s.ttl, at, holders(s));
  const {maxGroup} = lifetime;
  return {
    ...s,
    ...(isNewLifetime ? lifetime : {maxGroup}),
    abstractionLevel: levelOf(s.artifactType),
  };
}

function created(data: Placed, at: Micros): Artifact {
  const made: Artifact = {
    ...data,
    validFrom: data.validFrom ?? at,
    supersededBy: null,
    promotedFrom: null,
    copiedFrom: null,
    abstractionLevel: 'raw',
    isExpired: false,
    isDeleted: false,
    expiresAt: null,
    expiresWith: null,
    maxGroup: null,
  };
  return settled(made, at, true);
}

export const artifact: Aggregate<ArtifactCommand, ArtifactEvent, Artifact> = {
  name: 'artifact',
  columns: [
    'externalId',
    'trajectoryId',
    'scopeId',
    'artifactType',
    'name',
    'content',
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
  missing: 'ARTIFACT_NOT_FOUND',
  unique: ['externalId'],
  within: {scopeId: 'scope', regionId: 'region'},
  chain: (s) => s.trajectoryId,
  needs(c) {
    switch (c.type) {
      case 'artifact.create':
        return needsOfCreate(c);
      case 'artifact.update':
        return [];
      default:
        return needsOfEnd('artifact', c);
    }
  },
  decide(c, s, v) {
    if (c.type === 'artifact.create') return decideCreate(c, v);
    if (s === null || s.isDeleted) return {refuse: 'ARTIFACT_NOT_FOUND'};
    if (c.type === 'artifact.update') return decideUpdate(c, s, v);
    return decideEnd('artifact', c, s, v);
  },
  evolve(s, e) {
    if (e.kind === 'artifact.created') return created(e.data, e.at);
    if (s === null) return null;
    switch (e.kind) {
      case 'artifact.updated': {
        const next = {...s, ...e.data, identityKey: null};
        return settled(next, e.at, e.data.ttl !== undefined);
      }
      case 'artifact.superseded':
      case 'artifact.deleted':
      case 'artifact.expired':
        return evolveEnd(s, e);
      default:
        return s;
    }
  },
};
