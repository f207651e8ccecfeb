/** What every refusal looks like, whoever made it. */
import {errorTable, type ErrorCode} from '../../shared/errors.ts';
import type {Reply} from './test-app.ts';

export type Expected = {
  readonly status: number;
  readonly code?: ErrorCode | readonly ErrorCode[];
  /** JSON pointer of the member that has to be named, or its beginning. */
  readonly names?: string;
};

const memberNames = 'code,details,issues,message,retryable,status,title,type';

/** Everything about a refusal that is not as it should be; empty when all is well. */
export function complaints(reply: Reply, expected: Expected): readonly string[] {
  const {status, headers, text} = reply;
  if (status !== expected.status)
    return [`status ${status} for ${expected.status}: ${text.slice(0, 200)}`];
  if (headers.get('content-type') !== 'application/problem+json') {
    return [`Content-Type ${headers.get('content-type')}: ${text.slice(0, 200)}`];
  }
  const body = JSON.parse(text) as Record<string, unknown>;
  const {code, message, details, issues} = body as {
    code: ErrorCode;
    message: string;
    details: unknown;
    issues: {path: string; code: string; message: string}[];
  };
  const row = errorTable[code];
  if (row === undefined) return [`code ${code} is not in the table`];
  const wrong: string[] = [];
  const claim = (isSo: boolean, what: string): void => {
    if (!isSo) wrong.push(`${what}: ${text.slice(0, 300)}`);
  };
  const codes = expected.code === undefined ? null : [expected.code].flat();
  claim(codes === null || codes.includes(code), `code is none of ${codes?.join(', ')}`);
  claim(Object.keys(body).toSorted().join() === memberNames, 'members');
  claim(body['type'] === `urn:cellstate:error:${code}`, 'type');
  claim(body['title'] === row.title && body['retryable'] === row.retryable, 'title or retryable');
  claim(row.status === status && body['status'] === status, 'status is not the one of the table');
  claim(message.length > 0 && !/\bfailed[.!]?$/i.test(message), 'message');
  claim(details === null || (typeof details === 'object' && !Array.isArray(details)), 'details');
  claim(
    issues.every((one) => one.path.startsWith('/') || one.path === ''),
    'a path that is no JSON pointer',
  );
  claim(code !== 'VALIDATION_FAILED' || issues.length > 1, 'VALIDATION_FAILED with one issue');
  const {names} = expected;
  if (names !== undefined) {
    claim(
      issues.some(({path}) => path === names || path.startsWith(`${names}/`)),
      `no issue names ${names}`,
    );
  }
  claim(/^[A-Za-z0-9._-]{1,128}$/.test(headers.get('x-request-id') ?? ''), 'X-Request-Id');
  claim(/^\d+$/.test(headers.get('cellstate-version') ?? ''), 'CellState-Version');
  claim(headers.has('www-authenticate') === (status === 401), 'WWW-Authenticate');
  claim(/^[1-9]\d*$/.test(headers.get('retry-after') ?? '') === row.retryable, 'Retry-After');
  claim(!headers.has('etag'), 'ETag');
  return wrong;
}
