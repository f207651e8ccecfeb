/**
 * What a gate is: a pure judgement of one command of a unit on a view.
 *
 * Gates run in the order of `gateNames`, in the lane, where nothing can change between the first and
 * the last of them. The first deny ends the unit. `why` holds ids, versions, counts, limits and names
 * of settings and rules, never other text of a caller: it stands in clear beside the header and
 * survives erasure.
 */
import type {ErrorCode, ErrorDetails} from '../../../shared/errors.ts';
import type {Hex, Id, TenantNo} from '../../../shared/ids.ts';
import type {Actor, Call} from '../../domain/actor.ts';
import type {Aggregate, Command, Ranges, Row, View} from '../../domain/aggregate.ts';

export type Decided = {
  readonly kind: string;
  readonly aggregate: Aggregate;
  readonly entity: Id;
  readonly version: number;
  readonly data: Readonly<Record<string, unknown>>;
  readonly ends: Ranges;
  readonly chain: Id | null;
};

export type Unit = {
  readonly tenant: TenantNo;
  readonly actor: Actor;
  readonly call: Call;
  /** The command being judged; follow-ups are judged after the one they follow. */
  readonly command: Command;
  readonly aggregate: Aggregate;
  /** The target before the command; null when it is being created. */
  readonly target: Row<unknown> | null;
  /** Tells a follow-up, which acts with what its cause was granted. */
  readonly isFollowUp: boolean;
  /** What the writer presented: id and version that a row must still have. */
  readonly expects: readonly (readonly [entity: string, id: Id, version: number])[];
  /** An event that holds the unit's idempotency hash already. */
  readonly seen: {readonly leaf: number; readonly request: Hex | null} | null;
  readonly requestHash: Hex | null;
  /** From gate 6 on: what the command does, and the view after it. */
  readonly events: readonly Decided[];
  readonly after: View | null;
  readonly isHalted: boolean;
};

export type Verdict =
  | {readonly is: 'pass' | 'skip'}
  | {readonly is: 'same'; readonly leaf: number; readonly how: 'replayed' | 'deduplicated'}
  | {
      readonly is: 'warn';
      readonly code: string;
      readonly why: ErrorDetails;
      readonly message: string;
      readonly then?: readonly Command[];
    }
  | Denial;

export type Denial = {
  readonly is: 'deny';
  readonly code: ErrorCode;
  readonly why: ErrorDetails;
  readonly message: string;
  /** Refusals that are not recorded although their status would be (`03-pipeline` §4). */
  readonly isUnrecorded?: true;
};

export type Gate = (u: Unit, v: View) => Verdict;

export const pass: Verdict = {is: 'pass'};
export const skip: Verdict = {is: 'skip'};

export const deny = (code: ErrorCode, message: string, why: ErrorDetails = {}): Denial => ({
  is: 'deny',
  code,
  why,
  message,
});

/** A refusal that leaves no event: a 404 must be byte-identical for foreign and missing rows. */
export const denyQuietly = (code: ErrorCode, message: string, why: ErrorDetails = {}): Denial => ({
  ...deny(code, message, why),
  isUnrecorded: true,
});

/** A row that current reads would show: there, and not deleted. */
export function isLive(row: Row<unknown> | null): row is Row<unknown> {
  return row !== null && (row.state as {isDeleted?: boolean}).isDeleted !== true;
}
