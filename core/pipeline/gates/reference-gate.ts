/**
 * Gate 5: every id a command names is a live row of its type in this tenant.
 *
 * A missing row and another tenant's row are the same answer, because the view holds neither.
 */
import type {Id} from '../../../shared/ids.ts';
import {snake} from '../../../shared/wire/resource.ts';
import {aggregateNamed} from '../../domain/aggregates.ts';
import type {View} from '../../domain/aggregate.ts';
import {denyQuietly, isLive, pass, skip, type Unit, type Verdict} from './gate.ts';

/** The member of the command in which an id stands, as the wire spells it. */
export function fieldOf(command: object, id: string): string | null {
  for (const [key, value] of Object.entries(command)) {
    if (key === 'id') continue;
    if (value === id || (Array.isArray(value) && value.includes(id))) return snake(key);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      const inner = fieldOf(value, id);
      if (inner !== null) return inner;
    }
  }
  return null;
}

export function referenceGate(u: Unit, v: View): Verdict {
  const isNew = 'draft' in u.command;
  if (!isNew && u.aggregate.columns.length > 0 && !isLive(u.target)) {
    return denyQuietly(u.aggregate.missing, `no such ${u.aggregate.name}`);
  }
  const refs = u.aggregate
    .needs(u.command)
    .filter((ref) => ref.column === 'id' && ref.leaves !== true);
  for (const {entity, values} of refs) {
    for (const id of values) {
      if (id === u.command.id || isLive(v.row(entity, id as Id))) continue;
      const field = fieldOf(u.command, id);
      const why = field === null ? {} : {field};
      return denyQuietly(
        aggregateNamed(entity)?.missing ?? 'ENTITY_NOT_FOUND',
        `no such ${entity}`,
        why,
      );
    }
  }
  return isNew && refs.every((ref) => ref.values.length === 0) ? skip : pass;
}
