/**
 * Memory items as a reader gets them: what their containers decide is looked up and filled in.
 *
 * Closing a scope or ending a trajectory writes nothing to what is inside; whether a content is still
 * shown, and whether a turn was rewound, is read off the container as of the same moment.
 */
import type {Id} from '../../shared/ids.ts';
import {artifact} from '../../shared/wire/artifacts.ts';
import {note} from '../../shared/wire/notes.ts';
import {scope} from '../../shared/wire/scopes.ts';
import {turn} from '../../shared/wire/turns.ts';
import type {Actor} from '../domain/actor.ts';
import type {Artifact} from '../domain/artifact.ts';
import type {Row} from '../domain/aggregate.ts';
import {contentStateOf} from '../domain/kept-item.ts';
import {asSeen} from '../domain/memory-item.ts';
import type {Note} from '../domain/note.ts';
import {isRewound} from '../domain/rewind.ts';
import type {Scope} from '../domain/scope.ts';
import {turnContentState, type Turn} from '../domain/turn.ts';
import type {Trajectory} from '../domain/trajectory.ts';
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
  const containers = new Map<string, Promise<Row<unknown> | null>>();

  async function container<S>(entity: 'scope' | 'trajectory', id: Id | null): Promise<S | null> {
    if (id === null) return null;
    const known = containers.get(id) ?? readContainer(entity, id);
    containers.set(id, known);
    return ((await known)?.state ?? null) as S | null;
  }

  const readContainer = (entity: string, id: Id): Promise<Row<unknown> | null> =>
    asOfLeaf === null ? reads.row(tenantNo, entity, id) : reads.at(tenantNo, entity, id, asOfLeaf);

  async function kept(row: Row<Artifact | Note>) {
    const {ttl, expiresWith} = row.state;
    const holder = await container<Scope>('scope', ttl === 'scope' ? expiresWith : null);
    const session = await container<Trajectory>(
      'trajectory',
      ttl === 'session' ? expiresWith : null,
    );
    return contentStateOf(row.state, holder, session, services.now());
  }

  return {
    async turn(row) {
      const {state} = row as Row<Turn>;
      const within = await container<Scope>('scope', state.scopeId);
      const contentState = within === null ? 'released' : turnContentState(within);
      const superseded = within !== null && isRewound(within, state.sequence);
      return turn.print({...row, state: {...asSeen(state, {contentState}), superseded}}, tenantId);
    },
    async artifact(row) {
      const {state} = row as Row<Artifact>;
      const contentState = await kept(row as Row<Artifact>);
      return artifact.print({...row, state: asSeen(state, {contentState})}, tenantId);
    },
    async note(row) {
      const {state} = row as Row<Note>;
      const contentState = await kept(row as Row<Note>);
      const seen = {...asSeen(state, {contentState}), accessedAt: null, accessCount: 0};
      return note.print({...row, state: seen}, tenantId);
    },
    async scope(row) {
      const {state} = row as Row<Scope>;
      const checkpoint = await latestCheckpoint(services, actor, state);
      return scope.print({...row, state: {...state, checkpoint}}, tenantId);
    },
  };
}

const contentAt = {
  name: 'payload_select_content',
  text: 'select p.content from ledger.payload p where p.tenant_no = $1 and p.leaf = $2',
};

/** The latest saved state of a scope; its text is null once the scope has closed. */
async function latestCheckpoint({store}: Services, {tenantNo}: Actor, state: Scope) {
  const last = state.checkpoints.at(-1);
  if (last === undefined) return null;
  const [found] = state.isActive
    ? await store.read(tenantNo, (q) =>
        q.rows<{content: string | null}>(contentAt, [tenantNo, last.leaf]),
      )
    : [];
  const content = found?.content ?? null;
  const saved = content === null ? null : (JSON.parse(content) as {context_state: string});
  return {context_state: saved?.context_state ?? null, recoverable: last.recoverable};
}
