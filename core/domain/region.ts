/**
 * A region: memory that several agents share, with rules of its own.
 *
 * What stands in a region is read and written by the region's rule and by nothing else. It counts
 * its current items as their container, so that deleting it needs no search.
 */
import type {Id} from '../../shared/ids.ts';
import type {RegionChange, RegionDraft, RegionState} from '../../shared/wire/regions.ts';
import {by, byId, conflict, type Aggregate} from './aggregate.ts';

export type Region = Omit<RegionState, 'ownerAgentId'> & {
  readonly ownerAgentId: Id;
  /** The name until the region is deleted: two may not share one. */
  readonly liveName: string | null;
  /** Artifacts and notes in it that are current. */
  readonly itemCount: number;
  readonly isDeleted: boolean;
};

export type RegionCommand =
  | {type: 'region.create'; id: Id; draft: RegionDraft}
  | {type: 'region.update'; id: Id; set: RegionChange}
  | {type: 'region.delete'; id: Id};

export type RegionEvent =
  | {kind: 'region.created'; data: RegionDraft}
  | {kind: 'region.updated'; data: RegionChange}
  | {kind: 'region.deleted'; data: Record<string, never>}
  | ItemEvent;

/** Events of what is inside, as far as a region counts them. */
type ItemEvent =
  | {kind: 'artifact.created' | 'note.created'; data: object}
  | {
      kind: `${'artifact' | 'note'}.${'superseded' | 'deleted' | 'expired'}`;
      data: {wasCurrent: boolean};
    };

export const region: Aggregate<RegionCommand, RegionEvent, Region> = {
  name: 'region',
  columns: ['name', 'liveName', 'regionType', 'ownerAgentId', 'isDeleted'],
  content: [],
  missing: 'ENTITY_NOT_FOUND',
  unique: ['liveName'],
  needs(c) {
    if (c.type === 'region.delete') return [];
    const stated = c.type === 'region.create' ? c.draft : c.set;
    const owner = c.type === 'region.create' ? c.draft.ownerAgentId : null;
    return [
      by('region', 'liveName', stated.name ?? null),
      byId('agent', owner, ...(stated.readers ?? []), ...(stated.writers ?? [])),
    ];
  },
  decide(c, s) {
    if (c.type === 'region.create') return {events: [{kind: 'region.created', data: c.draft}]};
    if (s === null || s.isDeleted) return {refuse: 'ENTITY_NOT_FOUND'};
    if (c.type === 'region.update') return {events: [{kind: 'region.updated', data: c.set}]};
    if (s.itemCount > 0) return conflict('not_empty', 'deleted');
    return {events: [{kind: 'region.deleted', data: {}}]};
  },
  evolve(s, e) {
    if (e.kind === 'region.created') {
      return {...e.data, liveName: e.data.name, itemCount: 0, isDeleted: false};
    }
    if (s === null) return null;
    switch (e.kind) {
      case 'region.updated': {
        const next = {...s, ...e.data};
        return {...next, liveName: s.liveName === null ? null : next.name};
      }
      case 'region.deleted':
        return {...s, liveName: null, isDeleted: true};
      case 'artifact.created':
      case 'note.created':
        return {...s, itemCount: s.itemCount + 1};
      case 'artifact.superseded':
      case 'artifact.deleted':
      case 'artifact.expired':
      case 'note.superseded':
      case 'note.deleted':
      case 'note.expired':
        return e.data.wasCurrent ? {...s, itemCount: s.itemCount - 1} : s;
      default:
        return s;
    }
  },
};
