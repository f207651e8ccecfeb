import {describe, expect, test} from 'vitest';
import type {Region} from '../../../core/domain/region.ts';
import {mayAccess, regionAdmits, type Asker, type Item} from '../../../core/domain/visibility.ts';
import type {Permission} from '../../../shared/wire/agents.ts';
import {idOf} from '../../support/spec.ts';

const [me, other, third] = [idOf(1), idOf(2), idOf(3)];

const asker = (read: Permission[], team: string | null = null): Asker =>
  ({id: me, state: {memoryAccess: {read, write: []}, team}}) as Asker;
const permission = (more: Partial<Permission> = {}): Permission => ({
  memory_type: 'all',
  scope: 'global',
  filter: null,
  ...more,
});
const item = (more: Partial<Item> = {}): Item => ({
  kind: 'note',
  owner: () => other,
  ownerTeam: () => null,
  region: null,
  state: {},
  ...more,
});
const reads = (of: Permission, what: Item, team: string | null = null): boolean =>
  mayAccess(asker([of], team), 'read', what);

describe('permissions', () => {
  test('none, and nothing is there', () => {
    expect(mayAccess(asker([]), 'read', item())).toBe(false);
    expect(mayAccess(asker([permission()]), 'write', item())).toBe(false);
  });

  test('are for one type of memory, or for all', () => {
    expect(reads(permission({memory_type: 'note'}), item())).toBe(true);
    expect(reads(permission({memory_type: 'turn'}), item())).toBe(false);
  });

  test('reach to the own, the team or everybody', () => {
    expect(reads(permission({scope: 'own'}), item())).toBe(false);
    expect(reads(permission({scope: 'own'}), item({owner: () => me}))).toBe(true);
    const team = permission({scope: 'team'});
    expect(reads(team, item({ownerTeam: () => 'red'}), 'red')).toBe(true);
    expect(reads(team, item({ownerTeam: () => 'blue'}), 'red')).toBe(false);
    expect(reads(team, item({ownerTeam: () => null}), null)).toBe(false);
  });

  test('a filter equals the members of the item, in the spelling of the wire', () => {
    const state = {noteType: 'code_patch', metadata: {a: 1}};
    expect(reads(permission({filter: {note_type: 'CodePatch'}}), item({state}))).toBe(true);
    expect(reads(permission({filter: {note_type: 'Fact'}}), item({state}))).toBe(false);
    expect(reads(permission({filter: {metadata: {a: 1}}}), item({state}))).toBe(true);
    expect(reads(permission({filter: {metadata: {a: 1}, title: 'x'}}), item({state}))).toBe(false);
  });
});

describe('regions', () => {
  const region = (more: Partial<Region>): Region =>
    ({ownerAgentId: third, readers: [], writers: [], team: null, ...more}) as Region;

  test.each([
    ['private', false, false],
    ['team', true, true],
    ['public', true, false],
    ['collaborative', true, true],
  ] as const)('%s lets one in that is not listed: read %s, write %s', (regionType, read, write) => {
    const of = region({regionType, team: 'red'});
    const one = asker([], 'red');
    expect(regionAdmits(of, one, 'read')).toBe(read);
    expect(regionAdmits(of, one, 'write')).toBe(write);
    const owner = {...one, id: third};
    expect(regionAdmits(of, owner, 'read') && regionAdmits(of, owner, 'write')).toBe(true);
  });

  test('who is listed is let in, a reader to read', () => {
    const of = region({regionType: 'private', readers: [me], writers: [other]});
    expect(regionAdmits(of, asker([]), 'read')).toBe(true);
    expect(regionAdmits(of, asker([]), 'write')).toBe(false);
    expect(regionAdmits(of, {...asker([]), id: other}, 'write')).toBe(true);
  });

  test('nothing else counts for what stands in one', () => {
    const of = region({regionType: 'private'});
    expect(reads(permission(), item({region: of, owner: () => me}))).toBe(false);
  });
});
