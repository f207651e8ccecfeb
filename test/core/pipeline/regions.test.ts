/** What gates make of items in regions, on views made by hand. */
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import type {Command, Row, View} from '../../../core/domain/aggregate.ts';
import {note as noteAggregate} from '../../../core/domain/note.ts';
import {contradictionGate} from '../../../core/pipeline/gates/contradiction-gate.ts';
import type {Unit} from '../../../core/pipeline/gates/gate.ts';
import {lockGate} from '../../../core/pipeline/gates/lock-gate.ts';
import {permissionGate} from '../../../core/pipeline/gates/permission-gate.ts';
import {versionGate} from '../../../core/pipeline/gates/version-gate.ts';
import type {Id} from '../../../shared/ids.ts';
import {defaultSettings} from '../../../shared/settings.ts';
import {openBench, type Tenancy} from '../../support/bench.ts';
import {regionDraft, setStage, type Stage} from '../../support/stage.ts';
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

/** A view of hand-made rows, for what no use case makes yet: items in regions. */
const viewOf = (
  rows: Readonly<Record<string, object>>,
  found: readonly Row<unknown>[] = [],
): View =>
  ({
    at: 1_000_000,
    tenantId: 'tenant',
    settings: defaultSettings,
    row: (entity: string, id: Id) => {
      const state = rows[`${entity}:${id}`];
      return state === undefined ? null : {id, version: 1, leaf: 1, state};
    },
    rows: (entity: string) => found.filter((row) => (row.state as {of?: string}).of === entity),
    leaves: () => [],
  }) as unknown as View;

const inRegion = (state: object, more: Partial<Unit> = {}): Unit =>
  ({
    actor: {...of.bound(ana)},
    call: {fencing: null, ifMatch: null},
    command: {type: 'note.update', id: 'mine', set: {title: 'x', content: 'y'}},
    aggregate: noteAggregate,
    target: {
      id: 'mine',
      version: 1,
      leaf: 9,
      state: {regionId: 'here', isDeleted: false, ...state},
    },
    isFollowUp: false,
    expects: [],
    events: [],
    after: null,
    ...more,
  }) as unknown as Unit;

describe('regions', () => {
  const region = (more: object) => ({
    'region:here': {
      ...regionDraft(of.id(), ben),
      isDeleted: false,
      ...more,
    },
    [`agent:${ana}`]: {memoryAccess: {read: [], write: []}, team: null, killedAt: null},
    'tenant:tenant': {heldLocks: 1},
  });

  test('a writer that is listed passes, and nobody else', () => {
    const unit = inRegion({});
    expect(permissionGate(unit, viewOf(region({writers: [ana]}))).is).toBe('pass');
    expect(permissionGate(unit, viewOf(region({readers: [ana]})))).toMatchObject({
      is: 'deny',
      code: 'FORBIDDEN',
      why: {via: 'region'},
    });
    expect(permissionGate(unit, viewOf(region({})))).toMatchObject({
      code: 'NOTE_NOT_FOUND',
      isUnrecorded: true,
    });
  });
  test('version tracking asks for a version', () => {
    const tracked = viewOf(region({versionTracking: true}));
    expect(versionGate(inRegion({}), tracked)).toMatchObject({code: 'PRECONDITION_REQUIRED'});
    const call = {fencing: null, ifMatch: [1]} as unknown as Unit['call'];
    expect(versionGate(inRegion({}, {call}), tracked).is).toBe('pass');
  });
  test('a region may be written under a lock only', () => {
    const guarded = region({requireLock: true});
    const lease = {
      of: 'lock',
      resource: 'region/here',
      mode: 'exclusive',
      status: 'held',
      fencingToken: 7,
      holderAgentId: ana,
      expiresAt: 2_000_000,
    };
    const row = {id: 'lease', version: 1, leaf: 7, state: lease} as unknown as Row<unknown>;
    expect(lockGate(inRegion({}), viewOf(guarded))).toMatchObject({
      code: 'GATE_REFUSED',
      why: {reason: 'lock_required'},
    });
    // The view answers every resource with the same lease: that of the target is left out by a create.
    const command = {
      type: 'note.create',
      id: 'mine',
      draft: {regionId: 'here'},
    } as unknown as Command;
    const making = {command, target: null};
    expect(lockGate(inRegion({}, making), viewOf(guarded, [row]))).toMatchObject({
      why: {reason: 'lock_required'},
    });
    const call = {fencing: {lockId: 'lease', token: 7}, ifMatch: null} as unknown as Unit['call'];
    const view = viewOf({...guarded, 'lock:lease': lease}, [row]);
    expect(lockGate(inRegion({}, {...making, call}), view).is).toBe('pass');
  });
  test('a second deploy.day claim in a first_write_wins region', () => {
    const claim = (id: string, value: string) => ({
      id,
      version: 3,
      leaf: 4,
      state: {
        of: 'note',
        regionId: 'here',
        claimKey: 'deploy.day',
        claimValue: value,
        recalled: false,
        validFrom: 0,
        validTo: null,
        supersededBy: null,
        isDeleted: false,
        isExpired: false,
        expiresAt: null,
        expiresWith: null,
        ttl: 'persistent',
        contentHash: value,
      },
    });
    const [first, second] = [claim('first', 'Monday'), claim('mine', 'Friday')];
    const rows = {...region({conflictResolution: 'first_write_wins'}), 'note:mine': second.state};
    expect(
      contradictionGate(inRegion({}), viewOf(rows, [first, second] as unknown as Row<unknown>[])),
    ).toMatchObject({
      is: 'deny',
      code: 'CONTRADICTION',
      why: {
        strategy: 'first_write_wins',
        items: [['first', 3]],
        item: {entity_type: 'note', id: 'first'},
      },
    });
  });
});
