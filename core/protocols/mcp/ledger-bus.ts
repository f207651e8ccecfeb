/**
 * What subscribers of one caller are told of: changes of its own tenant's ledger, as they happen.
 *
 * One bus a caller: the SDK's subscriptions know nothing of tenants, and a guessed URI on a shared
 * bus would tell of a neighbour's changes.
 */
import type {ServerEvent, ServerEventBus} from '@modelcontextprotocol/server';
import {covers} from '../../../shared/wire/contract.ts';
import {printChange, wholeGroups} from '../../api/changes.ts';
import type {Services} from '../../api/services.ts';
import type {Actor} from '../../domain/actor.ts';
import {tail} from '../stream/tail.ts';
import {collections, templates, uriOf, uriOfCollection} from './resource-table.ts';

export type LedgerBusOptions = {
  readonly services: Services;
  readonly actor: Actor;
  /** The caller's credential has ended: so do its streams. */
  readonly ended: () => void;
  readonly complain: (error: unknown) => void;
};

export const cursorKey = 'dev.cellstate/cursor';
/** `resources/list_changed` comes no oftener than this. */
const listQuietMs = 1_000;

type Change = Record<string, unknown>;
type Listener = (event: ServerEvent) => void;

/** Makes the bus of a caller. A listener costs a tail of the ledger while it listens. */
export function createLedgerBus(of: LedgerBusOptions): ServerEventBus {
  return {
    // Nothing is announced but what the ledger holds.
    publish: () => undefined,
    subscribe(listener) {
      const abort = new AbortController();
      follow(of, listener, abort.signal).catch(of.complain);
      return () => abort.abort();
    },
  };
}

async function follow(
  of: LedgerBusOptions,
  listener: Listener,
  signal: AbortSignal,
): Promise<void> {
  const {services, actor} = of;
  const {tenantNo} = actor;
  const log = {
    read: async (after: number, limit: number) =>
      (await wholeGroups(services, actor, {after, limit})).events,
    next: (waitMs: number, until: AbortSignal) => services.bus.next(tenantNo, waitMs, until),
    nowMs: () => services.now() / 1000,
  };
  const listChanged = atMostEvery(listQuietMs, signal, (position) =>
    listener({kind: 'resources_list_changed', params: cursorAt(position)}),
  );
  const from = await services.reads.position(tenantNo);
  for await (const {event, position} of tail(log, from, () => true, signal)) {
    if (signal.aborted) return;
    if (event === null) continue;
    const change = printChange(event, actor);
    if (endsCredential(change, actor)) return of.ended();
    const uris = urisOf(change, actor);
    const params = cursorAt(position);
    for (const uri of uris) listener({kind: 'resource_updated', uri, params});
    if (uris.length > 0 && change['operation'] !== 'UPDATE') listChanged(position);
  }
}

const cursorAt = (position: number) => ({_meta: {[cursorKey]: position}});

const endsCredential = (change: Change, {keyId}: Actor): boolean =>
  change['entity_type'] === 'api_key' &&
  change['entity_id'] === keyId &&
  change['operation'] === 'DELETE';

/** The resources that a change is one of, as far as this caller may read them. */
function urisOf(change: Change, {scopes}: Actor): string[] {
  const [name, id] = [String(change['entity_type']), String(change['entity_id'])];
  const single = templates.find((one) => one.name === name && one.tail === undefined);
  if (single === undefined || !covers(scopes, single.contract.may)) return [];
  const tails = templates.filter((one) => one.name === name && one.tail === 'content');
  const lists = collections.filter((one) => one.name === single.from?.plural);
  const uri = uriOf(name, id);
  return [uri, ...tails.map(({tail: part}) => `${uri}/${part}`), ...lists.map(uriOfCollection)];
}

/** Says it at once, and what comes meanwhile once the quiet time is over. */
function atMostEvery(
  quietMs: number,
  signal: AbortSignal,
  say: (position: number) => void,
): (position: number) => void {
  let waiting: number | null = null;
  let isQuiet = false;
  const speak = (position: number): void => {
    say(position);
    isQuiet = true;
    setTimeout(() => {
      isQuiet = false;
      const next = waiting;
      waiting = null;
      if (next !== null && !signal.aborted) speak(next);
    }, quietMs).unref();
  };
  return (position) => {
    if (isQuiet) waiting = position;
    else speak(position);
  };
}
