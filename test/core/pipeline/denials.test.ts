/** What a refusal leaves behind: P-8, one receipt or none; P-6, nothing that a caller wrote. */
import {afterAll, beforeAll, expect, test} from 'vitest';
import type {Command} from '../../../core/domain/aggregate.ts';
import {errorTable} from '../../../shared/errors.ts';
import type {Id} from '../../../shared/ids.ts';
import {openBench, type Attempt, type Tenancy} from '../../support/bench.ts';
import {openScope} from '../../support/memory-commands.ts';
import {lockOn, setStage, type Stage, update} from '../../support/stage.ts';
import type {TestApp} from '../../support/test-app.ts';

let app: TestApp;
let stage: Stage;
let of: Tenancy;
let ana: Id;
let ben: Id;

beforeAll(async () => {
  app = await openBench();
  stage = await setStage(app);
  ({of, ana, ben} = stage);
});
afterAll(() => app.close());

test('P-8: a refusal of the recorded kind has one receipt, any other has none', async () => {
  const statuses = [403, 409, 412, 422, 428];
  const id = await stage.noted();
  const door = of.id();
  await of.do(of.bound(ana), lockOn(door, ana, 'custom', 'p8'));
  const refusals: readonly (() => Promise<Attempt>)[] = [
    () => of.try(of.bound(ben), update(id, {title: 'x'})),
    () => of.try(of.person, update(of.id(), {title: 'x'})),
    () => of.try(of.person, update(id, {title: 'x'}), {ifMatch: [9]}),
    () => of.try(of.person, stage.keep(of.id(), {source_note_ids: [of.id()]})),
    () => of.try(of.person, {type: 'note.supersede', id, byId: id, reason: null} as Command),
    () => of.try(of.bound(ben), lockOn(of.id(), ben, 'custom', 'p8')),
    () => of.try(of.person, {type: 'trajectory.resume', id: stage.task, reason: null} as Command),
    () => of.try(of.person, update(id, {title: '\ud800'})),
  ];
  for (const refuse of refusals) {
    const before = await of.size();
    const ran = await refuse();
    expect(ran.code).not.toBeNull();
    const isContention = ran.code === 'LOCK_CONFLICT';
    const isRecorded = statuses.includes(errorTable[ran.code ?? 'TIMEOUT'].status) && !isContention;
    expect(await of.size(), ran.code ?? '').toBe(before + Number(isRecorded));
    expect(ran.receipt !== null, ran.code ?? '').toBe(isRecorded);
  }
});

test('P-6: no text of a caller is in any facts', async () => {
  const mark = () => `MARK${of.id()}`;
  const signals = [{name: mark(), source: 'note', metric: 'confidence', target: {above: 0.9}}];
  const agent = await of.agent({name: mark(), team: mark(), metadata: {[mark()]: mark()}});
  const home = of.id();
  await of.do(of.person, stage.begin(home, {name: mark(), description: mark(), subject: mark()}));
  await of.do(of.person, openScope(of.id(), home, {name: mark(), purpose: mark()}));
  const intent = {
    name: mark(),
    agentId: agent,
    purpose: mark(),
    autonomy: 'approver',
    goals: [mark()],
    resolutionRules: [mark()],
    signals,
    boundaries: {allow: [], deny: [mark(), `signal:${mark()}`, 'trajectory.*']},
    driftThreshold: 0.85,
    metadata: {[mark()]: mark()},
  };
  await of.do(of.person, {type: 'intent.create', id: of.id(), draft: intent} as Command);
  const claim = {claim_key: mark(), title: mark(), metadata: {[mark()]: mark()}, subject: mark()};
  const say = (value: string) =>
    stage.keep(of.id(), {
      ...claim,
      agent_id: agent,
      content: mark(),
      claim_value: value,
      confidence: 0.1,
      external_id: mark(),
    });
  for (const strategy of ['none', 'escalate', 'highest_confidence', 'last_write_wins']) {
    await of.set({contradiction_strategy: strategy});
    expect((await of.do(of.bound(agent), say(mark()))).letter('IntentAlignmentGate')).toBe('W');
  }
  const taken = mark();
  await of.do(of.person, stage.keep(of.id(), {external_id: taken}));
  const refused = [
    await of.try(of.person, stage.keep(of.id(), {external_id: taken, title: mark()})),
    await of.try(of.bound(agent), stage.begin(of.id(), {name: mark()})),
    await of.try(of.bound(agent), {
      ...stage.begin(of.id()),
      draft: {...(stage.begin(of.id()) as {draft?: object}).draft, agentId: agent},
    } as Command),
    await of.try(of.bound(ben), update(await stage.noted(claim), {title: mark()})),
  ];
  expect(refused.every(({receipt}) => receipt !== null)).toBe(true);
  const lock = of.id();
  const resource = mark();
  await of.do(of.bound(ana), lockOn(lock, ana, 'custom', resource));
  await of.try(of.bound(ben), lockOn(of.id(), ben, 'custom', resource));
  const facts = await of.facts();
  expect(facts.length).toBeGreaterThan(20);
  expect(facts.filter((one) => one.includes('MARK'))).toEqual([]);
});
