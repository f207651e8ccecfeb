/**
 * Use cases of saved states of scopes. One is the content of its `scope.checkpointed` event: the
 * event's id is its id, and it is readable while the scope retains it and is open.
 */
import {CellError} from '../../shared/errors.ts';
import type {Id} from '../../shared/ids.ts';
import {kindCode} from '../../shared/ledger/kinds.ts';
import type {Principal} from '../../shared/wire/resource.ts';
import {
  scope,
  scopeCheckpoint,
  scopeCheckpointsGet,
  scopeCheckpointsRestore,
  scopesListCheckpoints,
} from '../../shared/wire/scopes.ts';
import type {Actor} from '../domain/actor.ts';
import type {Scope} from '../domain/scope.ts';
import {selectEvent, selectEvents, selectPayload, type EventRow} from '../store/events.ts';
import type {Query} from '../store/store.ts';
import {leafOf} from './list.ts';
import {mutate} from './mutate.ts';
import {notFound} from './reads.ts';
import {seenBy} from './seen.ts';
import {serve, type Services, type Serving} from './services.ts';

const checkpointed = kindCode('scope.checkpointed');

/** Items of a scope that were current when the state was saved: what became of them since says nothing. */
const itemsIn = (entity: 'artifact' | 'note') => ({
  name: `${entity}_select_ids_at`,
  text: `select x.id from mem.${entity} n left join mem.past p on n.leaf > $3 and p.tenant_no = $1
      and p.entity = '${entity}' and p.id = n.id and p.leaf <= $3 and p.to_leaf > $3
    cross join lateral jsonb_populate_record(n, case when n.leaf <= $3 then '{}' else p.row end) x
    where n.tenant_no = $1 and n.scope_id = $2 and n.created_at <= $4 and (n.leaf <= $3 or p.row is not null)
      and x.scope_id = $2 and not x.is_deleted and not x.is_expired and x.superseded_by is null
      and (x.expires_at is null or x.expires_at > $4)
    order by x.created_at, x.id`,
});
const artifactsIn = itemsIn('artifact');
const notesIn = itemsIn('note');

async function idsIn(
  q: Query,
  statement: typeof artifactsIn,
  values: readonly unknown[],
): Promise<Id[]> {
  return (await q.rows<{id: Id}>(statement, values)).map(({id}) => id);
}

/** A saved state as callers see it; its text is null once it has ended. */
async function print(
  q: Query,
  actor: Actor,
  event: EventRow,
  {isActive, checkpoints}: Scope,
): Promise<Record<string, unknown>> {
  const scopeId = event.header.ent?.id ?? '';
  const parts = await selectPayload(q, actor.tenantNo, event.leaf);
  // It has ended at the event that ended it, also where nobody has destroyed it yet.
  const isKept = isActive && checkpoints.some(({leaf}) => leaf === event.leaf);
  const content = isKept ? (parts?.content ?? null) : null;
  const {data} = JSON.parse(parts?.data ?? '{"data":{}}') as {data: {recoverable?: boolean}};
  const values = [actor.tenantNo, scopeId, event.leaf, event.at];
  const row = {
    id: event.id,
    version: 1,
    createdAt: event.at,
    updatedAt: event.at,
    createdBy: principalIn(event),
    state: {
      scopeId,
      position: event.leaf,
      contextState:
        content === null ? null : (JSON.parse(content) as {context_state: string}).context_state,
      recoverable: data.recoverable ?? true,
      artifactIds: await idsIn(q, artifactsIn, values),
      noteIds: await idsIn(q, notesIn, values),
      metadata: {},
    },
  };
  return scopeCheckpoint.print(row, actor.tenantId);
}

function principalIn({header}: EventRow): Principal {
  const [kind = '', id = ''] = header.actor.by.split(/:(.*)/s);
  const kinds = {api_key: 'api_key', member: 'user'} as const;
  return {
    kind: kinds[kind as keyof typeof kinds] ?? 'system',
    id,
    agent_id: header.actor.agent,
    on_behalf_of: null,
  };
}

const defaultLimit = 50;

export const scopeCheckpointUseCases = (services: Services): Serving[] => {
  const {reads, store} = services;

  async function find(q: Query, actor: Actor, id: Id, leaf: number | null): Promise<EventRow> {
    const event = await selectEvent(q, actor.tenantNo, id);
    const isThere = event?.kind === checkpointed && (leaf === null || event.leaf <= leaf);
    if (event === null || !isThere) throw notFound('scope_checkpoint');
    return event;
  }

  const scopeOf = async (actor: Actor, id: string): Promise<Scope> =>
    (await reads.live<Scope>(actor.tenantNo, 'scope', id)).state;

  return [
    serve(scopesListCheckpoints, async ({actor, input}) => {
      const id = await reads.resolve(actor.tenantNo, 'scope', input.scopeId);
      const leaf = await leafOf(services, actor.tenantNo, input);
      const limit = input.limit ?? defaultLimit;
      const before = leaf === null ? undefined : leaf + 1;
      const within = await scopeOf(actor, id);
      const filter = {kinds: [checkpointed], entityIds: [id], isDescending: true, before};
      return store.read(actor.tenantNo, async (q) => {
        const all = await selectEvents(q, actor.tenantNo, {...filter, limit: limit + 1});
        const shown = [];
        for (const event of all.slice(0, limit)) shown.push(await print(q, actor, event, within));
        const body = {
          scope_checkpoints: shown,
          total: all.length,
          total_is_capped: all.length > limit,
          next_cursor: null,
        };
        return {body};
      });
    }),
    serve(scopeCheckpointsGet, async ({actor, input}) => {
      const leaf = await leafOf(services, actor.tenantNo, input);
      const {scopeCheckpointId: id} = input;
      const event = await store.read(actor.tenantNo, (q) => find(q, actor, id, leaf));
      const within = await scopeOf(actor, event.header.ent?.id ?? '');
      const body = await store.read(actor.tenantNo, (q) => print(q, actor, event, within));
      return {body, version: 1};
    }),
    serve(scopeCheckpointsRestore, async ({actor, input, call}) => {
      const {tenantNo} = actor;
      const [event, content] = await store.read(tenantNo, async (q) => {
        const found = await find(q, actor, input.scopeCheckpointId, null);
        return [found, (await selectPayload(q, tenantNo, found.leaf))?.content ?? null] as const;
      });
      if (content === null) {
        const details = {content_state: 'released', event_id: event.id};
        throw new CellError('CONTENT_GONE', 'scope_checkpoint: the saved state has ended', {
          details,
        });
      }
      const scopeId = event.header.ent?.id ?? '';
      const {state} = await reads.live<Scope>(tenantNo, 'scope', scopeId);
      const {purpose, trajectoryId, tokenBudget, subject, metadata} = state;
      const id = services.newId<'scope'>();
      const command = {
        type: 'scope.restore',
        id,
        from: {scopeId, leaf: event.leaf},
        contextState: (JSON.parse(content) as {context_state: string}).context_state,
        draft: {
          externalId: null,
          name: input.name ?? state.name,
          parentScopeId: null,
          purpose,
          trajectoryId,
          tokenBudget,
          subject,
          metadata,
        },
      } as const;
      const shown = {resource: scope, entity: 'scope', id, status: 201} as const;
      return mutate(services, {actor, call}, [command], {
        ...shown,
        print: seenBy(services, actor).scope,
      });
    }),
  ];
};
