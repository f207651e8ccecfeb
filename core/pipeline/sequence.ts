/**
 * One unit through gates 2 to 11, its decisions and its bytes.
 *
 * Runs in the lane, without an `await`, on a provisional copy of the tenant's head: what it answers
 * becomes true only when the batch is committed. It draws on the wish, the view and the clock it is
 * given and on nothing else; whatever throws in it fails this unit alone.
 */
import type {Micros} from '../../shared/ids.ts';
import {gateNames} from '../../shared/ledger/gates.ts';
import type {Command, Ref} from '../domain/aggregate.ts';
import {aggregateOf, refsOf} from '../domain/aggregates.ts';
import {judge} from './gates/judge.ts';
import type {Unit} from './gates/gate.ts';
import {effectivePolicy} from './policy.ts';
import {deniedEvent, recordGroup, type Denied, type DeniedCommand} from './record-group.ts';
import type {Recording, Tools} from './record.ts';
import {apply, note, type Run, type Standing, type WarningOut, type Wish} from './unit-run.ts';
import {createView, newLayer, NotAssembled, type Layer, type Reads} from './view.ts';

export type Sequenced =
  | {
      readonly is: 'events';
      readonly events: readonly Recording[];
      readonly layer: Layer;
      readonly warnings: readonly WarningOut[];
    }
  | Denied
  | {readonly is: 'same'; readonly leaf: number; readonly how: 'replayed' | 'deduplicated'}
  /** What has to be loaded before the unit can be judged. */
  | {readonly is: 'again'; readonly refs: readonly Ref[]}
  | {readonly is: 'thrown'; readonly error: unknown};

const nestingLimit = 4;
const groupEventLimit = 256;

/** Judges, decides and records one unit. `nowMicros` is the wall clock. */
export function sequence(
  tools: Tools,
  wish: Wish,
  standing: Standing,
  seen: Unit['seen'],
  nowMicros: Micros,
): Sequenced {
  const own = newLayer();
  const reads: Reads = new Map();
  const at = Math.max(nowMicros, standing.lastAt + 1);
  const layers = [own, ...standing.layers];
  const {tenantId} = standing.head;
  try {
    const policy = effectivePolicy(tools.hashes, layers, wish.snapshot, tenantId);
    const view = createView({
      at,
      tenantId,
      settings: policy.settings,
      snapshot: wish.snapshot,
      layers,
      reads,
    });
    const run: Run = {
      wish,
      standing,
      seen,
      view,
      own,
      reads,
      at,
      policy: policy.hash,
      why: {},
      warnings: [],
      decided: [],
      made: new Set(),
      letters: gateNames.map((_, index) => (index === 0 ? 'P' : 'S')),
    };
    const end = runCommands(run, seen);
    if (end === null) return {is: 'events', ...recordGroup(tools, run, layers)};
    if (end.is === 'same') return end;
    return deniedEvent(tools, run, layers, end);
  } catch (error) {
    if (error instanceof NotAssembled) return {is: 'again', refs: error.refs};
    return {is: 'thrown', error};
  }
}

type End =
  | {readonly is: 'same'; readonly leaf: number; readonly how: 'replayed' | 'deduplicated'}
  | DeniedCommand;

/** Runs every command and its follow-ups; answers null when all of them passed. */
function runCommands(run: Run, seen: Unit['seen']): End | null {
  const queue = run.wish.commands.map((command, index) => ({command, index, depth: 0}));
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const {command, index, depth} = next;
    const unit = unitOf(run, next, seen);
    const judged = askingForAll([command, ...queue.map((one) => one.command)], () =>
      judge(unit, run.view, (after) => apply(run, after)),
    );
    if (judged.is === 'same') return judged;
    note(run, judged);
    if (judged.is === 'deny') return {...judged, command, index};
    const follow = judged.then.map((one) => ({command: one, index, depth: depth + 1}));
    const isTooDeep = depth + 1 > nestingLimit && follow.length > 0;
    const end = isTooDeep
      ? tooLarge('nesting', nestingLimit, depth + 1, command, index)
      : tooLarge('group', groupEventLimit, run.decided.length, command, index);
    if (isTooDeep || run.decided.length > groupEventLimit) {
      note(run, end);
      return end;
    }
    queue.unshift(...follow);
  }
  return null;
}

/** A row that was not loaded is asked for with all that the commands behind it need: one more try, not one each. */
function askingForAll<T>(commands: readonly Command[], work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof NotAssembled)) throw error;
    throw new NotAssembled([...error.refs, ...commands.flatMap(refsOf)]);
  }
}

const tooLarge = (
  setting: string,
  limit: number,
  value: number,
  command: Command,
  index: number,
): DeniedCommand => ({
  is: 'deny',
  gate: 'BudgetGate',
  code: 'LIMIT_EXCEEDED',
  why: {setting, limit, value},
  letters: ['D'],
  first: 8,
  warnings: [],
  message: `${command.type}: ${setting} is limited to ${limit}, this would be ${value}`,
  isRecorded: true,
  command,
  index,
});

type Queued = {readonly command: Command; readonly index: number; readonly depth: number};

function unitOf(run: Run, {command, index, depth}: Queued, seen: Unit['seen']): Unit {
  const {wish, standing, view} = run;
  const aggregate = aggregateOf(command);
  if (aggregate === undefined) throw new Error(`no aggregate takes ${command.type}`);
  const isFirst = index === 0 && depth === 0;
  return {
    tenant: wish.tenantNo,
    actor: wish.actor,
    call: isFirst ? wish.call : presentedBefore(wish),
    command,
    aggregate,
    isFollowUp: depth > 0,
    seen,
    target:
      'draft' in command || aggregate.columns.length === 0
        ? null
        : view.row(aggregate.name, command.id),
    expects: isFirst ? wish.expects : [],
    requestHash: wish.key?.request ?? null,
    events: [],
    after: null,
    isHalted: standing.isHalted,
  };
}

/** Versions were compared before the unit's first command, which may have raised them itself. */
function presentedBefore({call, expects}: Wish): Wish['call'] {
  return call.ifMatch === null && expects.length === 0 ? call : {...call, ifMatch: 'any'};
}
