import {describe, expect, test} from 'vitest';
import {compareParents, parseHeader, placeOf, renderHeader} from '../../../shared/ledger/header.ts';
import type {Header} from '../../../shared/ledger/header.ts';
import {canonicalize} from '../../../shared/ledger/canonical.ts';
import {FormatRefusal} from '../../../shared/ledger/refusal.ts';
import vector from '../../../shared/ledger/vectors/1.json';

const good = parseHeader(vector.header);
const hash = 'ab'.repeat(32);
const uuid = '01a1f000-0000-7000-8000-0000000000bb';

/** A header with members that its type does not allow, as text. */
function edited(change: Readonly<Record<string, unknown>>): string {
  return canonicalize({...good, ...change});
}

const full: Header = {
  ...good,
  kind: '0401',
  traj: uuid,
  prev: null,
  dag: '3:12:999999999',
  parents: [
    {h: 'aa'.repeat(32), r: 'causes'},
    {h: 'aa'.repeat(32), r: 'result'},
    {h: 'bb'.repeat(32), r: 'foreign'},
  ],
  corr: uuid,
  trace: 'cd'.repeat(16),
  actor: {agent: uuid, by: 'system:ledger-verify'},
  ent: {id: uuid, ver: null},
  grp: [0, 3],
  pay: {c: null, d: hash, s: uuid},
  gates: {v: 1, r: 'PPPSPPSDSSS', f: hash},
  idem: hash,
};

describe('a header', () => {
  test('with every member set prints canonically and reads back', () => {
    const text = renderHeader(full);
    expect(text).toBe(canonicalize(full));
    expect(parseHeader(text)).toEqual(full);
    expect(placeOf(full)).toEqual([3, 12, 999_999_999]);
  });

  test.each(Object.keys(good))('without %s is refused', (key) => {
    const {[key]: _, ...rest} = {...good} as Record<string, unknown>;
    expect(() => parseHeader(canonicalize(rest))).toThrow(`${key} is missing`);
  });

  test.each([
    ['v', 2],
    ['v', '1'],
    ['log', 'host+plus/logs/x'],
    ['log', ''],
    ['log', 'has space'],
    ['log', 'x'.repeat(256)],
    ['id', '01a20283-e193-474b-8000-000000000001'],
    ['id', '01a20283-e193-774b-c000-000000000001'],
    ['at', 1.5],
    ['at', -1],
    ['at', '1795338527123456'],
    ['kind', '40a1'.toLowerCase()],
    ['kind', '401'],
    ['traj', ''],
    ['dag', '0:0'],
    ['dag', '00:0:1'],
    ['dag', '0:0:1000000000'],
    ['prev', 'AB'.repeat(32)],
    ['prev', ''],
    ['parents', [{h: hash, r: 'causes', x: 1}]],
    ['parents', [{r: 'causes'}]],
    ['parents', [[]]],
    ['parents', null],
    ['corr', 'x'],
    ['trace', 'ab'],
    ['actor', {agent: null, by: 'user:me'}],
    ['actor', {agent: null, by: `api_key:${uuid} `}],
    ['actor', {agent: null, by: 'system:Bad Job'}],
    ['actor', {by: 'system:job'}],
    ['ent', {id: uuid}],
    ['ent', {id: uuid, ver: 0}],
    ['grp', [0, 0]],
    ['grp', [0]],
    ['rdx', 0],
    ['pay', {c: null, d: null, s: null}],
    ['gates', {v: 1, r: 'PPPSPPSSPS', f: hash}],
    ['gates', {v: 2, r: 'PPPSPPSSPSS', f: hash}],
    ['gates', {v: 1, r: 'PPPSPPSSPSX', f: hash}],
    ['idem', 'x'],
  ])('with %s = %j is refused as malformed', (key, value) => {
    expect(() => parseHeader(edited({[key]: value}))).toThrow(`header: ${key} is malformed`);
  });

  test.each([
    ['a time that is not in the id', {at: good.at + 1}, 'the time in id is not at'],
    ['a reserved kind', {kind: '4005'}, 'kind 4005 is reserved or unknown'],
    ['a denial without a D', {kind: '0401', ent: {id: uuid, ver: null}}, 'gates.r has a D where'],
    ['a D without a denial', {gates: {v: 1, r: 'PPPSPPSDSSS', f: hash}}, 'gates.r has a D where'],
    [
      'a letter after a denial',
      {...full, gates: {v: 1, r: 'PPPSPPSDPSS', f: hash}},
      'goes on after a denial',
    ],
    [
      'a version in a denial',
      {...full, ent: {id: uuid, ver: 3}},
      'ent.ver is null in a denial only',
    ],
    [
      'no version where there is no denial',
      {ent: {id: uuid, ver: null}},
      'ent.ver is null in a denial only',
    ],
    ['a place beyond its group', {grp: [3, 3]}, 'grp is no place in a group'],
    ['a key inside a group', {grp: [1, 3], idem: hash}, 'idem is not on the first event'],
    ['an unknown relation', {parents: [{h: hash, r: 'likes'}]}, 'no relation is called likes'],
    ['parents out of order', {parents: full.parents.toReversed()}, 'parents are not sorted'],
    [
      'a parent twice',
      {
        parents: [
          {h: hash, r: 'acks'},
          {h: hash, r: 'acks'},
        ],
      },
      'parents are not sorted',
    ],
    [
      '33 parents',
      {
        parents: Array.from({length: 33}, (_, i) => ({
          h: `${10 + i}`.padStart(64, '0'),
          r: 'acks',
        })),
      },
      '33 parents, limit 32',
    ],
    ['a member too many', {extra: 1}, 'extra is no key of a header'],
  ])('with %s is refused', (_, change, rule) => {
    expect(() => parseHeader(edited(change))).toThrow(rule);
  });

  test.each([
    [
      'keys in another order',
      (text: string) =>
        text.replace('"v":1}', '"v":1}').replace('"rdx":1,"trace":null', '"trace":null,"rdx":1'),
    ],
    ['a space', (text: string) => text.replace(':', ': ')],
    ['a line after it', (text: string) => `${text}\n`],
    ['a key twice', (text: string) => text.replace('"rdx":1', '"rdx":1,"rdx":1')],
    ['an escape for a letter', (text: string) => text.replace('api_key', '\\u0061pi_key')],
    ['a number in another form', (text: string) => text.replace('"rdx":1', '"rdx":1.0')],
    ['minus zero', (text: string) => text.replace('"grp":[0', '"grp":[-0')],
    ['a byte order mark', (text: string) => `\uFEFF${text}`],
    ['nothing', () => ''],
    ['a list', () => '[]'],
  ])('as text with %s is refused', (_, change) => {
    expect(() => parseHeader(change(vector.header))).toThrow(FormatRefusal);
  });

  test('longer than 16 KiB is refused, however well it is formed', () => {
    expect(() => parseHeader(`${vector.header}${' '.repeat(16_384)}`)).toThrow('limit 16384');
  });

  test('is never rendered in a form that is not read', () => {
    expect(() => renderHeader({...good, log: 'a"b'})).toThrow(FormatRefusal);
    expect(() => renderHeader({...good, at: good.at + 1})).toThrow('the time in id is not at');
    expect(() => renderHeader({...good, actor: {agent: null, by: 'system:a","x":"'}})).toThrow(
      FormatRefusal,
    );
  });

  test('orders parents by hash, then by relation', () => {
    const sorted = full.parents.toReversed().toSorted(compareParents);
    expect(sorted).toEqual(full.parents);
  });
});
