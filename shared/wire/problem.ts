/**
 * The one place that makes an error a response: `application/problem+json` (RFC 9457), the same
 * bytes on both tiers.
 */
import {CellError, errorTable, type ErrorCode} from '../errors.ts';
import {readsOnlyPack} from './accept.ts';
import {pack} from './msgpack.ts';

export type ProblemOptions = {
  /** In production a 5xx body holds title and code alone. */
  readonly isProduction: boolean;
};

/** A fault that nobody foresaw, as its caller sees it; the log holds the cause. */
const unforeseen = (cause: unknown): CellError =>
  new CellError('INTERNAL_ERROR', 'the server has a fault; the log knows more', {cause});

/** The body of a problem. */
export function problemBody(error: CellError, {isProduction}: ProblemOptions): object {
  const {status, retryable, title} = errorTable[error.code];
  const isHidden = isProduction && status >= 500 && !error.isShown;
  return {
    type: `urn:cellstate:error:${error.code}`,
    title,
    status,
    code: error.code,
    message: isHidden ? title : error.message,
    retryable,
    details: isHidden ? null : error.details,
    issues: error.issues,
  };
}

/** Turns whatever was thrown into the answer its caller gets. */
export function problemResponse(
  thrown: unknown,
  accept: string,
  options: ProblemOptions,
): Response {
  const error = thrown instanceof CellError ? thrown : unforeseen(thrown);
  const body = problemBody(error, options);
  const {status} = error;
  const headers = headersOf(error);
  // A problem is MessagePack only for a caller that reads nothing else.
  if (readsOnlyPack(accept)) {
    headers['Content-Type'] = 'application/msgpack';
    return new Response(pack(body), {status, headers});
  }
  headers['Content-Type'] = 'application/problem+json';
  return new Response(JSON.stringify(body), {status, headers});
}

const unauthorized: ReadonlySet<ErrorCode> = new Set([
  'UNAUTHORIZED',
  'INVALID_TOKEN',
  'TOKEN_EXPIRED',
]);

function headersOf(error: CellError): Record<string, string> {
  const headers: Record<string, string> = {};
  if (unauthorized.has(error.code)) {
    headers['WWW-Authenticate'] =
      error.code === 'UNAUTHORIZED' ? 'Bearer' : 'Bearer error="invalid_token"';
  }
  if (errorTable[error.code].retryable) {
    headers['Retry-After'] = String(error.retryAfterSeconds ?? 1);
  }
  if (error.eventId !== null) headers['CellState-Receipt'] = error.eventId;
  return headers;
}
