/**
 * Gate 10: two current items that claim different values.
 *
 * Same type, same key, one visibility, overlapping validity, another value: a contradiction. Items
 * that an agent was only shown again are never a side of one. What happens is the region's strategy,
 * else the tenant's; what follows from it is in the same group.
 */
import {newId, type Id} from '../../../shared/ids.ts';
import type {ItemType} from '../../../shared/wire/memory-item.ts';
import type {Command, Row, View} from '../../domain/aggregate.ts';
import {confidenceOf, type Conflict, type ConflictMade} from '../../domain/conflict.ts';
import {contentStateOf, type Kept} from '../../domain/kept-item.ts';
import type {Scope} from '../../domain/scope.ts';
import type {Trajectory} from '../../domain/trajectory.ts';
import {regionOf} from '../../domain/visibility.ts';
import {isSameValue} from '../../text/claim.ts';
import {deny, pass, skip, type Unit, type Verdict} from './gate.ts';

type Claiming = Kept & {
  readonly claimKey: string | null;
  readonly claimValue: string | null;
  readonly contentHash: string;
  readonly recalled: boolean;
  readonly regionId: Id | null;
  readonly noteType?: string;
  readonly artifactType?: string;
};
type Claim = Row<Claiming>;

/** Items that one contradiction deals with; the rest are counted. */
const itemsMost = 16;

/** A change of these makes another claim; a change of a title does not open an old question anew. */
const claiming = ['claimKey', 'claimValue', 'content', 'validFrom', 'validTo'];

function isClaiming(u: Unit): boolean {
  const type = u.aggregate.name;
  if (type !== 'note' && type !== 'artifact') return false;
  const {draft, set} = u.command as {draft?: object; set?: object};
  return draft !== undefined || (set !== undefined && claiming.some((member) => member in set));
}

function isCurrent(s: Claiming, v: View): boolean {
  if (s.supersededBy !== null) return false;
  const {expiresWith: id, ttl} = s;
  const scope = id !== null && ttl === 'scope' ? v.row<Scope>('scope', id) : null;
  const trajectory = id !== null && ttl === 'session' ? v.row<Trajectory>('trajectory', id) : null;
  const state = contentStateOf(s, scope?.state ?? null, trajectory?.state ?? null, v.at);
  return state === 'present';
}

const isBefore = (end: number | null, start: number): boolean => end !== null && end <= start;

function contradicts(a: Claiming, b: Claiming): boolean {
  if (b.recalled || a.regionId !== b.regionId) return false;
  if (isBefore(a.validTo, b.validFrom) || isBefore(b.validTo, a.validFrom)) return false;
  if (a.claimValue === null || b.claimValue === null) return a.contentHash !== b.contentHash;
  return !isSameValue(a.claimValue, b.claimValue);
}

export function contradictionGate(u: Unit, v: View): Verdict {
  if (!isClaiming(u)) return skip;
  const type = u.aggregate.name as ItemType;
  const item = v.row<Claiming>(type, u.command.id);
  if (item === null || item.state.claimKey === null || item.state.recalled) return skip;
  if (!isCurrent(item.state, v)) return skip;
  const all = v
    .rows<Claiming>(type, 'claimKey', item.state.claimKey)
    .filter((row) => row.id !== item.id && contradicts(item.state, row.state))
    .filter((row) => isCurrent(row.state, v))
    .toSorted((a, b) => b.leaf - a.leaf);
  if (all.length === 0) return pass;
  const rivals = all.slice(0, itemsMost);
  const region = regionOf(v, item.state);
  const strategy = region?.conflictResolution ?? String(v.settings['contradiction_strategy']);
  const why = {
    strategy,
    items: rivals.map(({id, version}) => [id, version]),
    dropped: all.length - rivals.length,
  };
  switch (strategy) {
    case 'first_write_wins': {
      const message = `${type}: its region holds another value of this claim`;
      const held = {entity_type: type, id: rivals.at(-1)?.id ?? null};
      return deny('CONTRADICTION', message, {...why, item: held});
    }
    case 'last_write_wins':
      return replace(
        type,
        why,
        rivals.map(({id}) => ({id, by: item.id})),
      );
    case 'highest_confidence':
      return replace(type, why, lessSure(item, rivals));
    default:
      return open(u, v, {type, item, rivals, why, isEscalated: strategy === 'escalate'});
  }
}

type Replaced = {readonly id: Id; readonly by: Id};

/** Of each pair the less sure is superseded; the new item by the surest of those above it. */
function lessSure(item: Claim, rivals: readonly Claim[]): readonly Replaced[] {
  const sure = confidenceOf(item.state);
  const below = rivals.filter(({state}) => confidenceOf(state) <= sure);
  const [best] = rivals
    .filter((rival) => !below.includes(rival))
    .toSorted((a, b) => confidenceOf(b.state) - confidenceOf(a.state) || b.leaf - a.leaf);
  const lost = below.map(({id}) => ({id, by: item.id}));
  // Last, because what has been superseded supersedes nothing.
  return best === undefined ? lost : [...lost, {id: item.id, by: best.id}];
}

function replace(type: ItemType, why: object, replaced: readonly Replaced[]): Verdict {
  const then = replaced.map(
    ({id, by}) => ({type: `${type}.supersede`, id, byId: by, reason: 'contradiction'}) as Command,
  );
  const superseded = replaced.map(({id}) => id);
  return {
    is: 'warn',
    code: 'contradiction',
    why: {...why, superseded},
    message: `${type}: contradicts ${superseded.length} others; superseded: ${superseded.join(', ')}`,
    then,
  };
}

type Opening = {
  readonly type: ItemType;
  readonly item: Claim;
  readonly rivals: readonly Claim[];
  readonly why: object;
  readonly isEscalated: boolean;
};

/** Both sides stay, and each pair that is not under a conflict yet gets one. */
function open(u: Unit, v: View, {type, item, rivals, why, isEscalated}: Opening): Verdict {
  const {claimKey} = item.state;
  const known = v.rows<Conflict>('conflict', 'openClaim', claimKey ?? '');
  const conflicts: Id[] = [];
  const then: Command[] = [];
  for (const rival of rivals) {
    const pair = [rival.id, item.id];
    const same = known.find(
      ({state}) => pair.includes(state.itemA.id) && pair.includes(state.itemB.id),
    );
    const id = same?.id ?? pairId(v, rival.id, item.id);
    conflicts.push(id);
    if (same !== undefined) continue;
    const draft: ConflictMade = {
      conflictType: areDecisions(item, rival) ? 'incompatible_decision' : 'contradicting_fact',
      itemA: {entity_type: type, id: rival.id},
      itemB: {entity_type: type, id: item.id},
      metadata: {},
      claimKey,
      isEscalated,
    };
    then.push({type: 'conflict.create', id, draft} as Command);
  }
  return {
    is: 'warn',
    code: 'contradiction',
    why: {...why, conflicts},
    message: `${u.aggregate.name}: contradicts ${rivals.length} others; conflicts: ${conflicts.join(', ')}`,
    then,
  };
}

const areDecisions = (...items: readonly Claim[]): boolean =>
  items.every(({state}) =>
    ['decision', 'design_decision'].includes(state.noteType ?? state.artifactType ?? ''),
  );

const randomDigits = 20;

/**
 * The id of a pair's conflict. A gate draws no random numbers, but both sides' ids hold enough: what
 * differs between two pairs differs here, and a pair has one conflict at a time.
 */
function pairId(v: View, a: Id, b: Id): Id {
  const bytes = (id: Id): Uint8Array =>
    Uint8Array.from(id.replaceAll('-', '').slice(-randomDigits).match(/../g) ?? [], (pair) =>
      Number.parseInt(pair, 16),
    );
  const other = bytes(b);
  return newId(
    v.at,
    bytes(a).map((byte, index) => byte ^ (other[index] ?? 0)),
  );
}
