import {describe, expect, test} from 'vitest';
import {CellError} from '../../../shared/errors.ts';
import {
  isConnectionLost,
  NotSent,
  NoTurn,
  outcomeOf,
  readError,
} from '../../../core/store/postgres/errors.ts';

const reported = (code: string, constraint?: string): Error =>
  Object.assign(new Error('reported'), {severity: 'ERROR', code, constraint});
const socket = (code: string): Error => Object.assign(new Error('socket'), {code});

describe('what an error says about a batch', () => {
  test.each([
    ['moved', ['CS001', '40001', '40P01']],
    ['unknown', ['08000', '08003', '08006', '57014', '57P01', '57P02', '57P03', '57P05', '40003']],
    ['busy', ['CS004', '53000', '53100', '53200', '53300', '55P03', '58030', '25006', '26000']],
    [
      'poisoned',
      [
        'CS002',
        'CS003',
        'CS409',
        '22P02',
        '23502',
        '23514',
        '42501',
        '42883',
        '54000',
        'XX000',
        '0A000',
      ],
    ],
  ] as const)('%s', (is, codes) => {
    for (const code of codes) expect(outcomeOf(reported(code)), code).toMatchObject({is});
  });

  test.each([
    ['event_pk', {is: 'moved'}],
    ['event_id_uq', {is: 'moved'}],
    ['event_chain_uq', {is: 'moved'}],
    ['event_idem_uq', {is: 'taken'}],
    ['note_external_id_uq', {is: 'poisoned', constraint: 'note_external_id_uq'}],
  ])('a second row in %s', (constraint, outcome) => {
    expect(outcomeOf(reported('23505', constraint))).toMatchObject(outcome);
  });

  test('only a unique index is named: another constraint says nothing about a name that is taken', () => {
    expect(outcomeOf(reported('23514', 'head_check'))).toMatchObject({
      is: 'poisoned',
      constraint: null,
    });
  });

  test('what did not come from the server is unknown, though its code looks like one of the server', () => {
    for (const error of [
      socket('EPIPE'),
      socket('ECONNRESET'),
      socket('08006'),
      new Error('no answer'),
      'text',
      undefined,
    ]) {
      expect(outcomeOf(error)).toEqual({is: 'unknown', cause: error});
    }
  });

  test('what was never sent is busy', () => {
    expect(outcomeOf(new NotSent('no connection'))).toMatchObject({is: 'busy'});
    expect(outcomeOf(new NoTurn('in use'))).toMatchObject({is: 'busy'});
  });
});

describe('what a reader is told', () => {
  test.each([
    ['CONNECTION_POOL_EXHAUSTED', new Error('timeout exceeded when trying to connect')],
    ['CONNECTION_POOL_EXHAUSTED', reported('53300')],
    ['CONNECTION_POOL_EXHAUSTED', new NoTurn('lane 1 was in use')],
    ['SERVICE_UNAVAILABLE', socket('ECONNREFUSED')],
    ['SERVICE_UNAVAILABLE', new Error('Connection terminated unexpectedly')],
    ['SERVICE_UNAVAILABLE', reported('57P01')],
    ['SERVICE_UNAVAILABLE', reported('08006')],
    ['SERVICE_UNAVAILABLE', reported('53200')],
    ['TIMEOUT', reported('57014')],
    ['DATABASE_ERROR', reported('42P01')],
    ['DATABASE_ERROR', reported('22P02')],
  ])('%s', (code, cause) => {
    const error = readError(cause, 'note_select');
    expect(error).toMatchObject({code, cause, context: {statement: 'note_select'}});
    // What the database said may hold another tenant's values.
    expect(error.message).not.toContain(cause.message);
  });

  test('an error that is already one of the product stays as it is', () => {
    const error = new CellError('TENANT_NOT_FOUND', 'gone');
    expect(readError(error, 'x')).toBe(error);
  });
});

test('a connection is given up for what the server did not say, and for its farewell', () => {
  expect([socket('EPIPE'), reported('57P01'), reported('08006')].map(isConnectionLost)).toEqual([
    true,
    true,
    true,
  ]);
  expect(
    [reported('23505'), reported('57014'), new NotSent('x'), new CellError('TIMEOUT', 'x')].map(
      isConnectionLost,
    ),
  ).toEqual([false, false, false, false]);
});
