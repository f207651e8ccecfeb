import * as fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {canonicalize, maxDepth, parseCanonical} from '../../../shared/ledger/canonical.ts';
import {SyntaxRefusal} from '../../../shared/ledger/syntax.ts';

const json = fc.jsonValue({maxDepth: 6, stringUnit: 'binary'});

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i += 1) value = i % 2 === 0 ? [value] : {a: value};
  return value;
}

function refusalOf(act: () => unknown): SyntaxRefusal {
  try {
    act();
  } catch (error) {
    if (error instanceof SyntaxRefusal) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('canonicalize', () => {
  test('orders keys by UTF-16 units: the example of RFC 8785 §3.2.3', () => {
    const value = {
      '\u20ac': 1,
      '\r': 2,
      '\ufb33': 3,
      '1': 4,
      '\u{1f600}': 5,
      '\u0080': 6,
      '\u00f6': 7,
    };
    const order = ['\r', '1', '\u0080', '\u00f6', '\u20ac', '\u{1f600}', '\ufb33'];
    expect(Object.values(JSON.parse(canonicalize(value))).length).toBe(7);
    const found = [...canonicalize(value).matchAll(/"((?:[^"\\]|\\.)*)":/g)].map(
      (match) => match[1],
    );
    expect(found).toEqual(order.map((key) => JSON.stringify(key).slice(1, -1)));
  });

  test('prints the numbers of RFC 8785 §3.2.2.3 and its appendix', () => {
    const numbers =
      '[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001,-0,5e-324,1e21,1e20,9007199254740993]';
    const printed =
      '[333333333.3333333,1e+30,4.5,0.002,1e-27,0,5e-324,1e+21,100000000000000000000,9007199254740992]';
    expect(canonicalize(JSON.parse(numbers))).toBe(printed);
  });

  test('escapes what RFC 8785 §3.2.2.2 says and nothing else', () => {
    expect(canonicalize('\u20ac$\u000f\nA\'B"\\/\u007f\u2028')).toBe(
      '"\u20ac$\\u000f\\nA\'B\\"\\\\/\u007f\u2028"',
    );
  });

  test('reads back as the same value and as the same text', () => {
    fc.assert(
      fc.property(json, (value) => {
        const text = canonicalize(value);
        expect(canonicalize(JSON.parse(text))).toBe(text);
        expect(parseCanonical(text)?.value).toEqual(JSON.parse(text));
      }),
      {numRuns: 1_000},
    );
  });

  test('does not depend on the order in which keys were set', () => {
    const entries = fc.uniqueArray(fc.tuple(fc.string({unit: 'binary'}), json), {
      selector: ([key]) => key,
    });
    fc.assert(
      fc.property(entries, (pairs) => {
        const one = canonicalize(Object.fromEntries(pairs));
        expect(canonicalize(Object.fromEntries(pairs.toReversed()))).toBe(one);
      }),
    );
  });

  test('keeps __proto__ and keys like integers', () => {
    const text = '{"10":1,"9":2,"__proto__":{"a":3}}';
    expect(canonicalize(JSON.parse(text))).toBe(text);
    expect(parseCanonical(text)).not.toBeNull();
  });

  test('writes 64 levels and refuses 65', () => {
    expect(canonicalize(nested(maxDepth))).toBe(JSON.stringify(nested(maxDepth)));
    expect(refusalOf(() => canonicalize(nested(maxDepth + 1))).reason).toBe('depth');
  });

  class Point {
    x = 1;
  }
  test.each([
    ['NaN', {a: [NaN]}, 'number', '/a/0'],
    ['Infinity', {'a/b~': Infinity}, 'number', '/a~1b~0'],
    ['a lone surrogate', ['ok', '\udc00'], 'surrogate', '/1'],
    ['a lone surrogate in a key', {'\ud800': 1}, 'surrogate', '/\ud800'],
    ['undefined', {a: undefined}, 'type', '/a'],
    ['a hole', [1, , 2], 'type', '/1'], // oxlint-disable-line no-sparse-arrays -- it is the case
    ['a function', [() => 1], 'type', '/0'],
    ['a symbol', Symbol('s'), 'type', ''],
    ['a BigInt', {n: 1n}, 'type', '/n'],
    ['a Date', {d: new Date(0)}, 'type', '/d'],
    ['a Map', new Map(), 'type', ''],
    ['a typed array', {b: new Uint8Array(1)}, 'type', '/b'],
    ['an instance', [new Point()], 'type', '/0'],
    ['a toJSON', {toJSON: () => 1}, 'type', '/toJSON'],
  ])('refuses %s and says where', (_, value, reason, pointer) => {
    const refusal = refusalOf(() => canonicalize(value));
    expect([refusal.reason, refusal.pointer]).toEqual([reason, pointer]);
  });
});

describe('parseCanonical', () => {
  test.each([
    '{"b":1,"a":2}',
    '{"a":1,"a":1}',
    '{"a":1.0}',
    '{"a":1e2}',
    '-0',
    '1e400',
    ' 1',
    '1\n',
    '"\\u0041"',
    '"\\/"',
    '"\\ud800"',
    '"\\ud83d\\ude00"',
    '{"10":1,"9":2,"1":3}',
    '{"a":{"d":1,"c":2}}',
    '\uFEFF1',
    '',
    '{',
    `${'['.repeat(65)}${']'.repeat(65)}`,
  ])('finds no canonical value in %s', (text) => {
    expect(parseCanonical(text)).toBeNull();
  });

  test.each(['0', '"\\u0000"', '{"a":[{"b":null}]}', '[]', '"\u{1f600}"', '1e+21'])(
    'reads %s',
    (text) => {
      expect(parseCanonical(text)).toEqual({value: JSON.parse(text)});
    },
  );
});
