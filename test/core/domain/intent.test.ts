import {describe, expect, test} from 'vitest';
import {judgeIntent, matches, type Act, type Intent} from '../../../core/domain/intent.ts';
import {autonomyLevel} from '../../../shared/wire/enums.ts';
import {idOf} from '../../support/spec.ts';

const me = idOf(1);

const intent = (more: Partial<Intent> = {}): Intent =>
  ({
    name: 'careful',
    agentId: null,
    purpose: '',
    autonomy: 'approver',
    goals: [],
    resolutionRules: [],
    signals: [],
    boundaries: {allow: [], deny: []},
    driftThreshold: 0.85,
    active: true,
    metadata: {},
    liveName: 'careful',
    isDeleted: false,
    tenantId: idOf(0),
    ...more,
  }) as Intent;

const act = (kind: string, more: Partial<Act> = {}): Act => ({
  agentId: me,
  kind,
  noteType: null,
  trajectoryAgentId: null,
  entity: kind.slice(0, kind.indexOf('.')),
  state: null,
  ...more,
});

test.each([
  ['note.created', 'note.created', true],
  ['note.*', 'note.created', true],
  ['*', 'anything', true],
  ['*.deleted', 'note.deleted', true],
  ['*.deleted', 'note.created', false],
  ['n*e.*d', 'note.created', true],
  ['note.created', 'note.created2', false],
  ['a*a', 'a', false],
])('%s and %s: %s', (pattern, name, expected) => {
  expect(matches(pattern, name)).toBe(expected);
});

describe('boundaries', () => {
  test('what is denied is denied, whatever is allowed', () => {
    const of = intent({boundaries: {allow: ['note.*'], deny: ['note.deleted']}});
    expect(judgeIntent(of, act('note.deleted'))).toMatchObject({is: 'deny', reason: 'denied'});
    expect(judgeIntent(of, act('note.created'))).toEqual({is: 'pass'});
    expect(judgeIntent(of, act('turn.created'))).toMatchObject({reason: 'not_allowed'});
  });
});

describe('autonomy', () => {
  const reason = (autonomy: Intent['autonomy'], of: Act): string | null => {
    const judged = judgeIntent(intent({autonomy}), of);
    return judged.is === 'pass' ? null : judged.reason;
  };

  test.each([
    ['agent.status_changed', [null, null, null, null, null]],
    ['message.sent', ['observer', null, null, null, null]],
    ['note.created', ['observer', 'recommend_only', null, null, null]],
    ['note.deleted', ['observer', 'recommend_only', 'needs_approval', null, null]],
    ['turn.created', ['observer', 'recommend_only', null, null, null]],
    ['trajectory.completed', ['observer', 'recommend_only', 'needs_approval', null, null]],
    ['delegation.created', ['observer', 'recommend_only', 'needs_approval', null, null]],
  ] as const)('%s', (kind, expected) => {
    const levels = ['observer', 'consultant', 'collaborator', 'operator', 'approver'] as const;
    expect([...levels].toSorted()).toEqual([...autonomyLevel.values].toSorted());
    expect(levels.map((level) => reason(level, act(kind)))).toEqual(expected);
  });

  test('a consultant writes what it thinks, not what is', () => {
    expect(reason('consultant', act('note.created', {noteType: 'hypothesis'}))).toBeNull();
    expect(reason('consultant', act('note.created', {noteType: 'fact'}))).toBe('recommend_only');
  });

  test('an operator stays inside its own tasks', () => {
    const inTask = (agent: string) => act('turn.created', {trajectoryAgentId: agent});
    expect(reason('operator', inTask(me))).toBeNull();
    expect(reason('operator', inTask(idOf(2)))).toBe('outside_task');
    expect(reason('approver', inTask(idOf(2)))).toBeNull();
  });
});

describe('signals', () => {
  const signals = [
    {name: 'sure', source: 'note', metric: 'confidence', target: {above: 0.5}},
    {name: 'cost', source: 'note', metric: 'metadata.usd', target: {between: {min: 1, max: 2}}},
  ] as const;
  const of = (deny: string[] = []) => intent({signals, boundaries: {allow: [], deny}} as never);
  const note = (state: object) => act('note.created', {state});

  test('outside of its target one warns, and denies where the boundaries name it', () => {
    expect(judgeIntent(of(), note({confidence: 0.6}))).toEqual({is: 'pass'});
    expect(judgeIntent(of(), note({confidence: 0.5}))).toMatchObject({is: 'warn'});
    expect(judgeIntent(of(['signal:sure']), note({confidence: 0.5}))).toMatchObject({
      is: 'deny',
      reason: 'signal',
    });
  });

  test('dots lead into objects, and between has both of its ends', () => {
    for (const [usd, is] of [
      [1, 'pass'],
      [2, 'pass'],
      [2.1, 'warn'],
    ] as const) {
      expect(judgeIntent(of(), note({metadata: {usd}})).is).toBe(is);
    }
  });

  test('an entity without the number, or of another type, says nothing', () => {
    expect(judgeIntent(of(), note({}))).toEqual({is: 'pass'});
    expect(judgeIntent(of(), act('turn.created', {state: {confidence: 0}}))).toEqual({is: 'pass'});
  });
});
