/**
 * The error table as released. A new row is a minor release, a changed status a major one, so
 * neither may happen without somebody writing it here too.
 */
import {expect, test} from 'vitest';
import {CellError, errorTable, type ErrorCode} from '../../shared/errors.ts';
import {problemBody, problemResponse} from '../../shared/wire/problem.ts';

const released = [
  'UNAUTHORIZED 401',
  'INVALID_TOKEN 401',
  'TOKEN_EXPIRED 401',
  'FORBIDDEN 403',
  'VALIDATION_FAILED 400',
  'INVALID_INPUT 400',
  'MISSING_FIELD 400',
  'INVALID_RANGE 400',
  'INVALID_FORMAT 400',
  'ROUTE_NOT_FOUND 404',
  'METHOD_NOT_ALLOWED 405',
  'ENTITY_NOT_FOUND 404',
  'TENANT_NOT_FOUND 404',
  'TRAJECTORY_NOT_FOUND 404',
  'SCOPE_NOT_FOUND 404',
  'ARTIFACT_NOT_FOUND 404',
  'NOTE_NOT_FOUND 404',
  'AGENT_NOT_FOUND 404',
  'LOCK_NOT_FOUND 404',
  'MESSAGE_NOT_FOUND 404',
  'API_KEY_NOT_FOUND 404',
  'WEBHOOK_NOT_FOUND 404',
  'ENTITY_ALREADY_EXISTS 409',
  'CONCURRENT_MODIFICATION 409',
  'LOCK_CONFLICT 409 retry',
  'LOCK_EXPIRED 409',
  'STATE_CONFLICT 409',
  'IDEMPOTENCY_CONFLICT 409',
  'CONTRADICTION 409',
  'PRECONDITION_FAILED 412',
  'PRECONDITION_REQUIRED 428',
  'PAYLOAD_TOO_LARGE 413',
  'UNSUPPORTED_MEDIA_TYPE 415',
  'LIMIT_EXCEEDED 422',
  'GATE_REFUSED 422',
  'TOOL_REFUSED 422',
  'TOO_MANY_REQUESTS 429 retry',
  'CONTENT_GONE 410',
  'INTERNAL_ERROR 500',
  'DATABASE_ERROR 500 retry',
  'PROVIDER_FAILED 502 retry',
  'SERVICE_UNAVAILABLE 503 retry',
  'CONNECTION_POOL_EXHAUSTED 503 retry',
  'LEDGER_HALTED 503',
  'TIMEOUT 504 retry',
];

const codes = Object.keys(errorTable) as ErrorCode[];

test('the table has the released codes, with their statuses, and no others', () => {
  const rows = Object.entries(errorTable).map(
    ([code, {status, retryable}]) => `${code} ${status}${retryable ? ' retry' : ''}`,
  );
  expect(rows).toEqual(released);
  expect(rows).toHaveLength(45);
});

test('codes are SCREAMING_SNAKE and titles are sentences that name no cause', () => {
  for (const [code, {title}] of Object.entries(errorTable)) {
    expect(code).toMatch(/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/);
    expect(title).toMatch(/^[A-Z][^.!\n]{5,60}$/);
    expect(title).not.toMatch(/failed$/i);
  }
});

test('in production a fault of the server tells title and code and nothing else', () => {
  const details = {secret: 'details'};
  for (const code of codes) {
    const error = new CellError(code, 'the message', {details});
    const body = problemBody(error, {isProduction: true});
    const isHidden = errorTable[code].status >= 500;
    expect(body).toMatchObject({
      code,
      message: isHidden ? errorTable[code].title : 'the message',
      details: isHidden ? null : details,
    });
    expect(problemBody(error, {isProduction: false})).toMatchObject({
      message: 'the message',
      details,
    });
  }
});

test('what is meant for its caller is told in production too', () => {
  const error = new CellError('SERVICE_UNAVAILABLE', 'lanes: full', {isShown: true});
  expect(problemBody(error, {isProduction: true})).toMatchObject({message: 'lanes: full'});
});

test('what nobody foresaw is a bare 500, whatever was thrown', async () => {
  for (const thrown of [new Error('the password is x'), 'text', null, undefined, {status: 200}]) {
    const response = problemResponse(thrown, '', {isProduction: true});
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('password');
  }
});
