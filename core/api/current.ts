/**
 * Which artifacts and notes a list shows: those that are current, and what `include` adds.
 *
 * Current: not deleted, not superseded, not expired by time or by its container's end, valid at the
 * moment asked about. The container is judged as of the same moment as the row.
 */
import {CellError} from '../../shared/errors.ts';
import type {Micros} from '../../shared/ids.ts';
import type {Filter} from '../store/list.ts';
import {notDeleted} from './list.ts';

const widenings = [
  'superseded',
  'invalid',
  'quarantined',
  'expired',
  'links',
  'embedding',
] as const;

/** Reads `include`. Throws for a word that is none. */
export function includesOf(stated: string | undefined): ReadonlySet<string> {
  const words = (stated ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
  const unknown = words.find((one) => !(widenings as readonly string[]).includes(one));
  if (unknown === undefined) return new Set(words);
  throw new CellError('INVALID_INPUT', `include: ${unknown} is none of ${widenings.join(', ')}`);
}

const endedScope: Filter = {
  unless: {entity: 'scope', on: 'expires_with', condition: 'not c.is_active'},
};
const endedTrajectory: Filter = {
  unless: {
    entity: 'trajectory',
    on: 'expires_with',
    condition: "(c.status in ('completed', 'failed') or c.is_deleted)",
  },
};
const deletedTrajectory: Filter = {
  unless: {entity: 'trajectory', on: 'trajectory_id', condition: 'c.is_deleted'},
};

type Moment = {readonly validAt: Micros; readonly now: Micros};

/** The filters of a list of artifacts or notes. */
export function currentItems(
  entity: 'artifact' | 'note',
  includes: ReadonlySet<string>,
  {validAt, now}: Moment,
): Filter[] {
  const filters: Filter[] = [notDeleted];
  // Notes survive their trajectory; artifacts are hidden with it.
  if (entity === 'artifact') filters.push(deletedTrajectory);
  if (!includes.has('superseded')) filters.push({column: 'supersededBy', is: 'null'});
  if (!includes.has('expired')) {
    filters.push({column: 'isExpired', in: [false]});
    filters.push({column: 'expiresAt', above: now, orNull: true}, endedScope, endedTrajectory);
  }
  if (!includes.has('invalid')) {
    filters.push({column: 'validFrom', below: validAt + 1});
    filters.push({column: 'validTo', above: validAt, orNull: true});
  }
  return filters;
}
