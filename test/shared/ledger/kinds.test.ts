import {readFileSync} from 'node:fs';
import {describe, expect, test} from 'vitest';
import {
  isKindCode,
  isKindName,
  kindCode,
  kindEntity,
  kindHex,
  kindName,
  mayEndContent,
  productKinds,
} from '../../../shared/ledger/kinds.ts';
import type {KindName, ProductKind} from '../../../shared/ledger/kinds.ts';
import {isRelation, relationCodes, relationName} from '../../../shared/ledger/relations.ts';

describe('the table of kinds', () => {
  test('is the released one: codes are never reused and names never change', () => {
    const golden: unknown = JSON.parse(
      readFileSync(new URL('fixtures/kinds.json', import.meta.url), 'utf8'),
    );
    expect(Object.fromEntries(productKinds.map(({code, name}) => [kindHex(code), name]))).toEqual(
      golden,
    );
  });

  test('leads from each name to its code and back', () => {
    for (const {code, name} of productKinds) {
      expect(kindCode(name)).toBe(code);
      expect(kindName(code)).toBe(name);
    }
    expect(new Set(productKinds.map(({name}) => name)).size).toBe(productKinds.length);
  });

  test('types its names: a name of the table is a ProductKind, another is not', () => {
    const good: ProductKind[] = [
      'system.started',
      'note.expired',
      'tool.recorded',
      'subject.erased',
    ];
    // @ts-expect-error reserved codes have no name
    const bad: ProductKind = 'note.accessed';
    expect(good.every((name) => isKindName(name))).toBe(true);
    expect(isKindName(bad)).toBe(false);
  });

  test.each([
    0x0000, 0x0003, 0x0403, 0x0404, 0x0406, 0x040c, 0x4005, 0x7005, 0xe001, 0xe004, 0x1234, -1,
    0x10000,
  ])('code %d is reserved or unknown and never written', (code) => {
    expect(isKindCode(code)).toBe(false);
    expect(() => kindName(code)).toThrow('kind');
  });

  test('callers have F000 to FFFF, by one spelling', () => {
    expect(kindCode('custom.f000')).toBe(0xf000);
    expect(kindName(0xffff)).toBe('custom.ffff');
    for (const name of [
      'custom.F000',
      'custom.0f00',
      'custom.f00',
      'custom.',
      'custom.e000',
      'nothing',
    ]) {
      expect(isKindName(name)).toBe(false);
      expect(() => kindCode(name)).toThrow('no kind has this name');
    }
  });

  test('names what an event is a version of', () => {
    const expected: [KindName, string | null][] = [
      ['note.created', 'note'],
      ['summarization.requested', 'summarization_request'],
      ['tool.failed', 'tool_execution'],
      ['context.assembled', 'context_receipt'],
      ['mutation.denied', null],
      ['custom.f00d', null],
    ];
    expect(expected.map(([name]) => kindEntity(name))).toEqual(
      expected.map(([, entity]) => entity),
    );
  });

  test('lets exactly the endings of the specification end content', () => {
    const named = [
      'scope.closed',
      'scope.checkpointed',
      'trajectory.completed',
      'trajectory.failed',
      'message.acknowledged',
      'agent_checkpoint.saved',
      'working_set.cleared',
      'subject.erased',
    ];
    const ending = productKinds.filter(({code}) => mayEndContent(code)).map(({name}) => name);
    const expected = productKinds
      .map(({name}) => name)
      .filter((name) => named.includes(name) || /\.(deleted|expired)$/.test(name));
    expect(ending).toEqual(expected);
    expect(mayEndContent(0xf00d)).toBe(false);
  });
});

test('relations have the codes of the edge table', () => {
  for (const [name, code] of Object.entries(relationCodes)) expect(relationName(code)).toBe(name);
  expect(relationName(11)).toBeUndefined();
  expect(isRelation('toString')).toBe(false);
});
