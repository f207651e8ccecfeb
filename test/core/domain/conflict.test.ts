import {describe, expect, test} from 'vitest';
import type {Conflict, ConflictCommand} from '../../../core/domain/conflict.ts';
import type {Note} from '../../../core/domain/note.ts';
import type {ItemRef} from '../../../shared/wire/memory-item.ts';
import {keepNote} from '../../support/memory-commands.ts';
import {createWorld, idOf} from '../../support/spec.ts';

const [older, newer, id] = [idOf(10), idOf(11), idOf(20)];
const [a, b]: [ItemRef, ItemRef] = [
  {entity_type: 'note', id: older},
  {entity_type: 'note', id: newer},
];

const between = () =>
  createWorld().given(
    keepNote(older, {content: 'red', confidence: 0.9}),
    keepNote(newer, {content: 'blue', confidence: 0.4}),
    {
      type: 'conflict.create',
      id,
      draft: {
        conflictType: 'contradicting_fact',
        itemA: a,
        itemB: b,
        metadata: {},
        claimKey: 'sky/colour',
        isEscalated: false,
      },
    } as ConflictCommand,
  );
const claim = (by: string): ConflictCommand => ({type: 'conflict.claim', id, by});
const resolve = (
  strategy: Extract<ConflictCommand, {type: 'conflict.resolve'}>['strategy'],
  more: object = {},
): ConflictCommand =>
  ({
    type: 'conflict.resolve',
    id,
    by: 'me',
    items: [a, b],
    strategy,
    winner: null,
    reason: 'because',
    ...more,
  }) as ConflictCommand;

const supersededBy = (world: ReturnType<typeof between>) =>
  [older, newer].map((one) => world.state<Note>('note', one).supersededBy);

describe('resolving', () => {
  test.each([
    ['last_write_wins', [newer, null]],
    ['first_write_wins', [null, older]],
    ['highest_confidence', [null, older]],
    ['none', [null, null]],
    ['escalate', [null, null]],
  ] as const)('%s', (strategy, expected) => {
    const world = between().given(claim('me'), resolve(strategy));
    expect(supersededBy(world)).toEqual(expected);
    expect(world.state<Conflict>('conflict', id)).toMatchObject({
      status: 'resolved',
      openClaim: null,
      resolution: {strategy, reason: 'because', resolved_by: 'me'},
    });
  });

  test('rejecting both ends what they say, and keeps them', () => {
    const world = between().given(claim('me'), resolve('reject_both'));
    for (const one of [older, newer]) {
      expect(world.state<Note>('note', one)).toMatchObject({
        validTo: expect.any(Number),
        invalidBecause: 'because',
        supersededBy: null,
      });
    }
  });

  test('a named winner wins, if it is one of the two', () => {
    const world = between().given(claim('me'));
    expect(world.run(resolve('last_write_wins', {winner: {...a, id: idOf(99)}})).refusal).toEqual({
      refuse: 'INVALID_INPUT',
      why: {field: 'winner'},
    });
    world.given(resolve('last_write_wins', {winner: a}));
    expect(supersededBy(world)).toEqual([null, older]);
  });

  test('what was superseded meanwhile has lost already', () => {
    const world = between().given(
      {type: 'note.supersede', id: older, byId: newer, reason: null} as never,
      claim('me'),
      resolve('last_write_wins'),
    );
    expect(world.state<Conflict>('conflict', id).status).toBe('resolved');
  });
});

describe('claims', () => {
  test('keep others out for a quarter of an hour, and no longer', () => {
    const world = between().given(claim('somebody'));
    expect(world.run(resolve('none')).refusal).toMatchObject({refuse: 'FORBIDDEN'});
    expect(world.advance(15 * 60_000 + 1).run(resolve('none')).refusal).toBeNull();
  });
});

test('every transition that is not allowed is a conflict of state', () => {
  const states = {
    detected: between(),
    resolving: between().given(claim('me')),
    escalated: between().given({type: 'conflict.escalate', id, reason: 'x'} as ConflictCommand),
    resolved: between().given(claim('me'), resolve('none')),
  };
  const moves = {
    claim: claim('me'),
    escalate: {type: 'conflict.escalate', id, reason: 'x'} as ConflictCommand,
    resolve: resolve('none'),
  };
  const allowed = [
    'detected claim',
    'detected escalate',
    'resolving escalate',
    'resolving resolve',
    'escalated resolve',
  ];
  for (const [state, world] of Object.entries(states)) {
    for (const [move, command] of Object.entries(moves)) {
      if (allowed.includes(`${state} ${move}`)) continue;
      expect(world.run(command).refusal, `${state} ${move}`).toMatchObject({
        refuse: 'STATE_CONFLICT',
      });
    }
  }
});
