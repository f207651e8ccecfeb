import {expect, test} from 'vitest';
import {claimKey, isSameValue} from '../../../core/text/claim.ts';

test('a key has one spelling', () => {
  expect(claimKey(' Ana \u00a0 Lima / Works  AT ')).toBe('ana lima/works at');
  expect(claimKey('ﬁle/size')).toBe('file/size');
  expect(claimKey('a%2Fb/c')).toBe('a%2Fb/c');
});

test.each([
  ['8', '8.0', true],
  ['1e3', '1000', true],
  [' Blue ', 'blue', true],
  ['８', '8', true],
  ['8', '9', false],
  ['', '0', false],
  ['0x10', '16', false],
])('%j and %j: %s', (a, b, expected) => {
  expect(isSameValue(a, b)).toBe(expected);
});
