/**
 * Memory items as a reader gets them: what their containers decide is looked up and filled in.
 *
 * Closing a scope or ending a trajectory writes nothing to what is inside; whether a content is still
 * shown, and whether a turn was rewound, is read off the container as of the same moment.
 *
 * A read of the past shows what still exists: content that has ended since is absent from the event on
 * that ended it, and says so. Only a deletion hides nothing from before it until it is destroyed.
 */
import type {Id, Micros} from '../../shared/ids.ts';
import {artifact} from '../../shared/wire/artifacts.ts';
import {note} from '../../shared/wire/notes.ts';
import {scope} from '../../shared/wire/scopes.ts';
import {turn} from '../../shared/wire/turns.ts';
import type {Actor} from '../domain/actor.ts';
import type {Artifact} from '../domain/artifact.ts';
import type {Row} from '../domain/aggregate.ts';
import {contentStateOf} from '../domain/kept-item.ts';
import {asSeen, type ContentState} from '../domain/memory-item.ts';
import type {Note} from '../domain/note.ts';
import {isRewound} from '../domain/rewind.ts';
import type {Scope} from '../domain/scope.ts';
import {turnContentState, type Turn} from '../domain/turn.ts';
import type {Trajectory} from '../domain/trajectory.ts';
import {timeAt} from '../store/list.ts';
import {nowOf} from './list.ts';
import type {Services} from './services.ts';

export type Printed = Record<string, unknown>;
type Print = (row: Row<unknown>) => Promise<Printed>;

/** Printers of memory items for one caller, as of a leaf or now. */
export type Seen = {
  readonly turn: Print;
  readonly artifact: Print;
  readonly note: Print;
  readonly scope: Print;
};

/** Makes the printers; containers are read once for all rows of an answer. */
export function seenBy(services: Services, actor: Actor, asOfLeaf: number | null = null): Seen {
  const {reads} = services;
  const {tenantNo, tenantId} = actor;
  const then = momentIn(services, actor, asOfLeaf);
  const now = asOfLeaf === null ? then : momentIn(services, actor, null);

  async function kept(row: Row<Artifact | Note>, {container, at}: Moment): Promise<ContentState> {
    const {ttl, expiresWith} = row.state;
    const holder = await container<Scope>('scope', ttl === 'scope' ? expiresWith : null);
    const session = await container<Trajectory>(
      'trajectory',
      ttl === 'session' ? expiresWith : null,
    );
    return contentStateOf(row.state, holder, session, await at());
  }

  async function ofTurn({state}: Row<Turn>, {container}: Moment): Promise<ContentState> {
    const within = await container<Scope>('scope', state.scopeId);
    return within === null ? 'released' : turnContentState(within);
  }

  /** What is left of an item's content, as of the moment asked about and by what became of it since. */
  async function left<S extends {readonly content: string | null}>(
    entity: string,
    row: Row<S>,
    stateIn: (row: Row<S>, moment: Moment) => Promise<ContentState>,
  ): Promise<ContentState> {
    const before = await stateIn(row, then);
    if (before !== 'present') return before;
    const newest = asOfLeaf === null ? null : await reads.row<S>(tenantNo, entity, row.id);
    if (newest !== null) {
      const since = await stateIn({...newest, state: {...newest.state, isDeleted: false}}, now);
      if (since !== 'present') return since;
    }
    // What nothing else has ended was deleted, by itself or with its trajectory, and destroyed.
    return row.state.content === null ? 'deleted' : 'present';
  }

  return {
    async turn(row) {
      const {state} = row as Row<Turn>;
      const within = await then.container<Scope>('scope', state.scopeId);
      const contentState = await left('turn', row as Row<Turn>, ofTurn);
      const superseded = within !== null && isRewound(within, state.sequence);
      return turn.print({...row, state: {...asSeen(state, {contentState}), superseded}}, tenantId);
    },
    async artifact(row) {
      const {state} = row as Row<Artifact>;
      const contentState = await left('artifact', row as Row<Artifact>, kept);
      return artifact.print({...row, state: asSeen(state, {contentState})}, tenantId);
    },
    async note(row) {
      const {state} = row as Row<Note>;
      const contentState = await left('note', row as Row<Note>, kept);
      const seen = {...asSeen(state, {contentState}), accessedAt: null, accessCount: 0};
      return note.print({...row, state: seen}, tenantId);
    },
    async scope(row) {
      const {state, id} = row as Row<Scope>;
      const newest =
        asOfLeaf === null ? state : (await reads.row<Scope>(tenantNo, 'scope', id))?.state;
      const checkpoint = await latestCheckpoint(services, actor, state, newest ?? state);
      const tokensUsed =
        asOfLeaf === null ? state.tokensUsed : await tokensAt(services, actor, id, state, asOfLeaf);
      return scope.print({...row, state: {...state, tokensUsed, checkpoint}}, tenantId);
    },
  };
}

/** What one moment says of containers; each is read once. */
type Moment = {
  container<S>(entity: 'scope' | 'trajectory', id: Id | null): Promise<S | null>;
  at(): Promise<Micros>;
};

function momentIn(services: Services, {tenantNo}: Actor, leaf: number | null): Moment {
  const {reads, store} = services;
  const known = new Map<string, Promise<Row<unknown> | null>>();
  let time: Promise<Micros> | null = null;
  const read = (entity: string, id: Id): Promise<Row<unknown> | null> =>
    leaf === null ? reads.row(tenantNo, entity, id) : reads.at(tenantNo, entity, id, leaf);
  const ask = async (): Promise<Micros> =>
    (leaf === null ? null : await store.read(tenantNo, (q) => timeAt(q, tenantNo, leaf))) ??
    nowOf(services, tenantNo);
  return {
    async container<S>(entity: 'scope' | 'trajectory', id: Id | null): Promise<S | null> {
      if (id === null) return null;
      const row = known.get(id) ?? read(entity, id);
      known.set(id, row);
      return ((await row)?.state ?? null) as S | null;
    },
    at: () => (time ??= ask()),
  };
}

const tokensOf = {
  name: 'turn_sum_tokens_at',
  text: `select coalesce(sum(x.token_count), 0)::bigint as tokens from mem.turn x
    where x.tenant_no = $1 and x.scope_id = $2 and x.leaf <= $3
      and not exists (select 1 from jsonb_array_elements($4::jsonb) r
        where x.sequence between (r ->> 0)::bigint and (r ->> 1)::bigint)`,
};

/** A stored version counts what came into it later, or until some batch: the turns are counted anew. */
async function tokensAt(
  {store}: Services,
  {tenantNo}: Actor,
  id: Id,
  {rewound}: Scope,
  leaf: number,
): Promise<number> {
  const [found] = await store.read(tenantNo, (q) =>
    q.rows<{tokens: number}>(tokensOf, [tenantNo, id, leaf, JSON.stringify(rewound)]),
  );
  return found?.tokens ?? 0;
}

const contentAt = {
  name: 'payload_select_content',
  text: 'select p.content from ledger.payload p where p.tenant_no = $1 and p.leaf = $2',
};

/** The latest saved state of a scope; its text is null once the scope has closed or let go of it. */
async function latestCheckpoint({store}: Services, {tenantNo}: Actor, state: Scope, newest: Scope) {
  const last = state.checkpoints.at(-1);
  if (last === undefined) return null;
  const isKept = newest.isActive && newest.checkpoints.some(({leaf}) => leaf === last.leaf);
  const [found] = isKept
    ? await store.read(tenantNo, (q) =>
        q.rows<{content: string | null}>(contentAt, [tenantNo, last.leaf]),
      )
    : [];
  const content = found?.content ?? null;
  const saved = content === null ? null : (JSON.parse(content) as {context_state: string});
  return {context_state: saved?.context_state ?? null, recoverable: last.recoverable};
}
