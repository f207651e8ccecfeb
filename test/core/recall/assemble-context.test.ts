import {describe, expect, test} from 'vitest';
import {assembleContext} from '../../../core/recall/assemble-context.ts';
import type {ContextRequest, Package} from '../../../core/recall/gather.ts';
import type {Hit} from '../../../core/recall/search.ts';
import {countTokens} from '../../../core/text/tokens.ts';
import type {Id} from '../../../shared/ids.ts';
import {randomOf, seedCount, type Random} from '../../support/seeds.ts';
import {idOf} from '../../support/spec.ts';

const words =
  'importer drops rows NUL deploy Friday 東京 naïve {"a":1} \n## x\n> y 👩‍💻 <|endoftext|>'.split(
    ' ',
  );
const said = (random: Random, most: number): string =>
  Array.from({length: 1 + random.int(most)}, () => random.pick(words)).join(' ');

let numbered = 1_000;
const nextId = (): Id => idOf((numbered += 1));

function row(random: Random, more: object) {
  const hash = String(random.int(1_000_000));
  const state = {
    content: said(random, random.chance(0.1) ? 2_000 : 80),
    contentHash: hash,
    trust: random.pick(['user', 'inference', 'other_agent', 'tool_external']),
    metadata: {},
    validFrom: 1_770_000_000_000_000 + random.int(30) * 86_400_000_000,
    ...more,
  };
  return {id: nextId(), version: 1, leaf: 1, createdAt: 1, updatedAt: 1, createdBy: null, state};
}

function hit(random: Random, kind: Hit['kind'], more: object): Hit {
  const made = row(random, more) as never;
  return {
    kind,
    row: made,
    score: random.int(100) / 100,
    state: 'current',
    speaker: said(random, 2),
    trajectoryId: null,
    scopeId: idOf(1 + random.int(4)),
  };
}

function packageOf(random: Random): Package {
  const many = <T>(make: (at: number) => T): T[] =>
    Array.from({length: random.int(40)}, (_, at) => make(at));
  const trajectory = {name: said(random, 5), description: said(random, 200), status: 'active'};
  return {
    scope: {id: idOf(7)} as never,
    history: many((at) => row(random, {role: 'user', sequence: 100 - at})) as never,
    evidence: many((at) => hit(random, 'turn', {role: 'user', sequence: at})),
    notes: many(() =>
      hit(random, 'note', {title: said(random, 9), noteType: 'fact', abstractionLevel: 'raw'}),
    ),
    artifacts: many(() => hit(random, 'artifact', {name: said(random, 9), artifactType: 'code'})),
    parents: many(() => ({...row(random, {}), state: trajectory})).slice(0, 3) as never,
    scopeNames: new Map([1, 2, 3].map((n) => [idOf(n), said(random, 4)])),
  };
}

const requestOf = (random: Random, budgetTokens: number): ContextRequest =>
  ({
    trajectory: {...row(random, {}), state: {name: 'task', description: null, status: 'active'}},
    userInput: random.chance(0.5) ? said(random, 20) : null,
    budgetTokens,
    includes: {hierarchy: random.chance(0.5)},
  }) as never;

describe('a context', () => {
  test('R-10: is never over its budget, whatever it is made of', () => {
    let full = 0;
    for (let seed = 0; seed < seedCount(150); seed += 1) {
      const random = randomOf(seed);
      const budget = 256 + random.int(random.chance(0.5) ? 1_000 : 20_000);
      const made = assembleContext(requestOf(random, budget), packageOf(random));
      const tokens = countTokens(made.text);
      expect({seed, tokens: made.tokens}).toEqual({seed, tokens});
      expect(tokens).toBeLessThanOrEqual(budget);
      expect(made.blocks.map(({text}) => text).join('')).toBe(made.text);
      if (made.isTruncated && tokens > budget / 2) full += 1;
    }
    // A choice that fits because it is empty would be no choice.
    expect(full).toBeGreaterThan(seedCount(150) / 4);
  });

  test('is the same bytes when it is made again', () => {
    for (let seed = 0; seed < 20; seed += 1) {
      const random = randomOf(seed);
      const [request, found] = [requestOf(random, 2_000), packageOf(random)];
      const copy = structuredClone(found);
      expect(assembleContext(request, copy).text).toBe(assembleContext(request, found).text);
    }
  });

  test('has each number once, in the order of the text, and says what it stands for', () => {
    const random = randomOf(3);
    const made = assembleContext(requestOf(random, 8_000), packageOf(random));
    const labels = made.blocks.flatMap((block) => [...block.labels.keys()]);
    expect(labels).toEqual(labels.map((_, at) => at + 1));
    for (const {text, labels: own} of made.blocks) {
      for (const label of own.keys()) expect(text).toContain(`[${label}]`);
    }
    expect(new Set(made.pieces.map(({ref}) => ref.id)).size).toBe(labels.length);
  });

  test('shows a turn whole or not at all', () => {
    for (let seed = 0; seed < 20; seed += 1) {
      const random = randomOf(seed);
      const made = assembleContext(requestOf(random, 600), packageOf(random));
      for (const {section, entry} of made.pieces) {
        if (section === 'history' || section === 'evidence')
          expect(entry.text).not.toMatch(/ \[…\]$/);
      }
    }
  });

  test('shows of two items with one content the first', () => {
    const random = randomOf(1);
    const twin = {contentHash: 'same', content: 'said twice', trust: 'user'};
    const notes = [1, 2].map((n) =>
      hit(random, 'note', {...twin, title: `n${n}`, noteType: 'fact', abstractionLevel: 'raw'}),
    );
    const found = {...packageOf(random), history: [], evidence: [], artifacts: [], notes};
    const made = assembleContext(requestOf(random, 8_000), found);
    expect(made.pieces.filter(({section}) => section === 'notes').length).toBe(1);
  });

  test('refuses what the user says when it alone passes the budget', () => {
    const request = {...requestOf(randomOf(1), 256), userInput: 'word '.repeat(300)};
    expect(() => assembleContext(request, packageOf(randomOf(1)))).toThrow(
      expect.objectContaining({code: 'LIMIT_EXCEEDED'}),
    );
  });
});
