/**
 * Runs gates 2 to 11 over one command, in order, until the first deny.
 *
 * A follow-up runs gates 3 and 5 to 9 alone: its cause has passed the others. Between gates 5 and 7
 * stands the decision; `apply` folds its events into the view, so that the gates behind it see the
 * state after the command.
 */
import {errorTable, type ErrorCode, type ErrorDetails} from '../../../shared/errors.ts';
import type {GateName} from '../../../shared/ledger/gates.ts';
import type {Aggregate, Command, View} from '../../domain/aggregate.ts';
import {budgetGate} from './budget-gate.ts';
import {contradictionGate} from './contradiction-gate.ts';
import type {Decided, Gate, Unit, Verdict} from './gate.ts';
import {idempotencyGate} from './idempotency-gate.ts';
import {intentAlignmentGate} from './intent-alignment-gate.ts';
import {lifecycleGate} from './lifecycle-gate.ts';
import {lockGate} from './lock-gate.ts';
import {permissionGate} from './permission-gate.ts';
import {referenceGate} from './reference-gate.ts';
import {tenantGate} from './tenant-gate.ts';
import {versionGate} from './version-gate.ts';

export type Letter = 'P' | 'S' | 'W' | 'D';

type Noted = {
  readonly gate: GateName;
  readonly code: string;
  readonly why: ErrorDetails;
  readonly message: string;
};

type Common = {
  /** Letters of the gates from index `first` on. */
  readonly letters: readonly Letter[];
  readonly first: number;
  readonly warnings: readonly Noted[];
};

export type Judgement =
  | {readonly is: 'same'; readonly leaf: number; readonly how: 'replayed' | 'deduplicated'}
  | (Common & {readonly is: 'pass'; readonly then: readonly Command[]})
  | (Common & {readonly is: 'deny'; readonly isRecorded: boolean} & {
      readonly gate: GateName;
      readonly code: ErrorCode;
      readonly why: ErrorDetails;
      readonly message: string;
    });

type Apply = (of: {
  aggregate: Aggregate;
  command: Command;
  events: readonly {kind: string}[];
}) => readonly Decided[];

const before: readonly (readonly [GateName, Gate])[] = [
  ['TenantGate', tenantGate],
  ['PermissionGate', permissionGate],
  ['IdempotencyGate', idempotencyGate],
  ['ReferenceGate', referenceGate],
];
const after: readonly (readonly [GateName, Gate])[] = [
  ['VersionGate', versionGate],
  ['LockGate', lockGate],
  ['BudgetGate', budgetGate],
  ['ContradictionGate', contradictionGate],
  ['IntentAlignmentGate', intentAlignmentGate],
];
const skippedByFollowUps: ReadonlySet<GateName> = new Set([
  'TenantGate',
  'IdempotencyGate',
  'ContradictionGate',
  'IntentAlignmentGate',
]);
const letters = {pass: 'P', skip: 'S', warn: 'W', deny: 'D'} as const;

/** Refusals with these statuses are events with receipts (`03-pipeline` §4). */
const recordedStatuses: ReadonlySet<number> = new Set([403, 409, 412, 422, 428]);

type Notes = {letters: Letter[]; first: number; warnings: Noted[]; then: Command[]};

/** Judges one command on a view. */
export function judge(u: Unit, v: View, apply: Apply): Judgement {
  const notes: Notes = {letters: [], first: 1, warnings: [], then: []};
  const early = runGates(before, u, v, notes);
  if (early !== null) return early;

  const decision = u.aggregate.decide(u.command, u.target?.state ?? null, v);
  const lifecycle = take(notes, 'LifecycleGate', lifecycleGate(u, decision));
  if (lifecycle !== null || 'refuse' in decision) return lifecycle ?? {...notes, is: 'pass'};

  // What the writer stated is compared with the row before the command, so its events come after.
  const versions = take(notes, 'VersionGate', versionGate(u, v));
  if (versions !== null) return versions;
  const events = apply({aggregate: u.aggregate, command: u.command, events: decision.events});
  const late = runGates(after.slice(1), {...u, events, after: v}, v, notes);
  if (late !== null) return late;
  // What a gate adds comes first: an item that is superseded may still expire, not the other way.
  return {...notes, is: 'pass', then: [...notes.then, ...(decision.then ?? [])]};
}

function runGates(
  gates: readonly (readonly [GateName, Gate])[],
  u: Unit,
  v: View,
  notes: Notes,
): Judgement | null {
  for (const [name, gate] of gates) {
    const isSkipped = u.isFollowUp && skippedByFollowUps.has(name);
    const end = take(notes, name, isSkipped ? {is: 'skip'} : gate(u, v));
    if (end !== null) return end;
  }
  return null;
}

/** Notes one verdict; answers the judgement when it ends the command. */
function take(notes: Notes, gate: GateName, verdict: Verdict): Judgement | null {
  if (verdict.is === 'same') return verdict;
  notes.letters.push(letters[verdict.is]);
  if (verdict.is === 'warn') {
    const {code, why, message, then = []} = verdict;
    notes.warnings.push({gate, code, why, message});
    notes.then.push(...then);
  }
  if (verdict.is !== 'deny') return null;
  const {code, why, message, isUnrecorded} = verdict;
  const isRecorded = isUnrecorded !== true && recordedStatuses.has(errorTable[code].status);
  const {letters: seen, first, warnings} = notes;
  return {is: 'deny', gate, code, why, message, isRecorded, letters: seen, first, warnings};
}
