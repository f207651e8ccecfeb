/** Gate 11 through real lanes. */
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import type {Command} from '../../../core/domain/aggregate.ts';
import type {Id} from '../../../shared/ids.ts';
import {openBench, tenancy, type Tenancy} from '../../support/bench.ts';
import {keepNote, sayTurn} from '../../support/memory-commands.ts';
import {denied, setStage, type Stage} from '../../support/stage.ts';
import type {TestApp} from '../../support/test-app.ts';

let app: TestApp;
let stage: Stage;
let of: Tenancy;

beforeAll(async () => {
  app = await openBench();
  stage = await setStage(app);
  ({of} = stage);
});
afterAll(() => app.close());

describe('11 IntentAlignmentGate', () => {
  const intend = (agentId: Id | null, more: object): Command & {id: Id} =>
    ({
      type: 'intent.create',
      id: of.id(),
      draft: {
        name: of.id(),
        agentId,
        purpose: '',
        autonomy: 'approver',
        goals: [],
        resolutionRules: [],
        signals: [],
        boundaries: {allow: [], deny: []},
        driftThreshold: 0.85,
        metadata: {},
        ...more,
      },
    }) as Command & {id: Id};

  test('an observer agent writing a note; without an intent, or without an agent, it does not apply', async () => {
    const agent = await of.agent();
    const write = () => of.try(of.bound(agent), stage.keep(of.id(), {agent_id: agent}));
    expect((await write()).letter('IntentAlignmentGate')).toBe('S');
    const observer = intend(agent, {autonomy: 'observer'});
    await of.do(of.person, observer);
    const ran = await write();
    denied(ran, 'IntentAlignmentGate', 'GATE_REFUSED');
    expect(ran.details).toMatchObject({reason: 'observer', intent: observer.id});
    expect((await of.do(of.person, stage.keep(of.id()))).letter('IntentAlignmentGate')).toBe('S');
    await of.do(of.person, {type: 'intent.retire', id: observer.id} as Command);
    expect((await write()).letter('IntentAlignmentGate')).toBe('S');
  });

  test('the agent’s own intent, else the tenant’s', async () => {
    const other = await tenancy(app);
    const agent = await other.agent();
    const write = () =>
      other.try(other.bound(agent), keepNote(other.id(), {agent_id: agent, content: other.id()}));
    const everybody = intend(null, {autonomy: 'observer'});
    await other.do(other.person, everybody);
    expect(await write()).toMatchObject({code: 'GATE_REFUSED'});
    await other.do(other.person, intend(agent, {}));
    expect((await write()).letter('IntentAlignmentGate')).toBe('P');
  });

  test('a signal outside its target warns, and denies where the boundaries say so', async () => {
    const agent = await of.agent();
    const signals = [
      {name: 'MARK sure', source: 'note', metric: 'confidence', target: {above: 0.5}},
    ];
    const write = (confidence: number) =>
      of.try(of.bound(agent), stage.keep(of.id(), {agent_id: agent, confidence}));
    await of.do(of.person, intend(agent, {signals}));
    expect((await write(0.6)).letter('IntentAlignmentGate')).toBe('P');
    const warned = await write(0.4);
    expect(warned).toMatchObject({warnings: ['signal']});
    expect(warned.why['IntentAlignmentGate']).toMatchObject({signal: 0, value: '0.4'});
    await of.do(
      of.person,
      intend(agent, {signals, boundaries: {allow: [], deny: ['signal:MARK sure']}}),
    );
    denied(await write(0.4), 'IntentAlignmentGate', 'GATE_REFUSED');
  });

  test('an operator does not leave its task', async () => {
    const agent = await of.agent({
      memoryAccess: {
        read: [{memory_type: 'all', scope: 'global', filter: null}],
        write: [{memory_type: 'all', scope: 'global', filter: null}],
      },
    });
    await of.do(of.person, intend(agent, {autonomy: 'operator'}));
    const ran = await of.try(of.bound(agent), sayTurn(of.id(), stage.scope));
    denied(ran, 'IntentAlignmentGate', 'GATE_REFUSED');
    expect(ran.details).toMatchObject({reason: 'outside_task'});
  });
});
