import {describe, expect, test} from 'vitest';
import {canonicalize} from '../../../shared/ledger/canonical.ts';
import {parseFacts, renderFacts, whyFault} from '../../../shared/ledger/facts.ts';
import type {Facts} from '../../../shared/ledger/facts.ts';
import {gateNames, gatesWithReason} from '../../../shared/ledger/gates.ts';
import {parseContent, parseData} from '../../../shared/ledger/payload.ts';
import {FormatRefusal} from '../../../shared/ledger/refusal.ts';
import vector from '../../../shared/ledger/vectors/1.json';

const good = parseFacts(vector.facts);
const [a, b] = ['01a1f000-0000-7000-8000-0000000000aa', '01a1f000-0000-7000-8000-0000000000bb'];
const lock = {LockGate: {code: 'LOCK_EXPIRED', last: 4, token: 3}};

describe('facts', () => {
  test('with ends, reads and reasons print canonically and read back', () => {
    const facts: Facts = {
      ...good,
      ends: [
        [3, 3],
        [5, 9],
      ],
      reads: [
        [a, 1],
        [b, 7],
      ],
      why: lock,
    };
    expect(renderFacts(facts)).toBe(canonicalize(facts));
    expect(parseFacts(renderFacts(facts))).toEqual(facts);
  });

  test.each([
    ['at that is no integer', {at: 1.5}, 'at is not a safe integer'],
    ['at beyond 2^53', {at: 2 ** 53}, 'at is not a safe integer'],
    ['another version', {v: 2}, 'v is not 1'],
    ['a policy that is no hash', {policy: 'AB'.repeat(32)}, 'policy is not a hash'],
    ['a range turned round', {ends: [[5, 4]]}, 'ends are not ascending'],
    [
      'ranges that overlap',
      {
        ends: [
          [1, 5],
          [5, 9],
        ],
      },
      'ends are not ascending',
    ],
    ['a range of three', {ends: [[1, 2, 3]]}, 'ends are not ascending'],
    ['a range of no list', {ends: [1]}, 'ends are not ascending'],
    ['ends of no list', {ends: {}}, 'ends are not ascending'],
    [
      'reads out of order',
      {
        reads: [
          [b, 1],
          [a, 1],
        ],
      },
      'reads are not ids',
    ],
    [
      'a read twice',
      {
        reads: [
          [a, 1],
          [a, 2],
        ],
      },
      'reads are not ids',
    ],
    ['a read of no id', {reads: [['x', 1]]}, 'reads are not ids'],
    ['a read without version', {reads: [[a]]}, 'reads are not ids'],
    ['a why of no object', {why: []}, 'why is not an object'],
    ['a fraction in why', {why: {LockGate: {code: 'X', value: 0.5}}}, 'why is not an object'],
    ['a member too many', {x: 1}, 'its members are not'],
  ])('with %s are refused', (_, change, rule) => {
    expect(() => parseFacts(canonicalize({...good, ...change}))).toThrow(rule);
  });

  test.each(Object.keys(good))('without %s are refused', (key) => {
    const {[key]: _, ...rest} = {...good} as Record<string, unknown>;
    expect(() => parseFacts(canonicalize(rest))).toThrow('its members are not');
  });

  test('in any text but the canonical one are refused', () => {
    for (const text of [
      `${vector.facts} `,
      vector.facts.replace('"v":1', '"v":1.0'),
      '{}',
      '',
      'null',
    ]) {
      expect(() => parseFacts(text)).toThrow(FormatRefusal);
    }
  });

  test('longer than 8 MiB are refused before they are parsed', () => {
    expect(() => parseFacts(' '.repeat(8_388_609))).toThrow('limit 8388608');
  });
});

describe('why against letters', () => {
  test('a reason stands for each W and D and for nothing else', () => {
    expect(gatesWithReason('PPPSPPSDSSS')).toEqual(['LockGate']);
    expect(gateNames).toHaveLength(11);
    expect(whyFault({}, 'PPPSPPSSPSS')).toBeNull();
    expect(whyFault(lock, 'PPPSPPSDSSS')).toBeNull();
    expect(whyFault({}, 'PPPSPPSDSSS')).toBe('why lacks LockGate');
    expect(whyFault(lock, 'PPPSPPSSPSS')).toContain('neither warned nor denied');
    expect(whyFault({...lock, NoGate: {code: 'X'}}, 'PPPSPPSDSSS')).toContain(
      'neither warned nor denied',
    );
    expect(whyFault({LockGate: {last: 4}}, 'PPPSPPSDSSS')).toBe('why lacks LockGate');
    expect(whyFault({BudgetGate: {code: 'X'}}, 'PPPSPPSDSSS')).toBe('why lacks LockGate');
  });
});

describe('parts', () => {
  test.each([
    '{"data":{}}',
    '{"data":{},"on_behalf_of":null,"x":1}',
    '{"data":[],"on_behalf_of":null}',
    '{"data":{},"on_behalf_of":1}',
    '{"on_behalf_of":null,"data":{}}',
    '{"data":{"a":1.0},"on_behalf_of":null}',
    '[]',
    '',
  ])('data %s is refused', (text) => {
    expect(() => parseData(text)).toThrow(FormatRefusal);
  });

  test.each(['[]', 'null', '"x"', '{"b":1,"a":2}', '{} ', ''])('content %s is refused', (text) => {
    expect(() => parseContent(text)).toThrow(FormatRefusal);
  });
});
