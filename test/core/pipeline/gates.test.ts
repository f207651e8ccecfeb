/**
 * Gates 1 to 8 through real lanes: pass, skip, warn and deny of each, and one denying example each of
 * `03-pipeline` §3. Gate 9 is in `budgets`, 10 in `contradictions`, 11 in `alignment`.
 */
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {loadLedger} from '../../../core/ledger/head.ts';
import type {Command} from '../../../core/domain/aggregate.ts';
import {systemCall} from '../../../core/api/bootstrap.ts';
import type {Id} from '../../../shared/ids.ts';
import {openBench, tenancy, type Tenancy} from '../../support/bench.ts';
import {keepNote, openScope, sayTurn} from '../../support/memory-commands.ts';
import {
  denied,
  lockOn,
  regionDraft,
  setStage,
  type Stage,
  unrecorded,
  update,
} from '../../support/stage.ts';
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

describe('1 SchemaGate', () => {
  test('a lone surrogate is refused before anything is looked up', async () => {
    const before = await of.size();
    // What a contract would have refused: this holds for every surface.
    const command = {...stage.keep(of.id()), id: of.id()} as {draft?: object} & Command;
    unrecorded(
      await of.try(of.person, {...command, draft: {...command.draft, title: '\ud800'}} as Command),
      'INVALID_FORMAT',
    );
    expect(await of.size()).toBe(before);
  });
  test('passes what can be written', async () => {
    expect((await of.do(of.person, stage.keep(of.id()))).letter('SchemaGate')).toBe('P');
  });
});

describe('2 TenantGate', () => {
  test('an archived tenant takes no write', async () => {
    const gone = await tenancy(app);
    const agent = await gone.agent();
    await gone.do(gone.system, {
      type: 'tenant.archive',
      id: gone.of.tenantId,
      reason: null,
    } as Command);
    const ran = await gone.try(gone.person, keepNote(gone.id(), {agent_id: agent}));
    unrecorded(ran, 'FORBIDDEN');
    expect(ran.details).toMatchObject({reason: 'archived'});
  });
  test('a halted ledger takes none either', async () => {
    const other = await tenancy(app);
    const agent = await other.agent();
    const {services} = app.app;
    const {memory} = services.laneOf(other.of.tenantNo);
    const ledger = await loadLedger(
      services.store,
      memory,
      services.tools.hashes,
      other.of.tenantNo,
    );
    ledger.isHalted = true;
    unrecorded(
      await other.try(other.person, keepNote(other.id(), {agent_id: agent})),
      'LEDGER_HALTED',
    );
  });
});

describe('3 PermissionGate', () => {
  test('skips jobs, and passes an agent on its own', async () => {
    expect(
      (await of.do(of.system, update(await stage.noted(), {title: 'x'}))).letter('PermissionGate'),
    ).toBe('S');
    expect((await of.do(of.bound(ana), stage.keep(of.id()))).letter('PermissionGate')).toBe('P');
  });
  test('a key revoked one leaf earlier in the same batch', async () => {
    const id = of.id();
    const draft = {
      name: `key ${id}`,
      scopes: [],
      agentId: null,
      sourceCeiling: 'user',
      expiresAt: null,
      metadata: {},
      keyPrefix: 'cst_12345678',
      keyHash: 'ab'.repeat(32),
    };
    await of.do(of.system, {type: 'api_key.create', id, draft} as Command);
    const holder = {...of.person, by: `api_key:${id}`, keyId: id};
    expect((await of.do(holder, stage.keep(of.id()))).letter('PermissionGate')).toBe('P');
    const codes = await of.together(
      [of.person, {type: 'api_key.revoke', id, reason: null} as Command],
      [holder, stage.keep(of.id())],
    );
    expect(codes).toEqual([null, 'FORBIDDEN']);
    denied(await of.try(holder, stage.keep(of.id())), 'PermissionGate', 'FORBIDDEN');
  });
  test('a killed agent writes nothing', async () => {
    const agent = await of.agent();
    await of.do(of.person, {type: 'agent.kill', id: agent, reason: null} as Command);
    denied(
      await of.try(of.bound(agent), stage.keep(of.id(), {agent_id: agent})),
      'PermissionGate',
      'STATE_CONFLICT',
    );
  });
  test('an agent does not write what is another’s', async () => {
    denied(
      await of.try(of.bound(ben), update(await stage.noted(), {title: 'x'})),
      'PermissionGate',
      'FORBIDDEN',
    );
    denied(
      await of.try(of.bound(ben), sayTurn(of.id(), stage.scope)),
      'PermissionGate',
      'FORBIDDEN',
    );
    denied(
      await of.try(of.bound(ben), {
        type: 'trajectory.suspend',
        id: stage.task,
        reason: null,
      } as Command),
      'PermissionGate',
      'FORBIDDEN',
    );
    denied(
      await of.try(of.bound(ben), {type: 'scope.close', id: stage.scope} as Command),
      'PermissionGate',
      'FORBIDDEN',
    );
  });
  test('what is hidden from an agent is not there: the same answer, and no event', async () => {
    const blind = await of.agent({
      memoryAccess: {read: [{memory_type: 'all', scope: 'own', filter: null}], write: []},
    });
    const id = await stage.noted();
    const hidden = await of.try(of.bound(blind), update(id, {title: 'x'}));
    const missing = await of.try(of.bound(blind), update(of.id(), {title: 'x'}));
    unrecorded(hidden, 'NOTE_NOT_FOUND');
    expect(hidden).toEqual({...missing, letter: hidden.letter});
    const citing = stage.keep(of.id(), {agent_id: blind, source_note_ids: [id]});
    const wide = await of.agent({
      memoryAccess: {
        read: [{memory_type: 'all', scope: 'own', filter: null}],
        write: [{memory_type: 'all', scope: 'global', filter: null}],
      },
    });
    const cited = await of.try(of.bound(wide), citing);
    const invented = await of.try(
      of.bound(wide),
      stage.keep(of.id(), {source_note_ids: [of.id()]}),
    );
    unrecorded(cited, 'NOTE_NOT_FOUND');
    expect(cited.details).toEqual({field: 'source_note_ids'});
    expect(cited).toEqual({...invented, letter: cited.letter});
  });
  test('only the holder of a lock ends it, or who administers', async () => {
    const id = of.id();
    await of.do(of.bound(ana), lockOn(id, ana, 'custom', 'door'));
    const release = {type: 'lock.release', id, by: ben, isAdmin: false} as Command;
    denied(await of.try(of.bound(ben), release), 'PermissionGate', 'FORBIDDEN');
    denied(
      await of.try(of.bound(ben), lockOn(of.id(), ana, 'custom', 'x')),
      'PermissionGate',
      'FORBIDDEN',
    );
    await of.do(of.person, {...release, isAdmin: true} as Command);
  });
});

describe('4 IdempotencyGate', () => {
  test('skips where nothing must be one, passes a free name, refuses a taken one', async () => {
    expect((await of.do(of.person, sayTurn(of.id(), stage.scope))).letter('IdempotencyGate')).toBe(
      'S',
    );
    const first = await of.do(of.person, stage.keep(of.id(), {external_id: 'mine'}));
    expect(first.letter('IdempotencyGate')).toBe('P');
    denied(
      await of.try(of.person, stage.keep(of.id(), {external_id: 'mine'})),
      'IdempotencyGate',
      'ENTITY_ALREADY_EXISTS',
    );
  });
  test('a known key with another body', async () => {
    const call = {idempotencyKey: 'once', requestHash: 'aa'.repeat(32)};
    await of.do(of.person, stage.keep(of.id()), call);
    expect(await of.do(of.person, stage.keep(of.id()), call)).toMatchObject({kinds: []});
    const other = {...call, requestHash: 'bb'.repeat(32)};
    denied(
      await of.try(of.person, stage.keep(of.id()), other),
      'IdempotencyGate',
      'IDEMPOTENCY_CONFLICT',
    );
  });
});

describe('5 ReferenceGate', () => {
  test('passes what is there, and does not find what is not', async () => {
    expect((await of.do(of.person, stage.keep(of.id()))).letter('ReferenceGate')).toBe('P');
    unrecorded(
      await of.try(of.person, stage.keep(of.id(), {agent_id: of.id()})),
      'AGENT_NOT_FOUND',
    );
    unrecorded(await of.try(of.person, sayTurn(of.id(), of.id())), 'SCOPE_NOT_FOUND');
  });
  test('skips what names nothing', async () => {
    const draft = {name: 'n', domain: null, oidcOrganization: null, metadata: {}};
    const key = {type: 'tenant.update', id: of.of.tenantId, set: draft} as Command;
    expect((await of.do(of.system, key)).letter('ReferenceGate')).toBe('P');
    const region = {...regionDraft(of.id(), ana), ownerAgentId: ana};
    expect(
      (
        await of.do(of.person, {type: 'region.create', id: of.id(), draft: region} as Command)
      ).letter('ReferenceGate'),
    ).toBe('P');
    const opened = {
      type: 'api_key.create',
      id: of.id(),
      draft: {
        name: of.id(),
        scopes: [],
        agentId: null,
        sourceCeiling: 'user',
        expiresAt: null,
        metadata: {},
        keyPrefix: 'cst_12345678',
        keyHash: 'cd'.repeat(32),
      },
    };
    expect((await of.do(of.system, opened as Command)).letter('ReferenceGate')).toBe('S');
  });
  test('a summary that cites its own descendant', async () => {
    const raw = await stage.noted();
    const principle = await stage.noted({abstraction_level: 'Principle', source_note_ids: [raw]});
    const summary = stage.keep(of.id(), {
      abstraction_level: 'Summary',
      source_note_ids: [principle],
    });
    const ran = await of.try(of.person, summary);
    expect(ran).toMatchObject({
      code: 'GATE_REFUSED',
      kinds: ['mutation.denied'],
      details: {reason: 'level'},
    });
  });
});

describe('6 LifecycleGate', () => {
  test('warns of a budget that is passed, and refuses a turn for a closed scope', async () => {
    const small = of.id();
    await of.do(of.person, openScope(small, stage.task, {token_budget: 1}));
    const ran = await of.do(of.person, sayTurn(of.id(), small, {content: 'more than one token'}));
    expect(ran).toMatchObject({warnings: ['budget_exceeded']});
    expect(ran.letter('LifecycleGate')).toBe('W');
    await of.do(of.person, {type: 'scope.close', id: small} as Command);
    denied(await of.try(of.person, sayTurn(of.id(), small)), 'LifecycleGate', 'STATE_CONFLICT');
  });
});

describe('7 VersionGate', () => {
  test('skips without a version, passes the right one, refuses another', async () => {
    const id = await stage.noted();
    expect((await of.do(of.person, update(id, {title: 'a'}))).letter('VersionGate')).toBe('S');
    expect(
      (await of.do(of.person, update(id, {title: 'b'}), {ifMatch: [2]})).letter('VersionGate'),
    ).toBe('P');
    const stale = await of.try(of.person, update(id, {title: 'c'}), {ifMatch: [2]});
    denied(stale, 'VersionGate', 'PRECONDITION_FAILED');
    expect(stale.details).toMatchObject({current_version: 3});
  });
  test('a summariser that read note version 4 after version 5 was committed', async () => {
    const id = await stage.noted();
    for (let n = 2; n <= 5; n += 1) await of.do(of.person, update(id, {title: `v${n}`}));
    const summary = stage.keep(of.id(), {abstraction_level: 'Summary', source_note_ids: [id]});
    const {pipeline} = app.app.services;
    await expect(
      pipeline.run(of.system, systemCall, [summary], {expects: [['note', id, 4]]}),
    ).rejects.toMatchObject({code: 'CONCURRENT_MODIFICATION', details: {want: 4, found: 5}});
    await pipeline.run(of.system, systemCall, [summary], {expects: [['note', id, 5]]});
  });
  test('a tenant may demand a version of every change', async () => {
    const id = await stage.noted();
    await of.set({require_if_match: true});
    denied(
      await of.try(of.person, update(id, {title: 'x'})),
      'VersionGate',
      'PRECONDITION_REQUIRED',
    );
    await of.do(of.person, update(id, {title: 'x'}), {ifMatch: 'any'});
    await of.set({require_if_match: false});
  });
});

describe('8 LockGate', () => {
  test('skips, passes, and refuses the holder whose lease ran out and passed on', async () => {
    const [id, first, second] = [await stage.noted(), of.id(), of.id()];
    expect((await of.do(of.bound(ana), update(id, {title: 'a'}))).letter('LockGate')).toBe('S');
    await of.do(of.bound(ana), lockOn(first, ana, 'note', id, 1));
    const {fencingToken: token, expiresAt} = await of.state<{
      fencingToken: number;
      expiresAt: number;
    }>('lock', first);
    while (app.app.services.now() <= expiresAt) await new Promise(setImmediate);
    await of.do(of.bound(ben), lockOn(second, ben, 'note', id));
    const newest = (await of.state<{fencingToken: number}>('lock', second)).fencingToken;
    const ran = await of.try(of.bound(ana), update(id, {title: 'b'}), {
      fencing: {lockId: first, token},
    });
    denied(ran, 'LockGate', 'LOCK_EXPIRED');
    expect(ran.why['LockGate']).toMatchObject({lock: first, token, last: newest});
    denied(await of.try(of.bound(ana), update(id, {title: 'b'})), 'LockGate', 'LOCK_CONFLICT');
  });
});
