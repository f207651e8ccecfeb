/**
 * One event as a whole-log verifier is fed it, and what it says when something is wrong.
 */

/** What the columns of `ledger.event` and the rows of `ledger.edge` repeat of a header. */
export type LogColumns = {
  readonly eventHash: Uint8Array;
  readonly leafHash: Uint8Array;
  readonly kind: number;
  /** The nil UUID for the tenant's own chain. */
  readonly trajId: string;
  readonly trajSeq: number;
  readonly depth: number;
  readonly track: number;
  readonly entityId: string | null;
  readonly entityVer: number | null;
  readonly corrId: string | null;
  readonly agentId: string | null;
  readonly idem: Uint8Array | null;
  /** In the order of the header's parents. */
  readonly edges: readonly LogEdge[];
};

/** A row of `ledger.edge`. */
export type LogEdge = {
  readonly rel: number;
  readonly parentHash: Uint8Array;
  readonly parentLeaf: number | null;
};

/** An event with its parts; a part that has ended is null, and its salt with it. */
export type LogRecord = {
  readonly leaf: number;
  readonly header: string;
  readonly facts: string;
  readonly dataSalt: Uint8Array | null;
  readonly data: string | null;
  readonly contentSalt: Uint8Array | null;
  readonly content: string | null;
  /** Absent where the event comes from an export and not out of a database. */
  readonly columns?: LogColumns | undefined;
};

/** Which check found the fault. */
export type FaultClass =
  | 'chain'
  | 'column'
  | 'content'
  | 'data'
  | 'ending'
  | 'facts'
  | 'group'
  | 'header'
  | 'kept'
  | 'key'
  | 'order'
  | 'parent'
  | 'root'
  | 'shard'
  | 'size'
  | 'time';

/** The first thing that is wrong with a log. */
export type Fault = {
  /** Null where a root tells that something is wrong, but not where. */
  readonly leaf: number | null;
  readonly class: FaultClass;
  readonly expected: string;
  readonly found: string;
  /** 40 invalid, 30 diverged from what was kept, 20 cannot decide, 64 what was kept is no note. */
  readonly exit: 20 | 30 | 40 | 64;
  /** The kept note that the log excludes, when it has diverged. */
  readonly note?: string | undefined;
};

/** A fault of a log that is not what it claims to be. */
export function invalid(
  leaf: number | null,
  faultClass: FaultClass,
  expected: string,
  found: string,
): Fault {
  return {leaf, class: faultClass, expected, found, exit: 40};
}
