import {describe, expect, test} from 'vitest';
import type {Scope} from '../../../core/domain/scope.ts';
import {
  beginTrajectory,
  keepArtifact,
  keepNote,
  openScope,
  sayTurn,
} from '../../support/memory-commands.ts';
import {createWorld, idOf} from '../../support/spec.ts';

const task = idOf(10);
const other = idOf(11);
const main = idOf(20);
const second = idOf(21);

const opened = () => createWorld().given(beginTrajectory(task), openScope(main, task));
const stateOf = (world: ReturnType<typeof opened>, id = main) => world.state<Scope>('scope', id);

describe('opening', () => {
  test('a scope takes budget and subject from tenant and trajectory when its maker says nothing', () => {
    const world = createWorld().given(beginTrajectory(task, {subject: 'ann'}));
    world.set('default_token_budget', 77).given(openScope(main, task));
    expect(stateOf(world)).toMatchObject({
      tokenBudget: 77,
      subject: 'ann',
      isActive: true,
      openIn: task,
      lastSequence: 0,
      tokensUsed: 0,
    });
  });

  test('no scope is opened in a trajectory that is not active', () => {
    const world = createWorld().given(beginTrajectory(task));
    world.given({type: 'trajectory.suspend', id: task, reason: null} as never);
    expect(world.run(openScope(main, task)).refusal).toMatchObject({
      refuse: 'STATE_CONFLICT',
      why: {reason: 'trajectory', status: 'suspended'},
    });
  });

  test('a parent must be open and of the same trajectory', () => {
    const world = opened().given(beginTrajectory(other));
    expect(world.run(openScope(second, other, {parent_scope_id: main})).refusal).toMatchObject({
      refuse: 'STATE_CONFLICT',
      why: {reason: 'other_trajectory'},
    });
    world.given({type: 'scope.close', id: main} as never);
    expect(world.run(openScope(second, task, {parent_scope_id: main})).refusal).toMatchObject({
      refuse: 'STATE_CONFLICT',
      why: {reason: 'scope_closed'},
    });
  });

  test('opening needs nothing that it did not ask for', () => {
    const world = createWorld().given(beginTrajectory(task));
    expect(world.run(openScope(main, task)).unforeseen).toEqual([]);
  });
});

describe('changing', () => {
  test('a budget that is cleared is the tenant default again', () => {
    const world = opened().given({type: 'scope.update', id: main, set: {tokenBudget: 5}} as never);
    expect(stateOf(world).tokenBudget).toBe(5);
    world.given({type: 'scope.update', id: main, set: {tokenBudget: null}} as never);
    expect(stateOf(world).tokenBudget).toBe(8_000);
  });
});

describe('closing', () => {
  test('one event ends the content of every turn, whatever their number', () => {
    const world = opened();
    for (let n = 0; n < 5; n += 1) world.given(sayTurn(idOf(100 + n), main));
    const {events, unforeseen} = world.run({type: 'scope.close', id: main});
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({
      kind: 'scope.closed',
      data: {turnsKept: false, releasedTurns: 5, summaryIds: []},
      ends: [[2, 6]],
    });
    expect(unforeseen).toEqual([]);
    expect(stateOf(world)).toMatchObject({isActive: false, openIn: null, turnsKept: false});
  });

  test('a tenant that keeps turns ends none of them', () => {
    const world = opened()
      .set('turn_retention', 'keep')
      .given(sayTurn(idOf(100), main));
    const {events} = world.run({type: 'scope.close', id: main});
    expect(events[0]).toMatchObject({data: {turnsKept: true, releasedTurns: 0}, ends: []});
  });

  test('what lives as long as the scope ends with it, and so do its saved states', () => {
    const world = opened();
    world.given(keepArtifact(idOf(200), {trajectoryId: task, scopeId: main}, {ttl: 'Scope'}));
    world.given(keepArtifact(idOf(201), {trajectoryId: task, scopeId: main}));
    world.given(keepNote(idOf(202), {ttl: 'Ephemeral', scope_id: main}));
    world.given({
      type: 'scope.checkpoint',
      id: main,
      contextState: 'AA==',
      recoverable: true,
    } as never);
    const {events} = world.run({type: 'scope.close', id: main});
    expect(events[0]?.ends).toEqual([
      [2, 2],
      [4, 5],
    ]);
  });

  test('a closed scope never closes again', () => {
    const world = opened().given({type: 'scope.close', id: main} as never);
    expect(world.run({type: 'scope.close', id: main}).refusal).toMatchObject({
      refuse: 'STATE_CONFLICT',
      why: {from: 'closed'},
    });
  });

  test('extraction is demanded of a scope with turns and of no other', () => {
    const close = {type: 'scope.close', id: main, requireExtraction: true} as never;
    expect(opened().run(close).refusal).toBeNull();
    const world = opened().given(sayTurn(idOf(100), main));
    expect(world.run(close).refusal).toMatchObject({
      refuse: 'STATE_CONFLICT',
      why: {reason: 'nothing_extracted'},
    });
    world.given(keepArtifact(idOf(200), {trajectoryId: task, scopeId: main}));
    expect(world.run(close).refusal).toBeNull();
  });

  test('an artifact that was deleted counts as none', () => {
    const world = opened().given(sayTurn(idOf(100), main));
    world.given(keepArtifact(idOf(200), {trajectoryId: task, scopeId: main}));
    world.given({type: 'artifact.delete', id: idOf(200)} as never);
    expect(stateOf(world).artifactCount).toBe(0);
    const close = {type: 'scope.close', id: main, requireExtraction: true} as never;
    expect(world.run(close).refusal).toMatchObject({why: {reason: 'nothing_extracted'}});
  });
});

describe('saved states', () => {
  const save = (recoverable = true) =>
    ({type: 'scope.checkpoint', id: main, contextState: 'AA==', recoverable}) as never;
  const restoreFrom = (leaf: number) =>
    ({
      type: 'scope.restore',
      id: second,
      draft: (openScope(second, task) as {draft: unknown}).draft,
      from: {scopeId: main, leaf},
      contextState: 'AA==',
    }) as never;

  test('one more than the tenant retains ends the oldest by the same event', () => {
    const world = opened().set('max_scope_checkpoints', 2).given(save()).given(save());
    const {events} = world.run(save());
    expect(events[0]).toMatchObject({data: {dropped: 1}, ends: [[2, 2]]});
    expect(stateOf(world).checkpoints.map(({leaf}) => leaf)).toEqual([3, 4]);
    expect('contextState' in stateOf(world)).toBe(false);
  });

  test('a restore opens another scope that holds the state, and leaves the first as it is', () => {
    const world = opened().given(save());
    const {events} = world.run(restoreFrom(2));
    expect(events[0]).toMatchObject({
      kind: 'scope.restored',
      entity: second,
      data: {contextState: 'AA==', restoredFrom: {scope_id: main, position: 2}},
    });
    expect(stateOf(world, second)).toMatchObject({
      isActive: true,
      checkpoints: [{leaf: 3, recoverable: true}],
    });
    expect(stateOf(world).isActive).toBe(true);
  });

  test('a state that ended cannot be restored, and one marked so neither', () => {
    const world = opened().given(save(false));
    expect(world.run(restoreFrom(2)).refusal).toMatchObject({refuse: 'STATE_CONFLICT'});
    expect(world.run(restoreFrom(1)).refusal).toMatchObject({refuse: 'CONTENT_GONE'});
    world.given({type: 'scope.close', id: main} as never);
    expect(world.run(restoreFrom(2)).refusal).toMatchObject({refuse: 'CONTENT_GONE'});
    expect(world.run(save()).refusal).toMatchObject({refuse: 'STATE_CONFLICT'});
  });
});
