/** The list of contracts is the list of use cases: neither knows one that the other lacks. */
import {expect, test} from 'vitest';
import type {Services} from '../../core/api/services.ts';
import {changesStreamServing} from '../../core/protocols/stream/changes-stream.ts';
import {contracts} from '../../shared/wire/all.ts';
import {served} from '../support/served.ts';

/** Streams are served by the protocols, everything else by use cases. */
const bound = [...served, changesStreamServing({} as Services, () => undefined).contract];

const idsOf = (list: typeof contracts): readonly string[] => list.map(({id}) => id).toSorted();

test('every contract has a use case, and every use case its contract in the list', () => {
  expect(idsOf(contracts)).toEqual(idsOf(bound));
});

test('no two contracts share an id, or a method and path', () => {
  expect(new Set(idsOf(contracts)).size).toBe(contracts.length);
  const routes = contracts.map(
    ({method, path}) => `${method} ${path.replaceAll(/\{\w+\}/g, '{}')}`,
  );
  expect(routes.filter((route, at) => routes.indexOf(route) !== at)).toEqual([]);
});
