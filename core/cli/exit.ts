/**
 * Exit codes of the command line, and which one an error amounts to.
 *
 * 0 ok · 1 refused by the server or the database · 2 usage · 3 unreachable. The verifier has codes of
 * its own (0, 11, 20, 30, 40, 64), and a script that runs it can tell each from the other.
 */
import {CellError} from '../../shared/errors.ts';
import {ConfigRefused} from '../config.ts';

export const exits = {ok: 0, refused: 1, usage: 2, unreachable: 3} as const;

/** What the verifier answers to a call that makes no sense. */
export const verifierUsage = 64;

/** A failure that the command line explains itself. `message` says what to do next. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exit: number;
  readonly code: string;

  constructor(exit: number, message: string, options: {code?: string; cause?: unknown} = {}) {
    super(message, options.cause === undefined ? {} : {cause: options.cause});
    this.exit = exit;
    this.code = options.code ?? (exit === exits.unreachable ? 'UNREACHABLE' : 'REFUSED');
  }
}

/** What is printed of an error. `isBug` asks for the stack as well. */
export type Told = {
  readonly exit: number;
  readonly code: string;
  readonly message: string;
  readonly isBug: boolean;
};

const refusals: readonly string[] = ['MigrationRefused', 'StartRefused', 'NotSent', 'AuditRefused'];

/** Exit, code and sentence of whatever was thrown. */
export function toldOf(error: unknown): Told {
  if (error instanceof CliError) {
    return {exit: error.exit, code: error.code, message: error.message, isBug: false};
  }
  if (error instanceof ConfigRefused) {
    return {exit: exits.usage, code: 'CONFIG', message: error.message, isBug: false};
  }
  if (error instanceof CellError) {
    const isAway = error.code === 'SERVICE_UNAVAILABLE' && error.cause !== undefined;
    const why = isAway ? `${error.message}: ${reasonOf(error.cause)}` : error.message;
    const exit = isAway ? exits.unreachable : exits.refused;
    return {exit, code: error.code, message: why, isBug: false};
  }
  if (isUnreachable(error)) {
    const message = `the database does not answer: ${reasonOf(error)}`;
    return {exit: exits.unreachable, code: 'UNREACHABLE', message, isBug: false};
  }
  const message = reasonOf(error);
  if (error instanceof Error && (refusals.includes(error.name) || isServerError(error))) {
    return {exit: exits.refused, code: 'REFUSED', message, isBug: false};
  }
  // The lock of the embedded directory says who holds it, in a plain error.
  if (/ is in use by process \d+/.test(message)) {
    return {exit: exits.refused, code: 'IN_USE', message, isBug: false};
  }
  return {exit: exits.refused, code: 'INTERNAL_ERROR', message, isBug: true};
}

const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  // Several addresses of one host come as one error with none of its own words.
  const parts = error instanceof AggregateError ? error.errors.map(reasonOf) : [];
  return error.message || parts.join('; ') || error.name;
};

const isServerError = (error: Error): boolean => 'severity' in error && 'code' in error;

const unreachableCodes: readonly string[] = [
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
  'ECONNABORTED',
  '57P03',
];

function isUnreachable(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const code = 'code' in at ? String(at.code) : '';
    if (unreachableCodes.includes(code)) return true;
    if (/timeout expired|connection terminated|no connection to the database/i.test(at.message))
      return true;
    if (at instanceof AggregateError && at.errors.some(isUnreachable)) return true;
  }
  return false;
}
