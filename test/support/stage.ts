/** A tenant with two agents, a task and a scope of the first, and the commands that gate tests run. */
import {expect} from 'vitest';
import type {Command} from '../../core/domain/aggregate.ts';
import type {Id} from '../../shared/ids.ts';
import type {GateName} from '../../shared/ledger/gates.ts';
import {tenancy, type Attempt, type Tenancy} from './bench.ts';
import {beginTrajectory, keepNote, openScope} from './memory-commands.ts';
import type {TestApp} from './test-app.ts';

type Sent = Readonly<Record<string, unknown>>;

export type Stage = {
  readonly of: Tenancy;
  readonly ana: Id;
  readonly ben: Id;
  /** Ana's, with one open scope. */
  readonly task: Id;
  readonly scope: Id;
  /** Begins a trajectory of Ana's. */
  begin(id: Id, sent?: Sent): Command;
  /** Keeps a note of Ana's. */
  keep(id: Id, sent?: Sent): Command;
  /** Keeps one and answers its id. */
  noted(sent?: Sent): Promise<Id>;
};

export async function setStage(app: TestApp): Promise<Stage> {
  const of = await tenancy(app);
  const [ana, ben, task, scope] = [await of.agent(), await of.agent(), of.id(), of.id()];
  let written = 0;
  const begin = (id: Id, sent: Sent = {}): Command => {
    const command = beginTrajectory(id, sent) as Command & {readonly draft: object};
    const draft = {...command.draft, agentId: ana};
    return {...command, draft} as Command;
  };
  const keep = (id: Id, sent: Sent = {}): Command => {
    written += 1;
    return keepNote(id, {agent_id: ana, content: `note ${written}`, ...sent});
  };
  await of.do(of.person, begin(task));
  await of.do(of.person, openScope(scope, task));
  return {
    of,
    ana,
    ben,
    task,
    scope,
    begin,
    keep,
    async noted(sent) {
      const id = of.id();
      await of.do(of.person, keep(id, sent));
      return id;
    },
  };
}

export const update = (id: Id, set: object): Command =>
  ({type: 'note.update', id, set, writer: {ceiling: 'user'}}) as Command;

export const lockOn = (
  id: Id,
  holder: Id,
  type: string,
  resource: string,
  timeoutMs = 60_000,
): Command =>
  ({
    type: 'lock.acquire',
    id,
    draft: {
      resourceType: type,
      resourceId: resource,
      holderAgentId: holder,
      mode: 'exclusive',
      timeoutMs,
      metadata: {},
    },
  }) as Command;

export const regionDraft = (name: string, owner: Id) => ({
  name,
  regionType: 'private',
  ownerAgentId: owner,
  team: null,
  readers: [],
  writers: [],
  requireLock: false,
  versionTracking: false,
  conflictResolution: 'last_write_wins',
  metadata: {},
});

/** A refusal that is an event: its letters end with the gate's, and its reason stands in the facts. */
export function denied(ran: Attempt, gate: GateName, code: string): void {
  expect(ran).toMatchObject({code, kinds: ['mutation.denied'], details: {gate}});
  expect(ran.letter(gate)).toBe('D');
  expect(ran.letters).toMatch(/^[PSW]*DS*$/);
  expect(ran.why[gate]).toMatchObject({code});
}

export const unrecorded = (ran: Attempt, code: string): void => {
  expect(ran).toMatchObject({code, kinds: [], receipt: null});
};
