import * as fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {maxDepth} from '../../../shared/ledger/canonical.ts';
import {findFault} from '../../../shared/ledger/find-fault.ts';
import {parseStrict} from '../../../shared/ledger/parse-strict.ts';
import {SyntaxRefusal} from '../../../shared/ledger/syntax.ts';

function refusalOf(text: string): SyntaxRefusal | null {
  try {
    parseStrict(text);
    return null;
  } catch (error) {
    if (error instanceof SyntaxRefusal) return error;
    throw error;
  }
}

const refused: readonly (readonly [
  text: string,
  reason: string,
  position: number,
  pointer: string,
])[] = [
  ['\uFEFF{}', 'bom', 0, ''],
  ['{} {}', 'trailing', 3, ''],
  ['{}\u0000', 'trailing', 2, ''],
  ['', 'syntax', 0, ''],
  ['{"a":1,}', 'syntax', 7, ''],
  ["{'a':1}", 'syntax', 1, ''],
  ['[1,2', 'syntax', 4, ''],
  ['"abc', 'syntax', 0, ''],
  ['"a\u0000b"', 'syntax', 0, ''],
  ['{"a":01}', 'syntax', 6, ''],
  ['{"a":+1}', 'syntax', 5, '/a'],
  ['{"a":.5}', 'syntax', 5, '/a'],
  ['{"a":tru}', 'syntax', 5, '/a'],
  ['{"a" 1}', 'syntax', 5, '/a'],
  ['{"a":1,"b":{"c":1,"c":2}}', 'duplicate', 18, '/b/c'],
  ['{"a":1,"\\u0061":2}', 'duplicate', 7, '/a'],
  ['{"x/y":[{"k":"\\ud800"}]}', 'surrogate', 13, '/x~1y/0/k'],
  ['{"\\udc00":1}', 'surrogate', 1, ''],
  ['["\ud800"]', 'surrogate', 1, '/0'],
  ['{"n":1e400}', 'number', 5, '/n'],
  ['{"n":-1e999}', 'number', 5, '/n'],
  [`${'['.repeat(65)}${']'.repeat(65)}`, 'depth', 64, '/0'.repeat(64)],
];

describe('parseStrict', () => {
  test.each(refused)('refuses %j as %s, at %d, in %j', (text, reason, position, pointer) => {
    const refusal = refusalOf(text);
    expect([refusal?.reason, refusal?.position, refusal?.pointer]).toEqual([
      reason,
      position,
      pointer,
    ]);
    expect(refusal?.message).not.toMatch(/failed$/);
  });

  test.each([
    '{"a":":{[\\"","b":"\\\\"}',
    '{"a":{"b":1},"c":{"b":1}}',
    ' \n\t\r[1 , -0, 1.5e-3, {"":{}} ] ',
    '"\\ud83d\\ude00"',
    '{"__proto__":{"a":1}}',
    '{"2":1,"1":2}',
    `${'['.repeat(64)}${']'.repeat(64)}`,
    '"\\\\\\\\\\""',
  ])('reads %s as the native parser does', (text) => {
    expect(parseStrict(text)).toEqual(JSON.parse(text));
  });

  test('a lower limit of depth holds', () => {
    expect(parseStrict('[[1]]', {maxDepth: 2})).toEqual([[1]]);
    expect(() => parseStrict('[[[1]]]', {maxDepth: 2})).toThrow('nested too deep');
  });

  test('a million brackets cost a refusal and no stack', () => {
    expect(refusalOf('['.repeat(1_000_000))?.reason).toBe('depth');
    expect(refusalOf('{"a":'.repeat(100_000))?.reason).toBe('depth');
  });

  test('agrees with the slow reading about valid JSON', () => {
    fc.assert(
      fc.property(fc.json({maxDepth: 5, stringUnit: 'binary'}), (text) => {
        expect(findFault(text, maxDepth)).toBeNull();
        expect(parseStrict(text)).toEqual(JSON.parse(text));
      }),
      {numRuns: 1_000},
    );
  });

  test('agrees with the slow reading about damaged JSON', () => {
    const parts = [
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '"a"',
      '"b"',
      '\\',
      '\\u',
      'd800',
      '1',
      '-',
      '.',
      'e5',
      'null',
      ' ',
      '\uFEFF',
      '\ud800',
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...parts), {maxLength: 12}), (pieces) => {
        const text = pieces.join('');
        expect(refusalOf(text)).toEqual(findFault(text, maxDepth));
      }),
      {numRuns: 20_000},
    );
  });
});
