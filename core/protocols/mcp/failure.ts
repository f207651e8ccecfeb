/**
 * What a caller of MCP learns of a failure: what `shared/errors.ts` says of it, and nothing else.
 *
 * The SDK puts the message of whatever is thrown on the wire, so nothing of ours throws but what is
 * made here.
 */
import {ProtocolError, ProtocolErrorCode, type CallToolResult} from '@modelcontextprotocol/server';
import {CellError} from '../../../shared/errors.ts';
import {problemBody, type ProblemOptions} from '../../../shared/wire/problem.ts';
import type {Call} from '../../domain/actor.ts';

export const errorKey = 'dev.cellstate/error';
export const receiptKey = 'dev.cellstate/receipt';

export type Failures = ProblemOptions & {
  /** Logs the cause of a failure that its caller is not told of. */
  readonly complain: (error: unknown, requestId: string) => void;
};

/** Any failure as one of the table; the cause of one that nobody foresaw goes to the log. */
export function known(of: Failures, error: unknown, {requestId}: Call): CellError {
  if (error instanceof CellError && error.status < 500) return error;
  of.complain(error, requestId);
  if (error instanceof CellError) return error;
  const message = `the server has a fault; its log knows request ${requestId}`;
  return new CellError('INTERNAL_ERROR', message, {cause: error, isShown: true});
}

/** The members of a problem that say something where there is no HTTP. */
function problemOf(of: Failures, error: CellError): Record<string, unknown> {
  const {type: _, title: __, ...rest} = problemBody(error, of) as Record<string, unknown>;
  return rest;
}

export type Receipt = {readonly receipt_id: string; readonly position: number};

/** A failed call of a tool. It has no structured content, which clients would check as a success's. */
export function toolFailure(
  of: Failures,
  error: CellError,
  receipt: Receipt | null,
): CallToolResult {
  const problem = problemOf(of, error);
  const meta = {[errorKey]: problem, ...(receipt === null ? {} : {[receiptKey]: receipt})};
  return {isError: true, content: [{type: 'text', text: JSON.stringify(problem)}], _meta: meta};
}

/** A refused request for a resource, a prompt or a list. `uri` is the resource that was asked for. */
export function refusal(of: Failures, error: CellError, uri?: string): ProtocolError {
  if (error.status >= 500 || error.status === 429) {
    const problem = problemOf(of, error);
    return new ProtocolError(ProtocolErrorCode.InternalError, String(problem['message']), problem);
  }
  // Unknown, foreign, hidden and malformed are one answer.
  if (uri !== undefined && [400, 404, 410].includes(error.status)) return noResource(uri);
  return new ProtocolError(ProtocolErrorCode.InvalidParams, error.message, problemOf(of, error));
}

/** The one answer for a resource that is not there for this caller. */
const noResource = (uri: string): ProtocolError =>
  new ProtocolError(ProtocolErrorCode.InvalidParams, 'Resource not found', {uri});
