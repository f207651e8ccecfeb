import {describe, expect, test} from 'vitest';
import type {Note} from '../../../core/domain/note.ts';
import {
  anyone,
  beginTrajectory,
  keepNote,
  openScope,
  sayTurn,
} from '../../support/memory-commands.ts';
import {createWorld, idOf} from '../../support/spec.ts';

const task = idOf(10);
const main = idOf(20);
const one = idOf(400);
const two = idOf(401);
const three = idOf(402);

const opened = () => createWorld().given(beginTrajectory(task), openScope(main, task));
const lineage = {refuse: 'GATE_REFUSED', why: {reason: 'lineage'}};
const level = {refuse: 'GATE_REFUSED', why: {reason: 'level'}};

describe('levels', () => {
  test('a summary has sources, a principle has source notes', () => {
    const world = opened().given(keepNote(one));
    const summary = (sent: object) => keepNote(two, {abstraction_level: 'Summary', ...sent});
    const principle = (sent: object) => keepNote(three, {abstraction_level: 'L2', ...sent});
    expect(world.run(summary({})).refusal).toEqual(lineage);
    expect(world.run(principle({source_trajectory_ids: [task]})).refusal).toEqual(lineage);
    world.given(summary({source_note_ids: [one]}));
    world.given(principle({source_note_ids: [two]}));
  });

  test('a note is above everything it was drawn from', () => {
    const world = opened().given(keepNote(one));
    world.given(keepNote(two, {abstraction_level: 'Summary', source_note_ids: [one]}));
    const again = {abstraction_level: 'Summary', title: 'b', source_note_ids: [one, two]};
    expect(world.run(keepNote(three, again)).refusal).toEqual(level);
  });

  test('a tenant may demand an artifact behind each note', () => {
    const world = opened().set('require_artifact_backing', true);
    expect(world.run(keepNote(one)).refusal).toEqual(lineage);
  });
});

describe('lifetimes', () => {
  test('a session needs exactly one source trajectory, which has not ended', () => {
    const world = opened().given(beginTrajectory(idOf(11)));
    const session = (...of: string[]) => keepNote(one, {ttl: 'Session', source_trajectory_ids: of});
    const why = {field: 'ttl', reason: 'session'};
    expect(world.run(session()).refusal).toEqual({refuse: 'INVALID_INPUT', why});
    expect(world.run(session(task, idOf(11))).refusal).toEqual({refuse: 'INVALID_INPUT', why});
    expect(world.run(session(task)).refusal).toBeNull();
    expect(world.state<Note>('note', one).expiresWith).toBe(task);
  });

  test('a life as long as a scope needs a scope, and an open one', () => {
    const world = opened();
    expect(world.run(keepNote(one, {ttl: 'Scope'})).refusal).toEqual({
      refuse: 'MISSING_FIELD',
      why: {field: 'scope_id'},
    });
    world.given({type: 'scope.close', id: main} as never);
    expect(world.run(keepNote(one, {ttl: 'Scope', scope_id: main})).refusal).toMatchObject({
      refuse: 'STATE_CONFLICT',
    });
    expect(world.run(keepNote(one, {scope_id: main})).refusal).toBeNull();
  });

  test('a counted group is one of an agent and a type', () => {
    const world = opened();
    world.given(
      keepNote(one, {ttl: {Max: 1}}),
      keepNote(two, {title: 'b', agent_id: idOf(2), ttl: {Max: 1}}),
    );
    const {events} = world.run(keepNote(three, {title: 'c', ttl: {Max: 1}}));
    expect(events.map(({kind, entity}) => [kind, entity])).toEqual([
      ['note.created', three],
      ['note.expired', one],
    ]);
  });
});

describe('what a note is worth', () => {
  test('no more than the least of its sources', () => {
    const world = opened().given(sayTurn(idOf(100), main, {role: 'Tool'}), keepNote(one));
    const note = keepNote(two, {
      title: 'b',
      source_turn_ids: [idOf(100)],
      derived_from: [{entity_type: 'note', id: one}],
    });
    const ran = world.run(note);
    expect(ran.unforeseen).toEqual([]);
    expect(world.state<Note>('note', two)).toMatchObject({
      sourceClass: 'inference',
      trust: 'tool_external',
    });
  });

  test('a deterministic summary is worth its sources and adds no class of its own', () => {
    const world = opened().given(sayTurn(idOf(100), main));
    const sent = {abstraction_level: 'Summary', source_turn_ids: [idOf(100)]};
    world.given(keepNote(one, sent, {ceiling: 'user', adds: 'user'}));
    expect(world.state<Note>('note', one).trust).toBe('user');
  });

  test('a confidence below the least of the tenant is told', () => {
    expect(opened().run(keepNote(one, {confidence: 0.29})).warnings).toEqual(['low_confidence']);
    expect(opened().run(keepNote(one, {confidence: 0.3})).warnings).toEqual([]);
  });
});

test('a change keeps what it does not name', () => {
  const world = opened().given(keepNote(one, {ttl: 'LongTerm', source_trajectory_ids: [task]}));
  const before = world.state<Note>('note', one);
  world.given({type: 'note.update', id: one, set: {title: 'other'}, writer: anyone} as never);
  expect(world.state<Note>('note', one)).toEqual({...before, title: 'other', identityKey: null});
});
