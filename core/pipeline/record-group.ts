/** From a judged unit to the events of its group, or to the one event of its refusal. */
import {CellError, errorTable, type ErrorCode, type ErrorDetails} from '../../shared/errors.ts';
import type {Id} from '../../shared/ids.ts';
import {isKindName, type KindName} from '../../shared/ledger/kinds.ts';
import type {Command} from '../domain/aggregate.ts';
import type {Judgement} from './gates/judge.ts';
import {recordEvent, type Recording, type Tools} from './record.ts';
import type {Run, WarningOut} from './unit-run.ts';
import {chainOf, type Layer} from './view.ts';

export type Refused = {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: ErrorDetails;
};

/** A unit that a gate denied; refusals that leave no trace have no event. */
export type Denied = {
  readonly is: 'denied';
  readonly refused: Refused;
  readonly event: Recording | null;
  readonly layer: Layer;
};

/** A command that a gate denied. */
export type DeniedCommand = Extract<Judgement, {is: 'deny'}> & {
  readonly command: Command;
  readonly index: number;
};

const kindOf = (kind: string): KindName => {
  if (!isKindName(kind)) throw new Error(`${kind} is no kind of event`);
  return kind;
};

function readsOf(run: Run): [string, number][] {
  const reads = [...run.reads].filter(([id]) => !run.made.has(id));
  return reads.toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** Records every event of a unit that passed. */
export function recordGroup(
  tools: Tools,
  run: Run,
  layers: readonly Layer[],
): {events: Recording[]; layer: Layer; warnings: readonly WarningOut[]} {
  const reads = readsOf(run);
  const events = run.decided.map((one, index) => {
    const isNewChain =
      one.chain !== null && run.made.has(one.chain) && !run.own.chains.has(one.chain);
    return record(tools, run, layers, {
      index,
      kind: kindOf(one.kind),
      chainId: one.chain,
      isNewChain,
      entity: one.aggregate.columns.length === 0 ? null : {id: one.entity, version: one.version},
      group: [index, run.decided.length],
      data: one.data,
      content: one.aggregate.content,
      ends: one.ends,
      reads,
      idem: index === 0 ? (run.wish.key?.idem ?? null) : null,
    });
  });
  return {events, layer: run.own, warnings: run.warnings};
}

type One = Pick<
  Parameters<typeof recordEvent>[1],
  'kind' | 'chainId' | 'entity' | 'group' | 'data' | 'content' | 'ends' | 'reads' | 'idem'
> & {
  index: number;
  isNewChain: boolean;
};

const tenantChain = '' as Id;

function record(
  tools: Tools,
  run: Run,
  layers: readonly Layer[],
  {index, isNewChain, ...one}: One,
): Recording {
  const {standing, wish, own} = run;
  const chainKey = one.chainId ?? tenantChain;
  const before = isNewChain ? null : chainOf(layers, wish.snapshot, chainKey);
  const place =
    one.chainId === null
      ? null
      : run.view.row<{depth: number; track: number}>('trajectory', one.chainId);
  const recording = recordEvent(tools, {
    ...one,
    tenantNo: wish.tenantNo,
    origin: standing.head.origin,
    leaf: standing.size + index,
    at: run.at + index,
    before,
    place: {depth: place?.state.depth ?? 0, track: place?.state.track ?? 0},
    letters: run.letters.join(''),
    why: run.why,
    policy: run.policy,
    actor: wish.actor,
    call: wish.call,
    request: one.idem === null ? null : (wish.key?.request ?? null),
  });
  own.chains.set(chainKey, recording.chain);
  return recording;
}

/** A refusal is an event of its own on the tenant's chain; it never holds what was refused. */
export function deniedEvent(
  tools: Tools,
  run: Run,
  layers: readonly Layer[],
  end: DeniedCommand,
): Denied {
  // What is not there says nothing of how that was found: hidden, foreign and missing are one answer.
  const isMissing = errorTable[end.code].status === 404;
  const details = isMissing ? end.why : {...end.why, gate: end.gate};
  const refused = {code: end.code, message: end.message, details};
  run.own.rows.clear();
  run.own.versions.length = 0;
  run.own.events.length = 0;
  run.own.index.length = 0;
  if (!end.isRecorded) return {is: 'denied', refused, event: null, layer: run.own};
  const target = 'draft' in end.command ? null : end.command.id;
  const event = record(tools, run, layers, {
    index: 0,
    kind: 'mutation.denied',
    chainId: null,
    isNewChain: false,
    entity: target === null ? null : {id: target, version: null},
    group: [0, 1],
    content: [],
    ends: [],
    reads: readsOf(run),
    data: {
      command: end.command.type,
      gate: end.gate,
      code: end.code,
      target,
      group: [end.index, run.wish.commands.length],
    },
    // A retryable refusal is tried anew, and a key that stands for an event stays that event's: gates
    // before the fourth refuse without having looked.
    idem: errorTable[end.code].retryable || run.seen !== null ? null : (run.wish.key?.idem ?? null),
  });
  return {is: 'denied', refused, event, layer: run.own};
}

/**
 * The error of a refusal, as its caller sees it. A 404 does not name its gate: what is deleted is
 * found by one, what never was or is another tenant's before any, and the answers must be equal.
 */
export function refusedError({code, message, details}: Refused, eventId: string | null): CellError {
  const {gate: _, ...unnamed} = details;
  const shown = Object.keys(unnamed).length === 0 ? undefined : unnamed;
  return new CellError(code, message, {
    details: errorTable[code].status === 404 ? shown : details,
    ...(eventId === null ? {} : {eventId}),
  });
}
