import {expect, test} from 'vitest';
import {baseOf, idf, scorePool, type Weights} from '../../../core/recall/score.ts';
import type {Candidate} from '../../../core/store/recall.ts';
import {idOf} from '../../support/spec.ts';

const item = (n: number, terms: number[], more: Partial<Candidate> = {}): Candidate =>
  ({id: idOf(n), terms, length: terms.length, trust: 4, validFrom: 0, ...more}) as Candidate;

const weights: Weights = {
  terms: new Map([
    [1, 2],
    [2, 0.5],
  ]),
  dates: new Map([[99, 1]]),
  meanLength: 4,
};

test('BM25 with k1 0.9 and b 0.3, worked by hand', () => {
  // f = 2, len = 4 = the mean: 2·1.9/(2 + 0.9) = 1.310344…, times 2; f = 1: 1.9/1.9 = 1, times 0.5.
  expect(baseOf(item(1, [1, 1, 2, 7]), weights)).toBeCloseTo(2 * (3.8 / 2.9) + 0.5, 12);
  // len = 8: 1 − 0.3 + 0.3·2 = 1.3.
  expect(baseOf(item(1, [1, 7, 7, 7, 7, 7, 7, 7]), weights)).toBeCloseTo(
    (2 * 1.9) / (1 + 0.9 * 1.3),
    12,
  );
});

test('a date that the query names adds one and a half times its rarity', () => {
  const dated = {...item(1, [7, 99]), length: 1};
  expect(baseOf(dated, weights)).toBe(1.5);
});

test('rarity falls with the number of items that hold a term, and is never negative', () => {
  const values = [0, 1, 10, 500, 999, 1_000, 1_200].map((holding) => idf(1_000, holding));
  expect(values).toEqual(values.toSorted((a, b) => b - a));
  expect(values.every((value) => value > 0)).toBe(true);
});

test('the best has 1; equals stand by trust, then newest, then id', () => {
  const pool = [
    item(4, [1, 7]),
    item(3, [1, 7]),
    item(2, [1, 7], {validFrom: 5}),
    item(1, [1, 7], {trust: 2, validFrom: 9}),
    item(5, [1, 1]),
    item(6, [7]),
  ];
  const scored = scorePool(pool, weights);
  expect(scored.map(({candidate}) => candidate.id)).toEqual([5, 2, 3, 4, 1, 6].map(idOf));
  expect([scored[0]?.score, scored.at(-1)?.score]).toEqual([1, 0]);
});
