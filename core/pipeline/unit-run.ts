/**
 * What one unit does to the view while it is being judged: letters and reasons it collects, events it
 * decides, rows it changes in a layer of its own.
 */
import type {Hex, Id, Micros, TenantNo} from '../../shared/ids.ts';
import type {Json} from '../../shared/ledger/canonical.ts';
import {gateNames} from '../../shared/ledger/gates.ts';
import {principalOf, type Actor, type Call} from '../domain/actor.ts';
import type {Aggregate, Command, Row, View} from '../domain/aggregate.ts';
import {aggregateNamed} from '../domain/aggregates.ts';
import type {Head} from '../store/store.ts';
import type {Judgement} from './gates/judge.ts';
import type {Decided, Unit} from './gates/gate.ts';
import {indexEntry} from './index-entry.ts';
import {rowKey, setRow, type Layer, type Reads, type Snapshot} from './view.ts';

/** One wish, or several that stand or fall together. */
export type Wish = {
  readonly tenantNo: TenantNo;
  readonly actor: Actor;
  readonly call: Call;
  readonly commands: readonly Command[];
  readonly expects: Unit['expects'];
  readonly key: {readonly idem: Hex; readonly request: Hex} | null;
  readonly isBackground: boolean;
  readonly snapshot: Snapshot;
};

/** Where a tenant's ledger stands in the batch being built. */
export type Standing = {
  readonly head: Head;
  readonly size: number;
  readonly lastAt: Micros;
  readonly isHalted: boolean;
  /** The running batch first, then the commits since the snapshot, newest first. */
  readonly layers: readonly Layer[];
};

export type WarningOut = {readonly gate: string; readonly code: string; readonly message: string};

/** A unit in the middle of its sequencing. */
export type Run = {
  readonly wish: Wish;
  readonly standing: Standing;
  /** The event that the unit's idempotency key stands for already. */
  readonly seen: Unit['seen'];
  readonly view: View;
  readonly own: Layer;
  readonly reads: Reads;
  readonly at: Micros;
  readonly policy: Hex;
  readonly letters: ('P' | 'S' | 'W' | 'D')[];
  readonly why: {[gate: string]: Json};
  readonly warnings: WarningOut[];
  readonly decided: Decided[];
  readonly made: Set<Id>;
};

/** Takes a command's letters, reasons and warnings into the unit's: the gravest letter of each gate stays. */
export function note(run: Run, judged: Exclude<Judgement, {is: 'same'}>): void {
  const rank = {S: 0, P: 1, W: 2, D: 3} as const;
  judged.letters.forEach((letter, offset) => {
    const index = judged.first + offset;
    const known = run.letters[index] ?? 'S';
    if (rank[letter] > rank[known]) run.letters[index] = letter;
  });
  for (const {gate, code, why, message} of judged.warnings) {
    run.why[gate] ??= reasonOf(code, why);
    run.warnings.push({gate, code, message});
  }
  if (judged.is === 'deny') {
    run.why[judged.gate] = reasonOf(judged.code, judged.why);
    skipRest(run, judged.first + judged.letters.length);
  }
}

/** The gates behind a denial count as skipped, also where an earlier command of the unit had passed them. */
function skipRest(run: Run, from: number): void {
  for (const [index, gate] of gateNames.entries()) {
    if (index < from) continue;
    run.letters[index] = 'S';
    delete run.why[gate];
  }
}

/** A reason as the facts hold it: their numbers are safe integers, so a fraction is written as text. */
function reasonOf(code: string, why: object): Json {
  const members = Object.entries(why).map(([key, value]: [string, Json]) => {
    const isFraction = typeof value === 'number' && !Number.isSafeInteger(value);
    return [key, isFraction ? String(value) : value];
  });
  return {code, ...Object.fromEntries(members)} as Json;
}

type Applied = {
  readonly aggregate: Aggregate;
  readonly command: Command;
  readonly events: readonly {kind: string}[];
};

/** Folds a command's events into the unit's own layer and answers them with their versions. */
export function apply(run: Run, {aggregate, command, events}: Applied): Decided[] {
  return events.map((event) => {
    const {data = {}, ends = []} = event as {
      data?: Record<string, unknown>;
      ends?: Decided['ends'];
    };
    const leaf = run.standing.size + run.decided.length;
    const at = run.at + run.decided.length;
    const key = rowKey(aggregate.name, command.id);
    const before =
      aggregate.columns.length === 0 || isFirst(run, key, command)
        ? null
        : run.view.row(aggregate.name, command.id);
    const recorded = {...event, data, entity: command.id, leaf, at};
    const state = aggregate.evolve(before?.state ?? null, recorded);
    const row = state === null ? null : nextRow(run, command.id, before, state, leaf, at);
    if (row !== null) {
      if (before === null) run.made.add(command.id);
      setRow(run.own, aggregate.name, row);
      const was = changedTexts(aggregate, before?.state ?? null, state);
      run.own.events.push({entity: aggregate.name, id: command.id, leaf, was});
      const indexed = indexEntry(run, aggregate.name, command, before, row);
      if (indexed !== null) run.own.index.push(indexed);
      tellContainers(run, aggregate, row, recorded);
    }
    const decided = {
      kind: event.kind,
      aggregate,
      entity: command.id,
      version: row?.version ?? 0,
      data,
      ends,
      chain: state === null ? null : (aggregate.chain?.(state, command.id) ?? null),
    };
    run.decided.push(decided);
    return decided;
  });
}

/** The text columns of a row that was there which an event changes, with what they said; content never. */
function changedTexts(
  {columns, content}: Aggregate,
  before: unknown,
  after: unknown,
): Readonly<Record<string, unknown>> {
  if (before === null) return {};
  const [was, is] = [before, after] as [Record<string, unknown>, Record<string, unknown>];
  const isText = (value: unknown): boolean => typeof value === 'string' || value === null;
  const all: readonly string[] = columns;
  const changed = all.filter(
    (name) =>
      !(content as readonly string[]).includes(name) && isText(was[name]) && was[name] !== is[name],
  );
  return Object.fromEntries(changed.map((name) => [name, was[name]]));
}

const isFirst = (run: Run, key: string, command: Command): boolean =>
  'draft' in command && !run.own.rows.has(key);

function nextRow(
  run: Run,
  id: Id,
  before: Row<unknown> | null,
  state: unknown,
  leaf: number,
  at: Micros,
): Row<unknown> {
  return {
    id,
    version: (before?.version ?? 0) + 1,
    leaf,
    createdAt: before?.createdAt ?? at,
    updatedAt: at,
    createdBy: before?.createdBy ?? principalOf(run.wish.actor),
    state,
  };
}

/** A container keeps counters of what is inside: its state changes, its version and leaf do not. */
function tellContainers(
  run: Run,
  aggregate: Aggregate,
  row: Row<unknown>,
  event: {kind: string; data: unknown; entity: Id; leaf: number; at: Micros},
): void {
  for (const [member, entity] of Object.entries(aggregate.within ?? {})) {
    const id = (row.state as Record<string, unknown>)[member] as Id | null;
    const container = aggregateNamed(entity);
    // One of its own kind (whom an agent reports to) would take the event for its own.
    if (id === null || container === undefined || entity === aggregate.name) continue;
    const held = run.view.row(entity, id);
    if (held === null) continue;
    const state = container.evolve(held.state, event);
    if (state !== held.state && state !== null) setRow(run.own, entity, {...held, state});
  }
}
