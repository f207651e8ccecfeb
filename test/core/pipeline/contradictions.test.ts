/** Gate 10 through real lanes: what each strategy does, and that units of a batch contradict each other. */
import {afterAll, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import type {Command} from '../../../core/domain/aggregate.ts';
import type {Conflict} from '../../../core/domain/conflict.ts';
import type {Note} from '../../../core/domain/note.ts';
import type {Id} from '../../../shared/ids.ts';
import {openBench, tenancy, type Attempt, type Tenancy} from '../../support/bench.ts';
import {keepNote} from '../../support/memory-commands.ts';
import type {TestApp} from '../../support/test-app.ts';

let app: TestApp;
let of: Tenancy;
let ana: Id;
let number = 0;

beforeAll(async () => {
  app = await openBench();
});
beforeEach(async () => {
  of = await tenancy(app);
  ana = await of.agent();
});
afterAll(() => app.close());

const claim = (id: Id, value: string, more: object = {}): Command => {
  number += 1;
  return keepNote(id, {
    agent_id: ana,
    content: `${value} ${number}`,
    claim_key: 'deploy/day',
    claim_value: value,
    ...more,
  });
};
const conflictsOf = (ran: Attempt) => (ran.why['ContradictionGate']?.['conflicts'] ?? []) as Id[];
const supersededBy = async (id: Id) => (await of.state<Note>('note', id)).supersededBy;

describe('strategies', () => {
  test('last_write_wins supersedes the older in the same group, and warns', async () => {
    await of.set({contradiction_strategy: 'last_write_wins'});
    const [a, b] = [of.id(), of.id()];
    expect((await of.do(of.person, claim(a, 'Monday'))).letter('ContradictionGate')).toBe('P');
    const ran = await of.do(of.person, claim(b, 'Friday'));
    expect(ran).toMatchObject({
      kinds: ['note.created', 'note.superseded'],
      warnings: ['contradiction'],
      why: {
        ContradictionGate: {
          code: 'contradiction',
          strategy: 'last_write_wins',
          items: [[a, 1]],
          superseded: [a],
          dropped: 0,
        },
      },
    });
    expect(ran.letter('ContradictionGate')).toBe('W');
    expect([await supersededBy(a), await supersededBy(b)]).toEqual([b, null]);
  });

  test('highest_confidence supersedes the less sure, the new one at its birth if need be', async () => {
    await of.set({contradiction_strategy: 'highest_confidence'});
    const [sure, unsure, tie] = [of.id(), of.id(), of.id()];
    await of.do(of.person, claim(sure, 'Monday', {confidence: 0.9}));
    await of.do(of.person, claim(unsure, 'Friday'));
    expect([await supersededBy(sure), await supersededBy(unsure)]).toEqual([null, sure]);
    await of.do(of.person, claim(tie, 'Sunday', {confidence: 0.9}));
    expect([await supersededBy(sure), await supersededBy(tie)]).toEqual([tie, null]);
  });

  test.each([
    ['escalate', 'escalated', ['conflict.detected', 'conflict.escalated']],
    ['none', 'detected', ['conflict.detected']],
  ] as const)('%s keeps both and opens one conflict', async (strategy, status, kinds) => {
    await of.set({contradiction_strategy: strategy});
    const [a, b, c] = [of.id(), of.id(), of.id()];
    await of.do(of.person, claim(a, 'Monday'));
    const ran = await of.do(of.person, claim(b, 'Friday'));
    expect(ran.kinds).toEqual(['note.created', ...kinds]);
    const [id] = conflictsOf(ran);
    expect(await of.state<Conflict>('conflict', id ?? '')).toMatchObject({
      status,
      conflictType: 'contradicting_fact',
      itemA: {entity_type: 'note', id: a},
      itemB: {entity_type: 'note', id: b},
      agentAId: ana,
      claimKey: 'deploy/day',
    });
    expect([await supersededBy(a), await supersededBy(b)]).toEqual([null, null]);
    // A third value conflicts with both.
    const third = await of.do(of.person, claim(c, 'Sunday'));
    expect(conflictsOf(third)).toHaveLength(2);
  });

  test('a pair has one conflict at a time, however often its items change', async () => {
    const [a, b] = [of.id(), of.id()];
    await of.do(of.person, claim(a, 'Monday'));
    await of.do(of.person, claim(b, 'Friday'));
    const change = (set: object): Command =>
      ({type: 'note.update', id: b, set, writer: {ceiling: 'user'}}) as Command;
    const again = await of.do(of.person, change({claimValue: 'Saturday'}));
    expect(again).toMatchObject({kinds: ['note.updated'], warnings: ['contradiction']});
    expect((await of.do(of.person, change({title: 'x'}))).letter('ContradictionGate')).toBe('S');
    expect((await of.do(of.person, change({claimValue: 'Monday'}))).warnings).toEqual([]);
  });

  test('two decisions are incompatible', async () => {
    const [a, b] = [of.id(), of.id()];
    await of.do(of.person, claim(a, 'Monday', {note_type: 'Decision'}));
    const ran = await of.do(of.person, claim(b, 'Friday', {note_type: 'Decision'}));
    const [id] = conflictsOf(ran);
    expect((await of.state<Conflict>('conflict', id ?? '')).conflictType).toBe(
      'incompatible_decision',
    );
  });
});

describe('no contradiction', () => {
  const letterOf = async (more: object, value = 'Friday') => {
    await of.do(
      of.person,
      claim(of.id(), 'Monday', {
        valid_to: '2026-01-02T00:00:00Z',
        valid_from: '2026-01-01T00:00:00Z',
      }),
    );
    return (await of.do(of.person, claim(of.id(), value, more))).letter('ContradictionGate');
  };

  test.each([
    ['an equal value', {valid_from: '2026-01-01T12:00:00Z'}, ' MONDAY ', 'P'],
    ['another key', {claim_key: 'deploy/hour'}, 'Friday', 'P'],
    ['validity that does not overlap', {valid_from: '2026-01-02T00:00:00Z'}, 'Friday', 'P'],
    ['validity that does', {valid_from: '2026-01-01T23:59:59Z'}, 'Friday', 'W'],
    ['what was only recalled', {recalled: true}, 'Friday', 'S'],
    ['no key', {claim_key: null}, 'Friday', 'S'],
  ] as const)('%s', async (_, more, value, letter) => {
    expect(await letterOf(more, value)).toBe(letter);
  });

  test('what has ended contradicts nothing', async () => {
    const a = of.id();
    await of.do(of.person, claim(a, 'Monday'));
    await of.do(of.person, {type: 'note.delete', id: a} as Command);
    expect((await of.do(of.person, claim(of.id(), 'Friday'))).warnings).toEqual([]);
  });
});

test('P-7: two contradicting notes of one batch contradict', async () => {
  await of.set({contradiction_strategy: 'last_write_wins'});
  const [a, b] = [of.id(), of.id()];
  await of.together([of.person, claim(a, 'Monday')], [of.person, claim(b, 'Friday')]);
  expect([await supersededBy(a), await supersededBy(b)]).toEqual([b, null]);
});

test('more than 16 are counted, and the rest stay', async () => {
  await of.set({contradiction_strategy: 'none'});
  for (let n = 0; n < 18; n += 1) await of.do(of.person, claim(of.id(), `day ${n}`));
  await of.set({contradiction_strategy: 'last_write_wins'});
  const ran = await of.do(of.person, claim(of.id(), 'Friday'));
  expect(ran.why['ContradictionGate']).toMatchObject({dropped: 2});
  expect(ran.kinds).toHaveLength(17);
});

test('an item that makes room for the one that supersedes it ends both ways', async () => {
  await of.set({contradiction_strategy: 'last_write_wins'});
  const [a, b] = [of.id(), of.id()];
  await of.do(of.person, claim(a, 'Monday', {ttl: {Max: 1}}));
  const ran = await of.do(of.person, claim(b, 'Friday', {ttl: {Max: 1}}));
  expect(ran.kinds).toEqual(['note.created', 'note.superseded', 'note.expired']);
});
