/**
 * The wire does not change by accident: its hash stands under its version, and the OpenAPI document
 * of the contracts is the committed one.
 */
import {readFileSync} from 'node:fs';
import {describe, expect, test} from 'vitest';
import {openApiOf} from '../../core/http/openapi.ts';
import {errorTable} from '../../shared/errors.ts';
import {wireHistory, wireVersion} from '../../shared/version.ts';
import {contracts} from '../../shared/wire/all.ts';
import {pathMembers} from '../../shared/wire/contract.ts';
import {membersOf} from '../support/contract-members.ts';
import {wireHash} from '../support/wire-hash.ts';

const read = (path: string): unknown =>
  JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));

type Operation = {
  readonly operationId: string;
  readonly parameters: readonly {readonly name?: string; readonly in?: string}[];
  readonly responses: Readonly<Record<string, unknown>>;
};

// As it is sent: undefined members are not there.
const made = JSON.parse(JSON.stringify(openApiOf(contracts))) as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
};
const operations = Object.values(made.paths).flatMap((methods) => Object.values(methods));

test('the wire is that of its version: else bump wireVersion, then `npm run openapi`', () => {
  const versions = read('wire-versions.json') as Record<string, {hash: string}>;
  expect(versions[wireVersion]?.hash).toBe(wireHash());
});

test('every version of the wire has its line of history, in order', () => {
  const numbers = wireHistory.map((line) => /^(\d+): \S/.exec(line)?.[1]);
  expect(numbers).toEqual(numbers.map((_, index) => String(index + 1)));
  expect(numbers.at(-1)).toBe(wireVersion);
  expect(Object.keys(read('wire-versions.json') as object)).toEqual(numbers);
});

test('the committed OpenAPI document is that of the contracts: else `npm run openapi`', () => {
  expect(read('../../shared/openapi.json')).toEqual(made);
});

describe('the OpenAPI document', () => {
  test('has every contract once, under its own method and path', () => {
    const ids = contracts.map(({id}) => id).toSorted();
    expect(operations.map(({operationId}) => operationId).toSorted()).toEqual(ids);
    for (const {id, method, path} of contracts) {
      const full = path.startsWith('//') ? path.slice(1) : `/api/v1${path}`;
      expect(made.paths[full]?.[method.toLowerCase()]?.operationId).toBe(id);
    }
  });

  test('names nothing that it does not have', () => {
    for (const [, kind = '', name = ''] of JSON.stringify(made).matchAll(
      /"#\/components\/(\w+)\/(\w+)"/g,
    )) {
      expect([kind, name, made.components[kind]?.[name] !== undefined]).toEqual([kind, name, true]);
    }
    expect(JSON.stringify(made)).not.toContain('$defs');
  });

  test('has each parameter of a path, and each error of a contract', () => {
    for (const contract of contracts) {
      const operation = operations.find(({operationId}) => operationId === contract.id);
      const inPath = operation?.parameters.filter((one) => one.in === 'path').map(({name}) => name);
      expect(inPath?.toSorted()).toEqual(pathMembers(contract.path).toSorted());
      const statuses = Object.keys(operation?.responses ?? {});
      expect(statuses).toContain(String(contract.status));
      for (const code of contract.errors)
        expect(statuses).toContain(String(errorTable[code].status));
    }
  });
});

describe.each(contracts.map((contract) => [contract.id, contract] as const))(
  '%s',
  (id, contract) => {
    test('is named, placed and limited as all are', () => {
      expect(id).toMatch(/^[a-z][a-z0-9]*(_[a-z0-9]+)+$/);
      expect(contract.path).toMatch(/^\/\/?[a-z0-9.{][a-z0-9._{}/-]*[a-z0-9}]$/);
      expect(contract.summary).toMatch(/^[A-Z].{3,160}[^.]$/s);
      expect(new Set(contract.errors).size).toBe(contract.errors.length);
      const names = membersOf(contract).map(({name}) => name);
      for (const name of [...pathMembers(contract.path), ...contract.query]) {
        expect(names).toContain(name);
      }
      for (const name of names) expect(name).toMatch(/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/);
    });
  },
);
