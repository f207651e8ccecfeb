import * as fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {
  eventId,
  idMatchesTime,
  idTimeMicros,
  isUuid,
  uuidBytes,
} from '../../../shared/ledger/ids.ts';

const random = fc.uint8Array({minLength: 8, maxLength: 8});
// To the year 9999 and to the end of what 48 bits of milliseconds and a safe integer hold.
const micros = fc.oneof(
  fc.integer({min: 0, max: 4_102_444_800_000_000}),
  fc.maxSafeInteger().map(Math.abs),
);

describe('G-1: id and at are in one order', () => {
  test('an id is a UUIDv7 with the fields of RFC 9562', () => {
    const id = eventId(1_795_338_527_123_456, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1));
    expect(id).toBe('01a20283-e193-774b-8000-000000000001');
    expect(eventId(0, new Uint8Array(8).fill(0xff))).toBe('00000000-0000-7000-bfff-ffffffffffff');
  });

  test('every later at gives a greater id, whatever the random bits are', () => {
    fc.assert(
      fc.property(
        micros,
        fc.integer({min: 1, max: 5_000}),
        random,
        random,
        (at, step, one, other) => {
          fc.pre(Number.isSafeInteger(at + step));
          expect(eventId(at, one) < eventId(at + step, other)).toBe(true);
        },
      ),
      {numRuns: 2_000},
    );
  });

  test('an id belongs to its own at and to no other', () => {
    fc.assert(
      fc.property(micros, fc.integer({min: 1, max: 2_000}), random, (at, step, bits) => {
        const id = eventId(at, bits);
        expect(isUuid(id)).toBe(true);
        expect(idMatchesTime(id, at)).toBe(true);
        expect(idMatchesTime(id, at + step)).toBe(false);
        expect(idTimeMicros(id)).toBe(at);
      }),
      {numRuns: 2_000},
    );
  });
});

test('other spellings of a UUID are none', () => {
  for (const text of [
    '01A20283-e193-774b-8000-000000000001',
    '01a20283e193774b8000000000000001',
    '',
    'x',
  ]) {
    expect(isUuid(text)).toBe(false);
    expect(() => uuidBytes(text)).toThrow('id: not a lower-case UUID');
  }
  expect(() => idTimeMicros('01a20283-e193-474b-8000-000000000001')).toThrow('UUIDv7');
  expect(() => eventId(0, new Uint8Array(7))).toThrow(RangeError);
});
