/**
 * The pipeline with nothing around it: commands go in as any agent, what became of them comes out
 * with its letters. Real lanes over an embedded database.
 */
import type {Actor, Call} from '../../core/domain/actor.ts';
import type {Command} from '../../core/domain/aggregate.ts';
import {systemCall} from '../../core/api/bootstrap.ts';
import {assemble} from '../../core/pipeline/assemble.ts';
import type {Wish} from '../../core/pipeline/unit-run.ts';
import {CellError, type ErrorCode} from '../../shared/errors.ts';
import type {Id} from '../../shared/ids.ts';
import {gateNames, type GateName} from '../../shared/ledger/gates.ts';
import {scopes} from '../../shared/wire/contract.ts';
import {openTestApp, type Caller, type TestApp} from './test-app.ts';

export type Attempt = {
  readonly code: ErrorCode | null;
  readonly details: Readonly<Record<string, unknown>>;
  readonly message: string;
  /** Kinds of the events that were written, a denial among them. */
  readonly kinds: readonly string[];
  readonly entities: readonly (Id | null)[];
  readonly warnings: readonly string[];
  /** Letters in the header of the first event; empty where nothing was written. */
  readonly letters: string;
  readonly why: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** The id of a recorded refusal. */
  readonly receipt: string | null;
  letter(gate: GateName): string;
};

export type Tenancy = {
  readonly of: Caller;
  readonly app: TestApp;
  /** Acts for no agent, with every scope. */
  readonly person: Actor;
  readonly system: Actor;
  /** A key bound to an agent. */
  bound(agent: Id): Actor;
  id(): Id;
  /** Registers an agent. */
  agent(more?: object): Promise<Id>;
  try(actor: Actor, commands: Command | readonly Command[], call?: Partial<Call>): Promise<Attempt>;
  /** A unit that must pass; answers it. */
  do(actor: Actor, commands: Command | readonly Command[], call?: Partial<Call>): Promise<Attempt>;
  /** Units that are submitted at once, in this order: one batch. Answers their codes, null for done. */
  together(
    ...units: readonly (readonly [Actor, Command])[]
  ): Promise<readonly (ErrorCode | null)[]>;
  set(settings: Readonly<Record<string, number | string | boolean>>): Promise<void>;
  state<S>(entity: string, id: Id): Promise<S>;
  size(): Promise<number>;
  facts(): Promise<readonly string[]>;
};

export const openBench = (): Promise<TestApp> => openTestApp();

type Stored = {readonly header: string; readonly facts: string};

/** A tenant of its own. */
export async function tenancy(app: TestApp): Promise<Tenancy> {
  const of = await app.tenant();
  const {services} = app.app;
  const actor = (by: string, agentId: Id | null, isBound: boolean): Actor => ({
    tenantNo: of.tenantNo,
    tenantId: of.tenantId,
    by,
    keyId: null,
    sourceCeiling: 'user',
    scopes: new Set(scopes.filter((scope) => scope !== 'operator')),
    agentId,
    isBound,
    onBehalfOf: null,
  });
  const id = (): Id => services.newId();
  const member = `member:${id()}`;
  const size = () => app.sizeOf(of);

  const stored = async (eventId: string): Promise<Stored> => {
    const [found] = await services.store.read(of.tenantNo, (q) =>
      q.rows<Stored>(
        {
          name: 'bench_event',
          text: 'select header, facts from ledger.event where tenant_no = $1 and event_id = $2',
        },
        [of.tenantNo, eventId],
      ),
    );
    if (found === undefined) throw new Error(`no event ${eventId}`);
    return found;
  };

  async function attempt(
    by: Actor,
    commands: Command | readonly Command[],
    call: Partial<Call> = {},
  ): Promise<Attempt> {
    const whole = {...systemCall, ...call};
    const seen = (letters: string) => ({
      letters,
      letter: (gate: GateName) => letters[gateNames.indexOf(gate)] ?? '',
    });
    try {
      const ran = await services.pipeline.run(by, whole, [commands].flat() as Command[]);
      const events = ran.is === 'same' ? [] : ran.events;
      const first = events[0] === undefined ? null : await stored(events[0].id);
      return {
        code: null,
        details: {},
        message: '',
        kinds: events.map(({kind}) => kind),
        entities: events.map(({entityId}) => entityId),
        warnings: ran.is === 'same' ? [] : ran.warnings.map(({code}) => code),
        why: first === null ? {} : JSON.parse(first.facts).why,
        receipt: null,
        ...seen(first === null ? '' : JSON.parse(first.header).gates.r),
      };
    } catch (error) {
      if (!(error instanceof CellError)) throw error;
      const denial = error.eventId === null ? null : await stored(error.eventId);
      return {
        code: error.code,
        details: error.details ?? {},
        message: error.message,
        kinds: denial === null ? [] : ['mutation.denied'],
        entities: [],
        warnings: [],
        why: denial === null ? {} : JSON.parse(denial.facts).why,
        receipt: error.eventId,
        ...seen(denial === null ? '' : JSON.parse(denial.header).gates.r),
      };
    }
  }

  const tenant: Tenancy = {
    of,
    app,
    person: actor(member, null, false),
    system: {...actor('system:bench', null, false), scopes: new Set()},
    bound: (agent) => actor(`member:${id()}`, agent, true),
    id,
    async agent(more = {}) {
      const made = id();
      const draft = {
        externalId: null,
        name: null,
        agentType: 'worker',
        capabilities: [],
        memoryAccess: {
          read: [{memory_type: 'all', scope: 'global', filter: null}],
          write: [{memory_type: 'all', scope: 'own', filter: null}],
        },
        team: null,
        currentTrajectoryId: null,
        currentScopeId: null,
        canDelegateTo: [],
        reportsTo: null,
        metadata: {},
        ...more,
      };
      const type = 'agent.register';
      await tenant.do(tenant.system, {type, id: made, draft, ownerPrincipalId: 'x'} as Command);
      return made;
    },
    try: attempt,
    async do(by, commands, call) {
      const ran = await attempt(by, commands, call);
      if (ran.code !== null) {
        throw new Error(`${ran.code} ${ran.message} ${JSON.stringify(ran.details)}`);
      }
      return ran;
    },
    async together(...units) {
      const lane = services.laneOf(of.tenantNo);
      const sources = {store: services.store, memoryOf: () => lane.memory};
      const wishes: Wish[] = [];
      for (const [by, command] of units) {
        const wish = {
          tenantNo: of.tenantNo,
          actor: by,
          call: systemCall,
          commands: [command],
          expects: [],
          isBackground: false,
          key: null,
        };
        wishes.push({...wish, snapshot: await assemble(sources, wish, [])});
      }
      const outcomes = await Promise.all(wishes.map((wish) => lane.submit(wish)));
      return outcomes.map((outcome) => (outcome.is === 'denied' ? outcome.refused.code : null));
    },
    async set(settings) {
      const command = {type: 'tenant.change_settings', id: of.tenantId, set: settings};
      await tenant.do(tenant.system, command);
    },
    async state<S>(entity: string, row: Id): Promise<S> {
      const found = await services.reads.row<S>(of.tenantNo, entity, row);
      if (found === null) throw new Error(`no ${entity} ${row}`);
      return found.state;
    },
    size,
    async facts() {
      const found = await services.store.read(of.tenantNo, (q) =>
        q.rows<{facts: string}>(
          {name: 'bench_facts', text: 'select facts from ledger.event where tenant_no = $1'},
          [of.tenantNo],
        ),
      );
      return found.map(({facts}) => facts);
    },
  };
  return tenant;
}
