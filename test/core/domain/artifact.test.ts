import {describe, expect, test} from 'vitest';
import type {Artifact} from '../../../core/domain/artifact.ts';
import {contentStateOf} from '../../../core/domain/kept-item.ts';
import {asSeen} from '../../../core/domain/memory-item.ts';
import type {Scope} from '../../../core/domain/scope.ts';
import type {Trajectory} from '../../../core/domain/trajectory.ts';
import {
  anyone,
  beginTrajectory,
  keepArtifact,
  openScope,
  sayTurn,
} from '../../support/memory-commands.ts';
import {createWorld, idOf, type World} from '../../support/spec.ts';

const task = idOf(10);
const main = idOf(20);
const one = idOf(200);
const two = idOf(201);
const three = idOf(202);
const place = {trajectoryId: task, scopeId: main};

const opened = () => createWorld().given(beginTrajectory(task), openScope(main, task));
const stateOf = (world: World, id = one) => world.state<Artifact>('artifact', id);
const update = (set: object, id = one, writer = anyone) =>
  ({type: 'artifact.update', id, set, writer}) as never;
const supersede = (id: string, by: string) =>
  ({type: 'artifact.supersede', id, byId: by, reason: null}) as never;
const remove = (id = one) => ({type: 'artifact.delete', id}) as never;
const expire = (id = one) => ({type: 'artifact.expire', id, because: 'time'}) as never;
const close = {type: 'scope.close', id: main} as never;

const seen = (world: World, id = one) =>
  contentStateOf(
    stateOf(world, id),
    world.state<Scope>('scope', main),
    world.state<Trajectory>('trajectory', task),
    world.view.at,
  );

describe('making', () => {
  test('an ordinary artifact needs nothing that it did not ask for', () => {
    const {unforeseen, warnings, events} = opened().run(keepArtifact(one, place));
    expect(unforeseen).toEqual([]);
    expect(warnings).toEqual([]);
    expect(events).toMatchObject([{kind: 'artifact.created', data: {trust: 'inference'}}]);
  });

  test('the scope must be open and of the trajectory', () => {
    const world = opened().given(beginTrajectory(idOf(11)));
    const foreign = {trajectoryId: idOf(11), scopeId: main};
    expect(world.run(keepArtifact(one, foreign)).refusal?.why).toEqual({
      reason: 'other_trajectory',
    });
    world.given(close);
    expect(world.run(keepArtifact(one, place)).refusal?.why).toEqual({reason: 'scope_closed'});
  });

  test('a source turn that the scope has lends its trust, one that it has not a warning', () => {
    const world = opened().given(sayTurn(idOf(100), main, {role: 'Tool'}));
    const provenance = {
      source_turn: 1,
      source_turn_id: idOf(100),
      extraction_method: 'UserProvided',
    };
    const sent = {source_turn: undefined, extraction_method: undefined};
    expect(
      world.run(keepArtifact(one, place, {...sent, provenance})).events[0]?.data,
    ).toMatchObject({
      sourceClass: 'user',
      trust: 'tool_external',
    });
    expect(world.run(keepArtifact(two, place, {source_turn: 9})).warnings).toEqual([
      'unknown_source_turn',
    ]);
    expect(world.run(keepArtifact(three, place, {source_turn: -1})).warnings).toEqual([]);
  });

  test('an artifact is about whom its container is, unless it says otherwise', () => {
    const world = createWorld().given(
      beginTrajectory(task, {subject: 'ann'}),
      openScope(main, task),
    );
    world.given(keepArtifact(one, place), keepArtifact(two, place, {subject: 'bob'}));
    expect([stateOf(world).subject, stateOf(world, two).subject]).toEqual(['ann', 'bob']);
  });

  test('recall marks what was recalled', () => {
    const world = opened().given(keepArtifact(one, place, {extraction_method: 'MemoryRecall'}));
    expect(stateOf(world).recalled).toBe(true);
  });

  test('validity must end after it begins, and needs an end for a reason', () => {
    const from = '2026-01-02T00:00:00Z';
    const world = opened();
    const ended = keepArtifact(one, place, {valid_to: '2020-01-01T00:00:00Z'});
    expect(world.run(ended).refusal).toEqual({refuse: 'INVALID_RANGE', why: {field: 'valid_to'}});
    world.given(keepArtifact(one, place, {valid_from: from}));
    const set = {validTo: stateOf(world).validFrom, invalidBecause: 'gone'};
    expect(world.run(update(set)).refusal).toMatchObject({refuse: 'INVALID_RANGE'});
    expect(world.run(update({invalidBecause: 'gone'})).refusal).toMatchObject({
      refuse: 'INVALID_INPUT',
    });
    world.given(update({validTo: stateOf(world).validFrom + 1, invalidBecause: 'gone'}));
    world.given(update({validTo: null}));
    expect(stateOf(world)).toMatchObject({validTo: null, invalidBecause: null});
  });
});

describe('identity', () => {
  test('any event after the first takes it away', () => {
    for (const change of [update({name: 'x'}), remove(), supersede(one, two)]) {
      const world = opened().given(keepArtifact(one, place), keepArtifact(two, place, {name: 'b'}));
      expect(stateOf(world).identityKey).not.toBeNull();
      world.given(change);
      expect(stateOf(world).identityKey).toBeNull();
    }
  });

  test('an equal item whose time is over makes room in the group of the new one', () => {
    const world = opened().given(keepArtifact(one, place, {ttl: 'ShortTerm'}));
    world.advance(3_600_001);
    const {events} = world.run(keepArtifact(two, place, {ttl: 'ShortTerm'}));
    expect(events.map(({kind, entity}) => [kind, entity])).toEqual([
      ['artifact.created', two],
      ['artifact.expired', one],
    ]);
    expect(stateOf(world).identityKey).toBeNull();
    expect(stateOf(world, two).identityKey).not.toBeNull();
  });
});

describe('lifetimes', () => {
  test('time ends an item on the microsecond, and the event follows', () => {
    const world = opened().given(keepArtifact(one, place, {ttl: {Duration: 60_000}}));
    const end = stateOf(world).expiresAt ?? 0;
    expect(contentStateOf(stateOf(world), null, null, end - 1)).toBe('present');
    expect(contentStateOf(stateOf(world), null, null, end)).toBe('expired');
    expect(world.run(expire()).refusal).toMatchObject({why: {from: 'current'}});
    world.advance(60_001);
    const {events} = world.run(expire());
    expect(events).toMatchObject([
      {kind: 'artifact.expired', data: {because: 'time', wasCurrent: true}, ends: [[2, 2]]},
    ]);
    expect(stateOf(world)).toMatchObject({isExpired: true, expiresAt: end});
    expect(world.run(expire()).refusal).toMatchObject({why: {from: 'expired'}});
  });

  test('a lifetime runs anew from the change that set it, and not from any other', () => {
    const world = opened().given(keepArtifact(one, place, {ttl: 'ShortTerm'}));
    const end = stateOf(world).expiresAt;
    world.advance(1_000).given(update({name: 'x'}));
    expect(stateOf(world).expiresAt).toBe(end);
    world.given(update({ttl: 'short_term'}));
    expect(stateOf(world).expiresAt).toBeGreaterThan(end ?? 0);
    world.given(update({ttl: 'persistent'}));
    expect(stateOf(world).expiresAt).toBeNull();
  });

  test('of a counted group the oldest makes room, at n, n + 1 and n + 2', () => {
    const world = opened();
    const made = (n: number) => keepArtifact(idOf(300 + n), place, {name: `n${n}`, ttl: {Max: 2}});
    expect(world.run(made(1)).events).toHaveLength(1);
    expect(world.run(made(2)).events).toHaveLength(1);
    expect(world.run(made(3)).events.map(({entity}) => entity)).toEqual([idOf(303), idOf(301)]);
    expect(world.run(made(4)).events.map(({entity}) => entity)).toEqual([idOf(304), idOf(302)]);
    const others = keepArtifact(one, place, {artifact_type: 'Plan', ttl: {Max: 1}});
    expect(world.run(others).events).toHaveLength(1);
  });

  test('a deleted item of a group takes no place in it', () => {
    const world = opened();
    world.given(keepArtifact(one, place, {ttl: {Max: 2}}), remove());
    world.given(keepArtifact(two, place, {name: 'b', ttl: {Max: 2}}));
    expect(world.run(keepArtifact(three, place, {name: 'c', ttl: {Max: 2}})).events).toHaveLength(
      1,
    );
  });

  test('a lower bound set later makes room at once', () => {
    const world = opened();
    world.given(
      keepArtifact(one, place, {ttl: {Max: 2}}),
      keepArtifact(two, place, {name: 'b', ttl: {Max: 2}}),
    );
    const {events} = world.run(update({ttl: {Max: 1}}, two));
    expect(events.map(({kind, entity}) => [kind, entity])).toEqual([
      ['artifact.updated', two],
      ['artifact.expired', one],
    ]);
  });

  test('what lives as long as its scope or its trajectory ends with it, without an event', () => {
    const world = opened();
    world.given(
      keepArtifact(one, place, {ttl: 'Scope'}),
      keepArtifact(two, place, {ttl: 'Session'}),
    );
    expect([seen(world), seen(world, two)]).toEqual(['present', 'present']);
    world.given(close);
    expect([seen(world), seen(world, two)]).toEqual(['expired', 'present']);
    expect(world.run(update({name: 'x'})).refusal).toMatchObject({why: {from: 'expired'}});
    expect(world.run(update({ttl: 'scope'}, two)).refusal).toMatchObject({
      why: {reason: 'scope_closed'},
    });
    const outcome = {status: 'success', summary: '', produced_artifacts: [], produced_notes: []};
    world.given({type: 'trajectory.end', id: task, outcome} as never);
    expect(seen(world, two)).toBe('expired');
    expect(world.version('artifact', two)).toBe(1);
  });
});

describe('superseding', () => {
  const chained = () =>
    opened().given(
      keepArtifact(one, place),
      keepArtifact(two, place, {name: 'b'}),
      keepArtifact(three, place, {name: 'c'}),
    );

  test('an item is superseded once, and no longer changes', () => {
    const world = chained().given(supersede(one, two));
    expect(stateOf(world).supersededBy).toBe(two);
    for (const again of [supersede(one, three), update({name: 'x'})]) {
      expect(world.run(again).refusal).toMatchObject({
        refuse: 'STATE_CONFLICT',
        why: {from: 'superseded'},
      });
    }
  });

  test('chains are allowed, cycles are not', () => {
    const world = chained().given(supersede(one, two), supersede(two, three));
    for (const by of [one, two, three]) {
      expect(world.run(supersede(three, by)).refusal).toEqual({
        refuse: 'GATE_REFUSED',
        why: {reason: 'cycle'},
      });
    }
  });

  test('a new item and what it supersedes stand or fall together', () => {
    const world = opened().given(keepArtifact(one, place));
    const {events} = world.run(keepArtifact(two, place, {name: 'b'}), supersede(one, two));
    expect(events.map(({kind}) => kind)).toEqual(['artifact.created', 'artifact.superseded']);
    expect(
      world.run(keepArtifact(three, place, {name: 'c'}), supersede(one, three)).refusal,
    ).not.toBeNull();
    expect(stateOf(world, three)).toBeUndefined();
  });
});

describe('deleting', () => {
  test('it ends everything the item ever said, once', () => {
    const world = opened().given(keepArtifact(one, place), update({content: 'other'}));
    const {events, unforeseen} = world.run(remove());
    expect(events[0]?.ends).toEqual([
      [2, 2],
      [3, 3],
    ]);
    expect(unforeseen).toEqual([]);
    expect(world.run(remove()).refusal).toEqual({refuse: 'ARTIFACT_NOT_FOUND'});
    expect(seen(world)).toBe('deleted');
  });

  test('a scope counts each current artifact once, however it ends', () => {
    const world = opened().given(
      keepArtifact(one, place, {ttl: {Duration: 1_000}}),
      keepArtifact(two, place, {name: 'b'}),
    );
    const count = () => world.state<Scope>('scope', main).artifactCount;
    expect(count()).toBe(2);
    world.advance(2_000).given(expire());
    expect(count()).toBe(1);
    world.given(remove());
    expect(count()).toBe(1);
    world.given(keepArtifact(three, place, {name: 'c'}), supersede(two, three));
    expect(count()).toBe(1);
    world.given(remove(two), remove(three));
    expect(count()).toBe(0);
  });
});

describe('trust', () => {
  test('a class above what the method or the credential allows is refused', () => {
    const world = opened();
    expect(world.run(keepArtifact(one, place, {source_class: 'user'})).refusal).toMatchObject({
      refuse: 'FORBIDDEN',
      why: {reason: 'source_class', allowed: 'inference'},
    });
    const low = {ceiling: 'tool_external'} as const;
    const stated = keepArtifact(one, place, {source_class: 'inference'}, low);
    expect(world.run(stated).refusal).toMatchObject({why: {allowed: 'tool_external'}});
    world.given(keepArtifact(one, place, {}, low));
    expect(stateOf(world)).toMatchObject({sourceClass: 'tool_external', trust: 'tool_external'});
  });

  test('a change by a lesser credential lowers the trust, and none raises it', () => {
    const world = opened().given(keepArtifact(one, place));
    world.given(update({content: 'x'}, one, {ceiling: 'other_agent'}));
    expect(stateOf(world).trust).toBe('other_agent');
    world.given(update({content: 'y'}));
    expect(stateOf(world).trust).toBe('other_agent');
  });
});

test('content that has ended is absent and says so', () => {
  const world = opened().given(keepArtifact(one, place));
  expect(asSeen(stateOf(world), {contentState: 'present'})).toMatchObject({
    content: 'water is wet',
    quarantined: false,
  });
  expect(asSeen(stateOf(world), {contentState: 'expired'})).toMatchObject({
    content: null,
    contentState: 'expired',
    name: 'a fact',
  });
});
