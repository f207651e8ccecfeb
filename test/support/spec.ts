/**
 * Given, when, then for deciders: a tenant's rows in memory, with the rules of the pipeline that a
 * decision relies on and nothing else. Commands run their follow-ups, containers are told of the
 * events of what is inside, and a refusal leaves no trace of its unit.
 */
import type {Aggregate, Command, Ranges, Refusal, Row, View} from '../../core/domain/aggregate.ts';
import {artifact} from '../../core/domain/artifact.ts';
import {conflict} from '../../core/domain/conflict.ts';
import {intent} from '../../core/domain/intent.ts';
import {lock} from '../../core/domain/lock.ts';
import {note} from '../../core/domain/note.ts';
import {region} from '../../core/domain/region.ts';
import {scope} from '../../core/domain/scope.ts';
import {trajectory} from '../../core/domain/trajectory.ts';
import {turn} from '../../core/domain/turn.ts';
import type {Id, Micros} from '../../shared/ids.ts';
import {defaultSettings} from '../../shared/settings.ts';

const memory = [trajectory, scope, turn, artifact, note];
const aggregates = [...memory, lock, region, conflict, intent] as readonly unknown[];
const byName = new Map((aggregates as readonly Aggregate[]).map((one) => [one.name, one]));

export type Happened = {
  readonly kind: string;
  readonly entity: Id;
  readonly leaf: number;
  readonly data: Readonly<Record<string, unknown>>;
  readonly ends: Ranges;
};

export type Ran = {
  readonly events: readonly Happened[];
  readonly warnings: readonly string[];
  readonly refusal: Refusal | null;
  /** Rows that decisions looked at and that neither the command's needs nor its containers name. */
  readonly unforeseen: readonly string[];
};

export type World = {
  readonly view: View;
  /** Runs commands as one unit. */
  run(...commands: readonly Command[]): Ran;
  /** Runs a unit that must pass. */
  given(...commands: readonly Command[]): World;
  state<S>(entity: string, id: Id): S;
  version(entity: string, id: Id): number;
  set(name: string, value: number | string | boolean): World;
  advance(ms: number): World;
};

/** An id that says which one it is. */
export const idOf = (n: number): Id =>
  `01990000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;

const author = {kind: 'system', id: 'spec', agent_id: null, on_behalf_of: null} as const;
const start: Micros = 1_760_000_000_000_000;

export function createWorld(): World {
  let rows = new Map<string, Row<unknown>>();
  let log: (Happened & {readonly aggregate: string})[] = [];
  let settings: View['settings'] = defaultSettings;
  let now = start;
  let looked = new Set<string>();

  const rowsBy = (entity: string, column: string, value: string): Row<unknown>[] =>
    [...rows]
      .filter(([key]) => key.startsWith(`${entity}:`))
      .map(([, row]) => row)
      .filter((row) => {
        const state = row.state as Record<string, unknown>;
        return column === 'id' ? row.id === value : state[column] === value;
      });

  const view = {
    get at() {
      return now;
    },
    tenantId: idOf(0),
    get settings() {
      return settings;
    },
    row(entity: string, id: Id) {
      looked.add(`${entity}.id=${id}`);
      return rows.get(`${entity}:${id}`) ?? null;
    },
    rows(entity: string, column: string, value: string) {
      looked.add(`${entity}.${column}=${value}`);
      return rowsBy(entity, column, value);
    },
    leaves(entity: string, column: string, value: string) {
      looked.add(`${entity}.${column}=${value}#`);
      const ids = new Set(rowsBy(entity, column, value).map(({id}) => id));
      const found = log.filter((one) => one.aggregate === entity && ids.has(one.entity));
      return found.map(({leaf}) => [leaf, leaf] as const);
    },
  } as View;

  function apply(aggregate: Aggregate, id: Id, event: {kind: string}): Happened {
    const {data = {}, ends = []} = event as Partial<Happened>;
    const leaf = log.length;
    const at = now + leaf;
    const key = `${aggregate.name}:${id}`;
    const before = rows.get(key);
    const recorded = {...event, data, entity: id, leaf, at};
    const state = aggregate.evolve(before?.state ?? null, recorded);
    const happened = {kind: event.kind, entity: id, leaf, data, ends};
    log.push({...happened, aggregate: aggregate.name});
    rows.set(key, {
      id,
      version: (before?.version ?? 0) + 1,
      leaf,
      createdAt: before?.createdAt ?? at,
      updatedAt: at,
      createdBy: before?.createdBy ?? author,
      state,
    });
    for (const [member, entity] of Object.entries(aggregate.within ?? {})) {
      const holder = rows.get(`${entity}:${String((state as Record<string, unknown>)[member])}`);
      const of = byName.get(entity);
      if (holder === undefined || of === undefined) continue;
      rows.set(`${entity}:${holder.id}`, {...holder, state: of.evolve(holder.state, recorded)});
    }
    return happened;
  }

  /** What is in the snapshot before anything is asked. */
  function foreseen(aggregate: Aggregate, command: Command): Set<string> {
    const known = new Set([`${aggregate.name}.id=${command.id}`]);
    for (const {entity, column, values, leaves} of aggregate.needs(command)) {
      for (const value of values) known.add(`${entity}.${column}=${value}${leaves ? '#' : ''}`);
    }
    // Containers, and theirs.
    for (let round = 0; round < 3; round += 1) {
      for (const [key, row] of rows) {
        const [entity = ''] = key.split(':');
        if (!known.has(`${entity}.id=${row.id}`)) continue;
        for (const [member, container] of Object.entries(byName.get(entity)?.within ?? {})) {
          const id = (row.state as Record<string, unknown>)[member];
          if (typeof id === 'string') known.add(`${container}.id=${id}`);
        }
      }
    }
    return known;
  }

  function run(...commands: readonly Command[]): Ran {
    const saved = {rows: new Map(rows), log: [...log]};
    const queue = [...commands];
    const ran = {events: [] as Happened[], warnings: [] as string[], unforeseen: [] as string[]};
    now += 1_000;
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const aggregate = byName.get(next.type.slice(0, next.type.indexOf('.')));
      if (aggregate === undefined) throw new Error(`no aggregate takes ${next.type}`);
      const known = foreseen(aggregate, next);
      looked = new Set();
      const target =
        'draft' in next ? null : (rows.get(`${aggregate.name}:${next.id}`)?.state ?? null);
      const decision = aggregate.decide(next, target, view);
      ran.unforeseen.push(...[...looked].filter((one) => !known.has(one)));
      if ('refuse' in decision) {
        ({rows, log} = saved);
        return {events: [], warnings: [], refusal: decision, unforeseen: ran.unforeseen};
      }
      const {id} = next;
      ran.events.push(...decision.events.map((event) => apply(aggregate, id, event)));
      ran.warnings.push(...(decision.warn ?? []).map(({code}) => code));
      queue.unshift(...(decision.then ?? []));
    }
    return {...ran, refusal: null};
  }

  const world: World = {
    view,
    run,
    given(...commands) {
      const {refusal} = run(...commands);
      if (refusal !== null) throw new Error(`given: ${JSON.stringify(refusal)}`);
      return world;
    },
    state: <S>(entity: string, id: Id) => rows.get(`${entity}:${id}`)?.state as S,
    version: (entity, id) => rows.get(`${entity}:${id}`)?.version ?? 0,
    set(name, value) {
      settings = {...settings, [name]: value};
      return world;
    },
    advance(ms) {
      now += ms * 1_000;
      return world;
    },
  };
  return world;
}
