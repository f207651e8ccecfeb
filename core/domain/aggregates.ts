/** Every aggregate, and which one a command or an event belongs to. Adding an entity adds its line here. */
import {byId, type Aggregate, type Command, type Ref} from './aggregate.ts';
import {agent} from './agent.ts';
import {apiKey} from './api-key.ts';
import {artifact} from './artifact.ts';
import {conflict} from './conflict.ts';
import {intent} from './intent.ts';
import {lock} from './lock.ts';
import {log} from './log.ts';
import {note} from './note.ts';
import {region} from './region.ts';
import {scope} from './scope.ts';
import {tenant} from './tenant.ts';
import {trajectory} from './trajectory.ts';
import {turn} from './turn.ts';

// The pipeline knows commands and states of none of them.
export const aggregates = [
  log,
  tenant,
  apiKey,
  agent,
  trajectory,
  scope,
  turn,
  artifact,
  note,
  lock,
  region,
  conflict,
  intent,
] as readonly unknown[] as readonly Aggregate[];

const byName = new Map(aggregates.map((one) => [one.name, one]));

/** The aggregate of an entity name; undefined for a name that is none. */
export const aggregateNamed = (name: string): Aggregate | undefined => byName.get(name);

/** The aggregate that a command is for: the part of its type before the dot. */
export const aggregateOf = (command: Command): Aggregate | undefined =>
  byName.get(command.type.slice(0, command.type.indexOf('.')));

/** Every row a command must see: the one it changes, and what its aggregate needs besides. */
export function refsOf(command: Command): readonly Ref[] {
  const aggregate = aggregateOf(command);
  if (aggregate === undefined) return [];
  const isChange = !('draft' in command) && aggregate.columns.length > 0;
  const target = isChange ? [byId(aggregate.name, command.id)] : [];
  return [...target, ...aggregate.needs(command)].filter(({values}) => values.length > 0);
}
