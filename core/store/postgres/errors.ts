/**
 * What PostgreSQL's errors mean, in one table for commits and one for reads.
 *
 * The question behind the first is not what went wrong but what may be on disk: only an error that
 * the server itself reported says that nothing was written. A connection that broke, or a silence,
 * says nothing, and is answered as such.
 */
import {CellError, type ErrorCode} from '../../../shared/errors.ts';
import type {CommitOutcome} from '../store.ts';

/** Nothing was sent: no connection, no turn, no time. */
export class NotSent extends Error {
  override readonly name: string = 'NotSent';
}

/** Nothing was sent, because others were using the connection the whole time. */
export class NoTurn extends NotSent {
  override readonly name = 'NoTurn';
}

/** What the drivers report of a server's error; both name the fields alike. */
type ServerError = {
  readonly code: string;
  readonly severity: string;
  readonly constraint?: string | undefined;
};

/** The error as the server reported it; null for one that arose on this side of the connection. */
export function serverError(error: unknown): ServerError | null {
  // A socket's error has a code too (EPIPE has even five capitals), but never a severity.
  if (!(error instanceof Error) || !('severity' in error) || !('code' in error)) return null;
  return typeof error.severity === 'string' && typeof error.code === 'string'
    ? (error as Error & ServerError)
    : null;
}

type Failure = Exclude<CommitOutcome, {is: 'committed'}>;

/** Unique indexes of the ledger that mean: somebody else committed first. */
const racedFor: readonly string[] = ['event_pk', 'event_id_uq', 'event_chain_uq'];

/** What an error says about the batch that was sent. */
export function outcomeOf(cause: unknown): Failure {
  if (cause instanceof NotSent) return {is: 'busy', cause};
  const error = serverError(cause);
  if (error === null) return {is: 'unknown', cause};
  const constraint = error.code === '23505' ? (error.constraint ?? null) : null;
  if (constraint === 'event_idem_uq') return {is: 'taken', cause};
  if (constraint !== null && racedFor.includes(constraint)) return {is: 'moved', cause};
  const is = meaning(error.code);
  return is === 'poisoned' ? {is, cause, constraint} : {is, cause};
}

function meaning(code: string): 'moved' | 'unknown' | 'busy' | 'poisoned' {
  if (code === 'CS001' || code === '40001' || code === '40P01') return 'moved';
  if (code === 'CS004') return 'busy';
  switch (code.slice(0, 2)) {
    case '08': // the connection broke
    case '57': // shut down, crashed, cancelled: perhaps after the commit, while it waited for a replica
    case '40': // 40003: the server does not know itself
      return 'unknown';
    case '53': // no disk, no memory, too many connections
    case '55': // a lock was not to be had
    case '58': // the server's disk
    case '25': // read only: the server is a replica now
    case '26': // the prepared statement is gone
    case '28': // the login was refused
      return 'busy';
    default:
      return 'poisoned';
  }
}

/** Tells whether the connection is of no more use, so that another one may have better luck. */
export function isConnectionLost(error: unknown): boolean {
  if (error instanceof CellError || error instanceof NotSent) return false;
  const code = serverError(error)?.code;
  return code === undefined || code.startsWith('08') || code.startsWith('57P');
}

/** An error of a read as the rest of the product knows it. `doing` names the statement, for the log. */
export function readError(cause: unknown, doing: string): CellError {
  if (cause instanceof CellError) return cause;
  const code = codeOfRead(cause);
  return new CellError(code, sentences[code], {cause, context: {statement: doing}});
}

const sentences = {
  DATABASE_ERROR: 'the database refused a statement of the server',
  CONNECTION_POOL_EXHAUSTED: 'every database connection is in use',
  SERVICE_UNAVAILABLE: 'the database does not answer',
  TIMEOUT: 'the database took longer than a read may take',
} as const satisfies Partial<Record<ErrorCode, string>>;

function codeOfRead(cause: unknown): keyof typeof sentences {
  // The pool's own words for a queue in which the time was up; it has no code for it.
  if (cause instanceof Error && cause.message === 'timeout exceeded when trying to connect') {
    return 'CONNECTION_POOL_EXHAUSTED';
  }
  if (cause instanceof NoTurn) return 'CONNECTION_POOL_EXHAUSTED';
  const error = serverError(cause);
  if (error === null) return 'SERVICE_UNAVAILABLE';
  if (error.code === '53300') return 'CONNECTION_POOL_EXHAUSTED';
  if (error.code === '57014') return 'TIMEOUT';
  if (/^(08|53|57P|28|58)/.test(error.code)) return 'SERVICE_UNAVAILABLE';
  return 'DATABASE_ERROR';
}
