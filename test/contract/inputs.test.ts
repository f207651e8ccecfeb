/**
 * What every route refuses in its input, with the code and the member named, and that nothing of it
 * is stored. Made from the contracts: syntax, unknown members, wrong types, limits, ids.
 */
import {pack} from 'msgpackr';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {isId} from '../../shared/ids.ts';
import {isIdMember, membersOf, wrongValues} from '../support/contract-members.ts';
import {hasBody, pathOf, requestOf, type Sample} from '../support/contract-requests.ts';
import {complaints, type Expected} from '../support/problem-check.ts';
import {sampleOf} from '../support/samples.ts';
import {served} from '../support/served.ts';
import {openTestApp, type Caller, type Outgoing, type TestApp} from '../support/test-app.ts';
import {testWhen} from '../support/test-when.ts';

let app: TestApp;
let caller: Caller;
let casesCount = 0;

beforeAll(async () => {
  app = await openTestApp();
  caller = await app.tenant();
});

afterAll(async () => {
  await app.close();
  console.info(`inputs: ${casesCount} cases over ${served.length} contracts`);
});

async function refuses(of: Outgoing, expected: Expected, name: string): Promise<readonly string[]> {
  casesCount += 1;
  return complaints(await app.send(of), expected).map((one) => `${name}: ${one}`);
}

const nested = (depth: number): string => `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`;

/** Texts that are no strict JSON object. */
const malformed: Readonly<Record<string, string | Uint8Array>> = {
  'an open brace': '{',
  'a word': 'nothing',
  'a trailing comma': '{"a":1,}',
  'a comment': '{/* a */}',
  'a single quote': "{'a':1}",
  'a leading zero': '{"a":01}',
  'a key twice': '{"a":1,"a":1}',
  'a key twice by escape': '{"a":1,"\\u0061":1}',
  'a key twice, deep': '{"a":[{"b":1,"b":2}]}',
  'a lone high surrogate': '{"a":"\\ud800"}',
  'a lone low surrogate': '{"a":"\\udc00"}',
  'a lone surrogate as key': '{"\\udfff":1}',
  'a byte order mark': '\ufeff{}',
  'bytes behind it': '{} x',
  'two values': '{}{}',
  NaN: '{"a":NaN}',
  Infinity: '{"a":-Infinity}',
  '1e400': '{"a":1e400}',
  'a control character': '{"a":"\u0001"}',
  'depth 65': nested(64),
  'depth 100 000': nested(100_000),
  'bytes that are not UTF-8': Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d),
  'an overlong NUL': Uint8Array.of(0x7b, 0x22, 0xc0, 0x80, 0x22, 0x3a, 0x31, 0x7d),
  'white space alone': ' \n',
};

const noObjects: Readonly<Record<string, string>> = {
  'an array': '[]',
  null: 'null',
  'a number': '1',
  'a text': '"a"',
};

const malformedPacks: Readonly<Record<string, Uint8Array>> = {
  cut: pack({name: 'text'}).subarray(0, 5),
  'bytes behind it': Uint8Array.of(0x80, 0x80),
  NaN: pack({a: Number.NaN}),
  Infinity: pack({a: [Number.POSITIVE_INFINITY]}),
  'a time': pack({a: new Date(0)}),
  'an integer that JSON cannot hold': pack({a: 2n ** 63n - 1n}),
  'an array': pack([]),
  'nothing that MessagePack has': Uint8Array.of(0xc1),
};

const contractsOf = served.map((contract) => [contract.id, contract] as const);

describe.each(contractsOf)('%s', (_, contract) => {
  const all = membersOf(contract);
  const inBody = all.filter(({place}) => place === 'body');
  const inQuery = all.filter(({place}) => place === 'query');
  const isObject = hasBody(contract) && contract.bodyMember === null;
  let sample: Sample;
  let good: Outgoing;
  let size: number;

  beforeAll(async () => {
    sample = await sampleOf(contract, app, caller);
    const own = contract.may === 'operator' ? caller.operatorKey : caller.key;
    good = requestOf(contract, sample, sample.key ?? own);
    size = await app.sizeOf(caller);
  });

  const withBody = (body: unknown, headers = {}): Outgoing => ({...good, body, headers});
  const withMember = (name: string, value: unknown): Outgoing =>
    withBody({...(sample.body as object | undefined), [name]: value});

  testWhen(hasBody(contract))('a body that is no strict JSON is INVALID_FORMAT', async () => {
    const wrong: string[] = [];
    const bad = {status: 400, code: 'INVALID_FORMAT'} as const;
    const texts = isObject ? {...malformed, ...noObjects} : malformed;
    for (const [name, text] of Object.entries(texts)) {
      wrong.push(...(await refuses(withBody(text), bad, name)));
    }
    for (const [name, bytes] of Object.entries(malformedPacks)) {
      const headers = {'content-type': 'application/msgpack'};
      wrong.push(...(await refuses(withBody(bytes, headers), bad, `MessagePack: ${name}`)));
    }
    expect(wrong).toEqual([]);
  });

  testWhen(isObject)('an unknown member is INVALID_INPUT and named', async () => {
    const wrong: string[] = [];
    for (const name of ['no_such_member', '__proto__', 'constructor', 'toString', 'a/b~c', '']) {
      const body = JSON.stringify({...(sample.body as object | undefined), key_: 1});
      const names = `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
      const expected = {status: 400, code: 'INVALID_INPUT', names} as const;
      const of = withBody(body.replace('"key_"', JSON.stringify(name)));
      wrong.push(...(await refuses(of, expected, JSON.stringify(name))));
    }
    for (const {name} of all.filter(({place}) => place !== 'body')) {
      wrong.push(...(await refuses(withMember(name, 'x'), {status: 400}, `${name} in the body`)));
    }
    expect(wrong).toEqual([]);
  });

  test('an unknown query parameter is INVALID_INPUT and named', async () => {
    const wrong: string[] = [];
    const strangers = ['no_such_parameter', '__proto__', 'constructor'];
    for (const name of [...strangers, ...inBody.map((member) => member.name)]) {
      const of = {...good, path: pathOf(contract, sample, `${encodeURIComponent(name)}=1`)};
      const expected = {status: 400, code: 'INVALID_INPUT', names: `/${name}`} as const;
      wrong.push(...(await refuses(of, expected, name)));
    }
    expect(wrong).toEqual([]);
  });

  testWhen(inBody.length > 0 && isObject)('a member of the wrong type is named', async () => {
    const wrong: string[] = [];
    for (const member of inBody) {
      for (const value of wrongValues(member)) {
        const of = withMember(member.name, value);
        const label = `${member.name}: ${JSON.stringify(value)}`;
        wrong.push(...(await refuses(of, {status: 400, names: `/${member.name}`}, label)));
      }
    }
    expect(wrong).toEqual([]);
  });

  testWhen(inBody.length > 0 && isObject)(
    'a text over its limit, or with U+0000, is named',
    async () => {
      const wrong: string[] = [];
      for (const {name, variants} of inBody) {
        const texts = variants.filter(({type}) => type === 'string');
        if (texts.length === 0) continue;
        const names = `/${name}`;
        wrong.push(
          ...(await refuses(withMember(name, 'a\u0000b'), {status: 400, names}, `${name}: NUL`)),
        );
        const [{maxLength = 0} = {}] = texts;
        if (texts.length > 1 || maxLength === 0) continue;
        // Characters are code points: each of these is two units of UTF-16.
        const over = withMember(name, '𝒳'.repeat(maxLength + 1));
        wrong.push(...(await refuses(over, {status: 400, names}, `${name}: over ${maxLength}`)));
      }
      expect(wrong).toEqual([]);
    },
  );

  testWhen(isObject)('a required member that is absent is MISSING_FIELD and named', async () => {
    const wrong: string[] = [];
    for (const {name} of inBody.filter((member) => member.isRequired)) {
      const expected = {status: 400, code: 'MISSING_FIELD', names: `/${name}`} as const;
      wrong.push(...(await refuses(withMember(name, undefined), expected, name)));
    }
    if (contract.method === 'PATCH' && inBody.every((member) => !member.isRequired)) {
      wrong.push(...(await refuses(withBody({}), {status: 400, code: 'MISSING_FIELD'}, 'empty')));
      wrong.push(
        ...(await refuses(withBody(undefined), {status: 400, code: 'MISSING_FIELD'}, 'none')),
      );
    }
    expect(wrong).toEqual([]);
  });

  test('an id that is no UUIDv7 is INVALID_FORMAT', async () => {
    const wrong: string[] = [];
    const isV4 = '0b8f4a53-5a0c-4a0f-9a59-1e2c1c1f0d3e';
    const isNil = '00000000-0000-0000-0000-000000000000';
    for (const member of all.filter(isIdMember)) {
      const right = String(sample.path?.[member.name] ?? '');
      const upper = isId(right) ? right.toUpperCase() : '01A1F000-0000-7000-8000-0000000000AA';
      for (const id of ['not-an-id', isV4, isNil, upper, '%', '\u0000', 'ü']) {
        const expected = {status: 400, code: 'INVALID_FORMAT', names: `/${member.name}`} as const;
        const inPath = {...sample, path: {...sample.path, [member.name]: id}};
        const inQuery_ = {...sample, query: {...sample.query, [member.name]: id}};
        const of = {
          path: {...good, path: pathOf(contract, inPath)},
          query: {...good, path: pathOf(contract, inQuery_)},
          body: withMember(member.name, id),
        }[member.place];
        const isList =
          member.place === 'body' && member.variants.some(({type}) => type === 'array');
        if (!isList) wrong.push(...(await refuses(of, expected, `${member.name}: ${id}`)));
      }
    }
    expect(wrong).toEqual([]);
  });

  testWhen(inQuery.length > 0)('a query parameter that does not parse is named', async () => {
    const wrong: string[] = [];
    for (const {name, variants} of inQuery) {
      const names = `/${name}`;
      const [first = {}] = variants.flatMap((one) =>
        one.type === 'array' ? (one.items ?? []) : one,
      );
      const bad = [
        ...(first.type === 'integer'
          ? ['x', '1.5', '1e3', '', '-1', ' 1', '99999999999999999999']
          : []),
        ...(first.format === 'date-time' ? ['yesterday', '2026-02-30T00:00:00Z', '1'] : []),
        ...(first.enum === undefined ? [] : ['no such value']),
        ...(first.maxLength === undefined ? [] : ['x'.repeat(first.maxLength + 1)]),
      ];
      for (const value of bad) {
        const of = {
          ...good,
          path: pathOf(contract, {...sample, query: {...sample.query, [name]: value}}),
        };
        wrong.push(...(await refuses(of, {status: 400, names}, `${name}=${value.slice(0, 30)}`)));
      }
      if (variants.some(({type}) => type === 'array')) continue;
      const twice = {
        ...good,
        path: pathOf(contract, {...sample, query: {}}, `${name}=1&${name}=1`),
      };
      wrong.push(...(await refuses(twice, {status: 400, names}, `${name} twice`)));
    }
    expect(wrong).toEqual([]);
  });

  test('a header that does not parse is INVALID_FORMAT, before anything is done', async () => {
    const wrong: string[] = [];
    const headers = {
      'idempotency-key': 'x'.repeat(257),
      'if-match': 'three',
      'x-fencing-token': 'no',
      ...(contract.may === 'pub' ? {} : {'x-agent-id': 'NO'}),
      ...(contract.method === 'GET' ? {'if-none-match': 'three'} : {}),
    };
    for (const [name, value] of Object.entries(headers)) {
      const of = {...good, headers: {[name]: value}};
      wrong.push(...(await refuses(of, {status: 400, code: 'INVALID_FORMAT'}, name)));
    }
    expect(wrong).toEqual([]);
  });

  test('nothing of all that was stored', async () => {
    expect(await app.sizeOf(caller)).toBe(size);
  });
});
