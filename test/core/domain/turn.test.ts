import {describe, expect, test} from 'vitest';
import type {Scope} from '../../../core/domain/scope.ts';
import {turnContentState, type Turn} from '../../../core/domain/turn.ts';
import {isRewound} from '../../../core/domain/rewind.ts';
import {beginTrajectory, openScope, sayTurn} from '../../support/memory-commands.ts';
import {createWorld, idOf} from '../../support/spec.ts';

const task = idOf(10);
const main = idOf(20);
const first = idOf(100);
const next = idOf(101);

const opened = (sent = {}) =>
  createWorld().given(beginTrajectory(task, {subject: 'ann'}), openScope(main, task, sent));
const scopeOf = (world: ReturnType<typeof opened>) => world.state<Scope>('scope', main);

describe('sequences', () => {
  test('turns are numbered from 1, and one that states its number must be beyond the last', () => {
    const world = opened().given(sayTurn(first, main), sayTurn(next, main, {sequence: 7}));
    expect(world.state<Turn>('turn', first).sequence).toBe(1);
    expect(scopeOf(world).lastSequence).toBe(7);
    for (const sequence of [1, 7]) {
      expect(world.run(sayTurn(idOf(102), main, {sequence})).refusal).toMatchObject({
        refuse: 'CONCURRENT_MODIFICATION',
        why: {want: sequence, found: 7},
      });
    }
    expect(world.run(sayTurn(idOf(102), main, {sequence: 8})).refusal).toBeNull();
  });

  test('a number has a successor that is a number', () => {
    const world = opened().given(sayTurn(first, main, {sequence: Number.MAX_SAFE_INTEGER}));
    expect(world.run(sayTurn(next, main)).refusal).toMatchObject({refuse: 'LIMIT_EXCEEDED'});
  });
});

describe('what a turn needs', () => {
  test('an ordinary turn reads its scope and nothing else', () => {
    const world = opened();
    const command = sayTurn(first, main);
    expect(world.run(command).unforeseen).toEqual([]);
  });

  test('a turn leaves the version of its scope alone and moves its counters', () => {
    const world = opened().given(sayTurn(first, main, {token_count: 12}), sayTurn(next, main));
    expect(world.version('scope', main)).toBe(1);
    expect(scopeOf(world)).toMatchObject({tokensUsed: 13, turnCount: 2});
  });

  test('a turn stands on the chain of its trajectory and is about whom its container is', () => {
    const world = opened().given(sayTurn(first, main));
    expect(world.state<Turn>('turn', first)).toMatchObject({trajectoryId: task, subject: 'ann'});
  });

  test('a closed scope takes no turn', () => {
    const world = opened().given({type: 'scope.close', id: main} as never);
    expect(world.run(sayTurn(first, main)).refusal).toMatchObject({
      refuse: 'STATE_CONFLICT',
      why: {reason: 'scope_closed'},
    });
  });
});

describe('the budget', () => {
  test('a turn that fills the budget passes without a word, one past it with a warning', () => {
    const world = opened({token_budget: 10});
    expect(world.run(sayTurn(first, main, {token_count: 10})).warnings).toEqual([]);
    expect(world.run(sayTurn(next, main, {token_count: 1})).warnings).toEqual(['budget_exceeded']);
    expect(scopeOf(world).tokensUsed).toBe(11);
  });

  test('a tenant may have it refused', () => {
    const world = opened({token_budget: 10}).set('scope_budget_mode', 'deny');
    expect(world.run(sayTurn(first, main, {token_count: 10})).refusal).toBeNull();
    expect(world.run(sayTurn(next, main, {token_count: 1})).refusal).toMatchObject({
      refuse: 'LIMIT_EXCEEDED',
      why: {setting: 'token_budget', limit: 10, value: 11},
    });
  });
});

describe('rewinding', () => {
  const rewind = (
    world: ReturnType<typeof opened>,
    fromSequence: number,
    turns: number,
    tokens: number,
  ) =>
    ({
      type: 'scope.rewind',
      id: main,
      fromSequence,
      kept: {turns, tokens},
      seen: {version: world.version('scope', main), lastSequence: scopeOf(world).lastSequence},
    }) as never;

  const five = () => {
    const world = opened();
    for (let n = 0; n < 5; n += 1) world.given(sayTurn(idOf(100 + n), main, {token_count: 10}));
    return world;
  };

  test('turns from a sequence on are superseded by one event, and keep their versions', () => {
    const world = five();
    const {events} = world.run(rewind(world, 4, 3, 30));
    expect(events).toMatchObject([
      {kind: 'turn.rewound', entity: main, data: {superseded: 2, tokensUsed: 30}},
    ]);
    expect([1, 2, 3, 4, 5].map((n) => isRewound(scopeOf(world), n))).toEqual([
      false,
      false,
      false,
      true,
      true,
    ]);
    expect(world.version('turn', idOf(104))).toBe(1);
  });

  test('sequences are not used again, and a rewind behind a gap leaves both ranges', () => {
    const world = five();
    world.given(rewind(world, 5, 4, 40)).given(sayTurn(idOf(110), main, {token_count: 1}));
    world.given(sayTurn(idOf(111), main, {token_count: 1}));
    world.given(rewind(world, 7, 5, 41));
    expect(scopeOf(world)).toMatchObject({
      lastSequence: 7,
      rewound: [
        [5, 5],
        [7, 7],
      ],
      rewoundCount: 2,
      tokensUsed: 41,
    });
    world.given(rewind(world, 2, 1, 10));
    expect(scopeOf(world)).toMatchObject({rewound: [[2, 7]], rewoundCount: 6, tokensUsed: 10});
  });

  test('a turn that came after the count is taken back too', () => {
    const world = five();
    const command = rewind(world, 4, 3, 30);
    world.given(sayTurn(idOf(110), main, {token_count: 5}));
    expect(world.run(command).events[0]?.data).toMatchObject({superseded: 3, tokensUsed: 30});
  });

  test('a count that another rewind made wrong is refused', () => {
    const world = five();
    const command = rewind(world, 4, 3, 30);
    world.given(rewind(world, 2, 1, 10));
    expect(world.run(command).refusal).toMatchObject({refuse: 'CONCURRENT_MODIFICATION'});
  });

  test('rewinding to where nothing is changes nothing', () => {
    const world = five();
    expect(world.run(rewind(world, 9, 5, 50)).events[0]?.data).toMatchObject({superseded: 0});
    expect(scopeOf(world)).toMatchObject({rewound: [], tokensUsed: 50});
  });
});

test('content of a turn ends with its scope, unless the tenant keeps turns', () => {
  expect(turnContentState({isActive: true, turnsKept: false})).toBe('present');
  expect(turnContentState({isActive: false, turnsKept: false})).toBe('released');
  expect(turnContentState({isActive: false, turnsKept: true})).toBe('present');
});
