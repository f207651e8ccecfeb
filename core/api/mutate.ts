/**
 * From what the pipeline did to what a caller is answered, once for every entity.
 *
 * A replay answers the entity as it was right after its event; a refusal that was recorded is
 * refused again with the same words.
 */
import {CellError, type ErrorCode, type ErrorDetails} from '../../shared/errors.ts';
import type {Id} from '../../shared/ids.ts';
import {toHex} from '../../shared/ledger/bytes.ts';
import {parseHeader} from '../../shared/ledger/header.ts';
import {kindName} from '../../shared/ledger/kinds.ts';
import type {Fields, Resource} from '../../shared/wire/resource.ts';
import type {Actor} from '../domain/actor.ts';
import type {Command, Row} from '../domain/aggregate.ts';
import type {Ran, RunOptions} from '../pipeline/run.ts';
import {linksOf} from './links.ts';
import {freshReceipt, storedReceipt} from './receipt.ts';
import type {Answer, Request, Services} from './services.ts';

type Shown<F extends Fields> = {
  readonly resource: Resource<F>;
  readonly entity: string;
  readonly id: Id;
  readonly status?: 200 | 201 | 204;
  /** The entity is the one of the first event, which may be another that was there: that is 200. */
  readonly isOfEvent?: true;
  /** Members to add to the entity's own. */
  readonly more?: (row: Row<unknown>) => Promise<object> | object;
  /** Prints the entity, where its resource's own printer does not know enough. */
  readonly print?: (
    row: Row<unknown>,
  ) => Promise<Record<string, unknown>> | Record<string, unknown>;
};

/** Runs commands and answers the entity they are about. */
export async function mutate<F extends Fields>(
  services: Services,
  {actor, call}: Pick<Request<unknown>, 'actor' | 'call'>,
  commands: readonly Command[],
  shown: Shown<F>,
  options: RunOptions = {},
): Promise<Answer> {
  const expects = options.expects ?? expectedOf(call, commands, shown.entity);
  const ran = await services.pipeline.run(actor, call, commands, {...options, expects});
  const isNew = commands[0] !== undefined && 'draft' in commands[0];
  if (ran.is === 'same') return sameAnswer(services, actor, ran, {...shown, isNew});
  const id = shown.isOfEvent === true ? (ran.event?.entityId ?? shown.id) : shown.id;
  const row =
    ran.row<unknown>(shown.entity, id) ??
    (await services.reads.row(actor.tenantNo, shown.entity, id));
  const answer = await entityAnswer(actor, row, id === shown.id ? shown : {...shown, status: 200});
  return {...answer, ...ranAnswer(services, actor, ran)};
}

/** What the last command's target, which is the one that the caller named, must still be. */
function expectedOf(
  {expectedVersion}: Request<unknown>['call'],
  commands: readonly Command[],
  entity: string,
): NonNullable<RunOptions['expects']> {
  const target = commands.at(-1)?.id;
  if (expectedVersion === undefined || target === undefined) return [];
  return [[entity, target, expectedVersion]];
}

type Committed = Extract<Ran, {is: 'committed'}>;

/** What every answer of a committed mutation says besides its body. */
export const ranAnswer = (
  services: Services,
  actor: Actor,
  ran: Committed,
): Omit<Answer, 'body'> => ({
  position: ran.position,
  warnings: ran.warnings,
  event: ran.event === null ? null : {id: ran.event.id, hash: toHex(ran.event.eventHash)},
  receipt: () => freshReceipt(services, actor, ran),
});

async function entityAnswer<F extends Fields>(
  actor: Actor,
  row: Row<unknown> | null,
  shown: Shown<F>,
): Promise<Answer> {
  const {resource, status = 200} = shown;
  if (row === null) throw new Error(`${shown.entity} is not where its event put it`);
  if (status === 204) return {body: null, status, version: row.version};
  const printed =
    shown.print === undefined
      ? resource.print(row as Row<object>, actor.tenantId)
      : await shown.print(row);
  // Settings are printed of a tenant and are no tenant: they have no links, as when they are read.
  const isEntity = resource.idKey in printed;
  const links = isEntity ? {_links: linksOf(resource as Resource<Fields>, row, actor, false)} : {};
  const body = {...printed, ...(await shown.more?.(row)), ...links};
  const location = `/api/v1/${resource.plural.replaceAll('_', '-')}/${row.id}`;
  return {body, status, version: row.version, ...(status === 201 ? {location} : {})};
}

type StoredEvent = {
  event_id: Id;
  kind: number;
  entity_id: Id | null;
  event_hash: Uint8Array;
  data: string | null;
  header: string;
  facts: string;
};

const eventAt = {
  name: 'event_select_at',
  text: `select e.event_id, e.kind, e.entity_id, e.event_hash, e.header, e.facts, p.data
    from ledger.event e left join ledger.payload p using (tenant_no, leaf) where e.tenant_no = $1 and e.leaf = $2`,
};

async function sameAnswer<F extends Fields>(
  services: Services,
  actor: Actor,
  ran: {leaf: number; how: 'replayed' | 'deduplicated'; position: number},
  shown: Shown<F> & {readonly isNew: boolean},
): Promise<Answer> {
  const [event] = await services.store.read(actor.tenantNo, (q) =>
    q.rows<StoredEvent>(eventAt, [actor.tenantNo, ran.leaf]),
  );
  if (event === undefined) throw new Error(`leaf ${ran.leaf} is not in the ledger`);
  if (kindName(event.kind) === 'mutation.denied') throw deniedAgain(event);
  // A create made its id anew; whatever else was asked named the entity itself.
  const isOfEvent = shown.isNew || shown.isOfEvent === true;
  const id = isOfEvent ? (event.entity_id ?? shown.id) : shown.id;
  const [index, count] = parseHeader(event.header).grp;
  const last = ran.leaf + count - index - 1;
  const isReplay = ran.how === 'replayed';
  const row = isReplay
    ? await services.reads.at(actor.tenantNo, shown.entity, id, last)
    : await services.reads.row(actor.tenantNo, shown.entity, id);
  const wasThere = shown.isOfEvent === true && (row?.version ?? 1) > 1;
  const answer = await entityAnswer(actor, row, {
    ...shown,
    status: isReplay && !wasThere ? (shown.status ?? 200) : 200,
  });
  return {
    ...answer,
    position: ran.position,
    isReplayed: isReplay,
    isDeduplicated: !isReplay,
    event: {id: event.event_id, hash: toHex(event.event_hash)},
    receipt: () => storedReceipt(services, actor, event.event_id, {}),
  };
}

/** The refusal that an event recorded, with the details it had. */
function deniedAgain(event: StoredEvent): CellError {
  const {data} = JSON.parse(event.data ?? '{"data":{}}') as {
    data: {code?: ErrorCode; gate?: string; command?: string};
  };
  const {why} = JSON.parse(event.facts) as {why: Record<string, ErrorDetails & {code: string}>};
  const {code = 'GATE_REFUSED', gate = '', command = 'the command'} = data;
  const {code: _, ...details} = why[gate] ?? {code};
  return new CellError(code, `${command} was refused before`, {
    details: {...details, gate},
    eventId: event.event_id,
  });
}
