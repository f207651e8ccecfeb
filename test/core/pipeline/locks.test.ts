/** Gate 8 and leases through real lanes: who holds what when two come at once, and what it costs. */
import {afterAll, beforeAll, describe, expect, test, vi} from 'vitest';
import type {Command} from '../../../core/domain/aggregate.ts';
import type {Lock} from '../../../core/domain/lock.ts';
import type {Tenant} from '../../../core/domain/tenant.ts';
import type {Id} from '../../../shared/ids.ts';
import {openBench, tenancy, type Tenancy} from '../../support/bench.ts';
import {beginTrajectory, keepNote, openScope, sayTurn} from '../../support/memory-commands.ts';
import type {TestApp} from '../../support/test-app.ts';

let app: TestApp;
let of: Tenancy;
let ana: Id;
let ben: Id;

beforeAll(async () => {
  app = await openBench();
  of = await tenancy(app);
  [ana, ben] = [await of.agent(), await of.agent()];
});
afterAll(() => app.close());

const acquire = (holder: Id, type: string, id: string, timeoutMs = 60_000): Command & {id: Id} =>
  ({
    type: 'lock.acquire',
    id: of.id(),
    draft: {
      resourceType: type,
      resourceId: id,
      holderAgentId: holder,
      mode: 'exclusive',
      timeoutMs,
      metadata: {},
    },
  }) as Command & {id: Id};

const release = (id: Id): Command =>
  ({type: 'lock.release', id, by: null, isAdmin: true}) as Command;

async function note(owner = ana): Promise<Id> {
  const id = of.id();
  await of.do(of.person, keepNote(id, {agent_id: owner, content: id}));
  return id;
}
const rename = (id: Id): Command =>
  ({type: 'note.update', id, set: {title: 'renamed'}, writer: {ceiling: 'user'}}) as Command;

const tokenOf = async (id: Id) => (await of.state<Lock>('lock', id)).fencingToken;
const showing = async (lockId: Id) => ({fencing: {lockId, token: await tokenOf(lockId)}});

/** Waits for the lane's clock to pass the end of a lease. */
async function over(id: Id): Promise<void> {
  const {expiresAt} = await of.state<Lock>('lock', id);
  while (app.app.services.now() <= expiresAt) await new Promise(setImmediate);
}

describe('a locked resource', () => {
  test('takes writes that show its token, and no others, not even the holder’s own', async () => {
    const id = await note();
    const lock = acquire(ana, 'note', id);
    await of.do(of.person, lock);
    const bare = await of.try(of.bound(ana), rename(id));
    expect(bare).toMatchObject({code: 'LOCK_CONFLICT', kinds: ['mutation.denied']});
    expect(bare.letter('LockGate')).toBe('D');
    expect(bare.details).toMatchObject({lock: lock.id, mode: 'exclusive'});
    const shown = await of.do(of.bound(ana), rename(id), await showing(lock.id));
    expect(shown.letter('LockGate')).toBe('P');
    await of.do(of.person, release(lock.id));
    expect((await of.do(of.bound(ana), rename(id))).letter('LockGate')).toBe('S');
  });

  test('is not written by another agent with the holder’s token', async () => {
    const id = await note(ben);
    const lock = acquire(ana, 'note', id);
    await of.do(of.person, lock);
    const stolen = await of.try(of.bound(ben), rename(id), await showing(lock.id));
    expect(stolen).toMatchObject({code: 'LOCK_CONFLICT', kinds: ['mutation.denied']});
    await of.do(of.person, release(lock.id));
  });

  test('C-4: a holder that slept is refused after the next one took over, and when there is none', async () => {
    const id = await note();
    const mine = acquire(ana, 'note', id, 1);
    await of.do(of.person, mine);
    const old = await showing(mine.id);
    await over(mine.id);
    const alone = await of.try(of.bound(ana), rename(id), old);
    expect(alone).toMatchObject({code: 'LOCK_EXPIRED', kinds: ['mutation.denied']});

    const next = acquire(ben, 'note', id);
    expect((await of.do(of.person, next)).kinds).toEqual(['lock.acquired', 'lock.expired']);
    const late = await of.try(of.bound(ana), rename(id), old);
    expect(late).toMatchObject({code: 'LOCK_EXPIRED', kinds: ['mutation.denied']});
    expect(late.why['LockGate']).toMatchObject({token: old.fencing.token, lock: mine.id});
    await of.do(of.person, release(next.id));
  });

  test('a token of a lock on something else is checked all the same', async () => {
    const [id, other] = [await note(), acquire(ana, 'custom', 'elsewhere')];
    await of.do(of.person, other);
    expect((await of.do(of.bound(ana), rename(id), await showing(other.id))).code).toBeNull();
    const wrong = {fencing: {lockId: other.id, token: 0}};
    expect((await of.try(of.bound(ana), rename(id), wrong)).code).toBe('LOCK_EXPIRED');
    const unknown = {fencing: {lockId: of.id(), token: 0}};
    expect((await of.try(of.bound(ana), rename(id), unknown)).code).toBe('LOCK_EXPIRED');
    await of.do(of.person, release(other.id));
  });

  test('is not written by what follows from another write', async () => {
    const task = of.id();
    const scopes = [of.id(), of.id(), of.id(), of.id(), of.id()];
    await of.do(
      of.person,
      [beginTrajectory(task), ...scopes.map((id) => openScope(id, task))].map((command) =>
        withAgent(command, ana),
      ),
    );
    const lock = acquire(ben, 'scope', scopes[3] ?? '');
    await of.do(of.person, lock);
    const end = {
      type: 'trajectory.end',
      id: task,
      outcome: {status: 'success', produced_artifacts: [], produced_notes: []},
    } as Command;
    expect(await of.try(of.person, end)).toMatchObject({code: 'LOCK_CONFLICT'});
    await of.do(of.person, release(lock.id));
    expect((await of.do(of.person, end)).kinds).toHaveLength(6);
  });

  test('stands in the way of a job no more than time does', async () => {
    const id = await note();
    const lock = acquire(ben, 'note', id);
    await of.do(of.person, lock);
    expect((await of.do(of.system, rename(id))).letter('LockGate')).toBe('S');
    await of.do(of.person, release(lock.id));
  });
});

/** Commands of `memory-commands` act for an agent that this tenant does not have. */
const withAgent = (command: Command, agentId: Id): Command => {
  const {draft} = command as {draft?: object};
  return draft !== undefined && 'agentId' in draft
    ? ({...command, draft: {...draft, agentId}} as Command)
    : command;
};

describe('units of one batch see each other', () => {
  test('a grant and the write it forbids', async () => {
    const id = await note();
    const lock = acquire(ben, 'note', id);
    const writer = of.bound(ana);
    const grant = of.together([of.person, lock], [writer, rename(id)]);
    expect(await grant).toEqual([null, 'LOCK_CONFLICT']);
    const end = of.together([of.person, release(lock.id)], [writer, rename(id)]);
    expect(await end).toEqual([null, null]);
  });

  test('C-5: ten agents acquire one resource at once, and one holds it', async () => {
    const agents = await Promise.all(Array.from({length: 10}, () => of.agent()));
    let last = -1;
    for (let round = 0; round < 10; round += 1) {
      const before = await of.size();
      const tried = await Promise.all(
        agents.map((agent) => of.try(of.bound(agent), acquire(agent, 'custom', 'deploy'))),
      );
      const won = tried.filter(({code}) => code === null);
      const lost = tried.filter(({code}) => code === 'LOCK_CONFLICT');
      expect([won.length, lost.length]).toEqual([1, 9]);
      // Meeting a holder is normal use: nothing of it is in the ledger.
      expect(lost.every(({receipt}) => receipt === null)).toBe(true);
      expect(await of.size()).toBe(before + 1);
      const lockId = won[0]?.entities[0] ?? '';
      const token = await tokenOf(lockId);
      expect(token).toBeGreaterThan(last);
      last = token;
      await of.do(of.person, release(lockId));
    }
  });
});

describe('what it costs', () => {
  test('a turn asks the database nothing, and a hot change neither while nobody holds a lock', async () => {
    const [task, scope, turn] = [of.id(), of.id(), of.id()];
    const commands = [beginTrajectory(task), openScope(scope, task)];
    await of.do(
      of.person,
      commands.map((command) => withAgent(command, ana)),
    );
    const id = await note();
    const tenant = await of.state<Tenant>('tenant', of.of.tenantId);
    expect(tenant.heldLocks).toBe(0);

    const asked = vi.spyOn(app.app.services.store, 'assemble');
    await of.do(of.bound(ana), sayTurn(turn, scope));
    await of.do(of.bound(ana), rename(id));
    expect(asked).toHaveBeenCalledTimes(0);

    const lock = acquire(ana, 'custom', 'somewhere');
    await of.do(of.person, lock);
    asked.mockClear();
    await of.do(of.bound(ana), sayTurn(of.id(), scope));
    expect(asked).toHaveBeenCalledTimes(0);
    await of.do(of.bound(ana), rename(id));
    expect(asked).toHaveBeenCalledTimes(1);
    asked.mockRestore();
    await of.do(of.person, release(lock.id));
  });
});
