/** The fold by itself: what is gone, what cannot be folded, what a container is told. */
import {describe, expect, test} from 'vitest';
import {createReplay, ReplayRefused, type ReplayEvent} from '../../../core/ledger/replay.ts';
import {kindCode, kindHex} from '../../../shared/ledger/kinds.ts';
import type {Header} from '../../../shared/ledger/header.ts';
import type {DataPart} from '../../../shared/ledger/payload.ts';

const id = '01a1f000-0000-7000-8000-000000000001';
const hex = 'ab'.repeat(32);

type Wish = {
  readonly kind: string;
  readonly version?: number | null;
  readonly data?: DataPart['data'] | null;
  readonly rdx?: number;
  readonly entity?: string;
};

function event(
  leaf: number,
  {data = {}, entity = id, kind, rdx = 1, version = 1}: Wish,
): ReplayEvent {
  const header: Header = {
    v: 1,
    log: 'cellstate.example/logs/x',
    id: '01a1f000-0000-7000-8000-00000000000e',
    at: 1_000 + leaf,
    kind: kindHex(kindCode(kind)),
    traj: null,
    dag: '0:0:0',
    prev: null,
    parents: [],
    corr: null,
    trace: null,
    actor: {agent: null, by: 'api_key:01a1f000-0000-7000-8000-0000000000bb'},
    ent: {id: entity, ver: version},
    grp: [0, 1],
    rdx,
    pay: {c: null, d: hex, s: null},
    gates: {v: 1, r: 'PPPSPPSSPSS', f: hex},
    idem: null,
  };
  return {leaf, header, content: null, data: data === null ? null : {data, on_behalf_of: 'ana'}};
}

const created = {name: 'a task', root_trajectory_id: id, depth: 0, track: 0, agent_id: null};

/** The current version of the one row. */
function only(replay: ReturnType<typeof createReplay>) {
  const [one] = replay.rows.values();
  if (one === undefined) throw new Error('there is a row');
  return one;
}

test('versions follow one another, and the one replaced comes out with where it ends', () => {
  const replay = createReplay();
  expect(replay.add(event(5, {kind: 'trajectory.created', data: created}))).toBeNull();
  const replaced = replay.add(
    event(9, {kind: 'trajectory.updated', version: 2, data: {name: 'renamed'}}),
  );
  expect(replaced).toMatchObject({
    entity: 'trajectory',
    toLeaf: 9,
    row: {version: 1, leaf: 5, state: {name: 'a task'}},
  });
  expect(only(replay).row).toMatchObject({
    version: 2,
    leaf: 9,
    createdAt: 1005,
    updatedAt: 1009,
    state: {name: 'renamed'},
  });
});

test('the author is the one of the first event, with whom it was done for', () => {
  const replay = createReplay();
  replay.add(event(0, {kind: 'trajectory.created', data: created}));
  expect(only(replay).row.createdBy).toEqual({
    kind: 'api_key',
    id: '01a1f000-0000-7000-8000-0000000000bb',
    agent_id: null,
    on_behalf_of: 'ana',
  });
});

test('denials, and kinds that are a version of nothing, change no row', () => {
  const replay = createReplay();
  replay.add(event(0, {kind: 'mutation.denied', version: null}));
  replay.add(event(1, {kind: 'custom.f00d', version: 1}));
  expect(replay.rows.size).toBe(0);
});

test('of what was erased only id, version, leaf and times are told, from then on', () => {
  const replay = createReplay();
  replay.add(event(0, {kind: 'trajectory.created', data: null}));
  replay.add(event(3, {kind: 'trajectory.updated', version: 2, data: {name: 'x'}}));
  expect(only(replay)).toMatchObject({
    isErased: true,
    row: {id, version: 2, leaf: 3, createdAt: 1000, updatedAt: 1003, state: {}},
  });
});

describe('a log that cannot be folded is refused at its leaf', () => {
  const refusal = (...events: readonly ReplayEvent[]): unknown => {
    const replay = createReplay();
    try {
      for (const one of events) replay.add(one);
    } catch (error) {
      return error;
    }
    return null;
  };

  test('a version that is skipped', () => {
    const error = refusal(
      event(0, {kind: 'trajectory.created', data: created}),
      event(7, {kind: 'trajectory.updated', version: 3}),
    );
    expect(error).toBeInstanceOf(ReplayRefused);
    expect(error).toMatchObject({leaf: 7, message: expect.stringContaining('version 3')});
  });

  test('an update of what was never made', () => {
    expect(refusal(event(4, {kind: 'agent.updated', version: 2}))).toMatchObject({leaf: 4});
  });

  test('a reducer that this version does not have', () => {
    expect(refusal(event(2, {kind: 'trajectory.created', rdx: 2}))).toMatchObject({
      leaf: 2,
      message: expect.stringContaining('reducer'),
    });
    expect(refusal(event(2, {kind: 'webhook.created'}))).toMatchObject({
      leaf: 2,
      message: expect.stringContaining('webhook'),
    });
  });
});
