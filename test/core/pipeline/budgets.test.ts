/** Gate 9 through real lanes: each quota at its limit, and what makes room again. */
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import type {Command} from '../../../core/domain/aggregate.ts';
import type {Id} from '../../../shared/ids.ts';
import {openBench, type Tenancy} from '../../support/bench.ts';
import {keepArtifact, openScope, sayTurn} from '../../support/memory-commands.ts';
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

describe('9 BudgetGate', () => {
  test('a trajectory at depth 11 with the default setting', async () => {
    let parent = stage.task;
    for (let depth = 1; depth <= 10; depth += 1) {
      const id = of.id();
      const ran = await of.do(of.person, stage.begin(id, {parent_trajectory_id: parent}));
      expect(ran.letter('BudgetGate')).toBe('P');
      parent = id;
    }
    const ran = await of.try(of.person, stage.begin(of.id(), {parent_trajectory_id: parent}));
    denied(ran, 'BudgetGate', 'LIMIT_EXCEEDED');
    expect(ran.details).toMatchObject({setting: 'max_trajectory_depth', limit: 10, value: 11});
  });

  test('skips what is under no quota', async () => {
    expect((await of.do(of.person, sayTurn(of.id(), stage.scope))).letter('BudgetGate')).toBe('S');
  });

  test.each([
    ['max_open_scopes', (home: Id) => openScope(of.id(), home)],
    [
      'max_artifacts_per_scope',
      (home: Id, at: Id) => {
        return keepArtifact(of.id(), {trajectoryId: home, scopeId: at}, {content: of.id()});
      },
    ],
    [
      'max_notes_per_trajectory',
      (home: Id) => stage.keep(of.id(), {source_trajectory_ids: [home]}),
    ],
  ] as const)('%s at n − 1, n and n + 1', async (setting, make) => {
    const [home, at] = [of.id(), of.id()];
    await of.do(of.person, stage.begin(home));
    await of.do(of.person, openScope(at, home));
    const limit = 3;
    await of.set({[setting]: limit});
    const room = setting === 'max_open_scopes' ? limit - 1 : limit;
    for (let n = 0; n < room; n += 1) {
      expect((await of.do(of.person, make(home, at))).letter('BudgetGate')).toBe('P');
    }
    const ran = await of.try(of.person, make(home, at));
    denied(ran, 'BudgetGate', 'LIMIT_EXCEEDED');
    expect(ran.details).toMatchObject({setting, limit, value: limit + 1});
    await of.set({[setting]: 1_000});
    expect((await of.do(of.person, make(home, at))).code).toBeNull();
  });

  test('what ended makes room', async () => {
    const [home, first] = [of.id(), of.id()];
    await of.do(of.person, stage.begin(home));
    await of.do(of.person, openScope(first, home));
    await of.set({max_open_scopes: 1, max_notes_per_trajectory: 1});
    denied(await of.try(of.person, openScope(of.id(), home)), 'BudgetGate', 'LIMIT_EXCEEDED');
    await of.do(of.person, {type: 'scope.close', id: first} as Command);
    await of.do(of.person, openScope(of.id(), home));
    const kept = await stage.noted({source_trajectory_ids: [home]});
    const more = () => stage.keep(of.id(), {source_trajectory_ids: [home]});
    denied(await of.try(of.person, more()), 'BudgetGate', 'LIMIT_EXCEEDED');
    await of.do(of.person, {type: 'note.delete', id: kept} as Command);
    await of.do(of.person, more());
    await of.set({max_open_scopes: 10_000, max_notes_per_trajectory: 5_000});
  });

  test('units of one batch see each other’s use', async () => {
    const home = of.id();
    await of.do(of.person, stage.begin(home));
    await of.set({max_open_scopes: 1});
    const codes = await of.together(
      [of.person, openScope(of.id(), home)],
      [of.person, openScope(of.id(), home)],
    );
    expect(codes).toEqual([null, 'LIMIT_EXCEEDED']);
    await of.set({max_open_scopes: 10_000});
  });
});
