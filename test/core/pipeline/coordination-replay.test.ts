/** The rows of locks, regions, conflicts and intents, and every counter they move, are what the log makes. */
import {afterAll, beforeAll, expect, test} from 'vitest';
import type {Command} from '../../../core/domain/aggregate.ts';
import type {Tenant} from '../../../core/domain/tenant.ts';
import type {Trajectory} from '../../../core/domain/trajectory.ts';
import {readLog} from '../../../core/ledger/read-log.ts';
import {createReplayCheck} from '../../../core/ledger/replay-check.ts';
import {openBench} from '../../support/bench.ts';
import {openScope} from '../../support/memory-commands.ts';
import {lockOn, regionDraft, setStage, update} from '../../support/stage.ts';
import type {TestApp} from '../../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await openBench();
});
afterAll(() => app.close());

test('the log, folded, is the tables', async () => {
  const {of, ana, ben, task, keep, begin} = await setStage(app);
  const [held, freed, region, mine, everybodys] = [of.id(), of.id(), of.id(), of.id(), of.id()];
  await of.do(of.person, lockOn(held, ana, 'custom', 'a'));
  await of.do(of.person, lockOn(of.id(), ana, 'custom', 'a'));
  await of.do(of.person, lockOn(freed, ben, 'custom', 'b'));
  const release = {type: 'lock.release', id: freed, by: null, isAdmin: true};
  await of.do(of.person, release as Command);

  const make = {type: 'region.create', id: region, draft: regionDraft('one', ben)};
  await of.do(of.person, make as Command);
  const change = {type: 'region.update', id: region, set: {name: 'two', readers: [ana]}};
  await of.do(of.person, change as Command);

  for (const [id, agentId] of [
    [mine, ana],
    [everybodys, null],
    [of.id(), null],
  ] as const) {
    const draft = {
      name: id,
      agentId,
      purpose: '',
      autonomy: 'approver',
      goals: [],
      resolutionRules: [],
      signals: [],
      boundaries: {allow: [], deny: []},
      driftThreshold: 0.85,
      metadata: {},
    };
    await of.do(of.person, {type: 'intent.create', id, draft} as Command);
  }
  await of.do(of.person, {type: 'intent.retire', id: everybodys} as Command);

  const other = of.id();
  await of.do(of.person, begin(other));
  const scope = of.id();
  await of.do(of.person, openScope(scope, other));
  await of.do(of.person, openScope(of.id(), task));
  await of.do(of.person, {type: 'scope.close', id: scope} as Command);
  for (const strategy of ['escalate', 'none', 'last_write_wins']) {
    await of.set({contradiction_strategy: strategy});
    const claim = {claim_key: 'a/b', claim_value: strategy, source_trajectory_ids: [task]};
    const id = of.id();
    await of.do(of.bound(ana), keep(id, claim));
    await of.do(of.bound(ana), update(id, {title: 'changed'}));
  }

  expect(await of.state<Tenant>('tenant', of.of.tenantId)).toMatchObject({
    heldLocks: 1,
    intentIds: [expect.any(String)],
  });
  expect(await of.state<Trajectory>('trajectory', task)).toMatchObject({
    openScopeCount: 2,
    noteCount: 1,
  });
  const {tenantNo} = of.of;
  const result = await app.app.services.store.read(tenantNo, async (q) => {
    const replay = createReplayCheck(q, tenantNo);
    for await (const page of readLog(q, tenantNo)) await replay.add(page);
    return replay.finish();
  });
  expect(result.differences).toEqual([]);
});
