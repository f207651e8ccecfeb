/** The resource of each entity that callers see, by name. Adding an entity adds its line here. */
import {agent} from '../../shared/wire/agents.ts';
import {apiKey} from '../../shared/wire/api-keys.ts';
import {conflict} from '../../shared/wire/conflicts.ts';
import {intent} from '../../shared/wire/intents.ts';
import {lock} from '../../shared/wire/locks.ts';
import {region} from '../../shared/wire/regions.ts';
import {artifact} from '../../shared/wire/artifacts.ts';
import {note} from '../../shared/wire/notes.ts';
import {scope} from '../../shared/wire/scopes.ts';
import {turn} from '../../shared/wire/turns.ts';
import type {Fields, Resource} from '../../shared/wire/resource.ts';
import {tenant} from '../../shared/wire/tenants.ts';
import {trajectory} from '../../shared/wire/trajectories.ts';

const all: readonly Resource<Fields>[] = [
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
];

const byName = new Map(all.map((one) => [one.name, one]));

/** The resource of an entity name; undefined for an entity that has none. */
export const resourceNamed = (name: string): Resource<Fields> | undefined => byName.get(name);
