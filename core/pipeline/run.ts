/**
 * The one way to change state.
 *
 * A use case makes commands and calls `run`; what comes back is what happened. Refusals of a gate are
 * thrown as the caller's error, recorded ones with the id of their event.
 */
import {CellError} from '../../shared/errors.ts';
import type {Hex, Id, TenantNo} from '../../shared/ids.ts';
import {fromHex} from '../../shared/ledger/bytes.ts';
import type {Actor, Call} from '../domain/actor.ts';
import type {Command, Row} from '../domain/aggregate.ts';
import {loadLedger} from '../ledger/head.ts';
import {idempotencyHash, requestHash} from '../ledger/keys.ts';
import type {Lane} from '../ledger/lane.ts';
import type {Outcome} from '../ledger/outcome.ts';
import type {Store} from '../store/store.ts';
import {assemble} from './assemble.ts';
import type {Unit} from './gates/gate.ts';
import {schemaGate} from './gates/schema-gate.ts';
import type {Recording, Tools} from './record.ts';
import {refusedError} from './record-group.ts';
import type {WarningOut, Wish} from './unit-run.ts';
import {rowKey} from './view.ts';

export type RunOptions = {
  readonly expects?: Unit['expects'];
  readonly isBackground?: boolean;
  /** Place of the item in a batch request: one key covers all of them. */
  readonly index?: number;
};

/** What a mutation did. */
export type Ran =
  | {
      readonly is: 'committed';
      /** First event of the group. */
      readonly event: Recording | null;
      readonly events: readonly Recording[];
      readonly warnings: readonly WarningOut[];
      /** Position the answer reflects. */
      readonly position: number;
      /** A row right after the unit. */
      row<S>(entity: string, id: Id): Row<S> | null;
      readonly outcome: Extract<Outcome, {is: 'committed'}>;
    }
  | {
      readonly is: 'same';
      readonly leaf: number;
      readonly how: 'replayed' | 'deduplicated';
      readonly position: number;
    };

export type Pipeline = {
  run(actor: Actor, call: Call, commands: readonly Command[], options?: RunOptions): Promise<Ran>;
};

type Parts = {
  readonly store: Store;
  readonly tools: Tools;
  readonly laneOf: (tenant: TenantNo) => Lane;
};

export function createPipeline({store, tools, laneOf}: Parts): Pipeline {
  const sources = {store, memoryOf: (tenant: TenantNo) => laneOf(tenant).memory};

  async function keyOf(
    actor: Actor,
    call: Call,
    index: number,
  ): Promise<{idem: Hex; request: Hex} | null> {
    const {idempotencyKey, requestHash: digest} = call;
    if (idempotencyKey === null || digest === null) return null;
    const {memory} = laneOf(actor.tenantNo);
    const known =
      memory.tenants.get(actor.tenantNo) ??
      (await loadLedger(store, memory, tools.hashes, actor.tenantNo));
    const {salt} = known.head;
    return {
      idem: idempotencyHash(tools.hashes, salt, actor.by, index, idempotencyKey),
      request: requestHash(tools.hashes, salt, idempotencyKey, fromHex(digest)),
    };
  }

  return {
    async run(actor, call, commands, {expects = [], isBackground = false, index = 0} = {}) {
      for (const command of commands) {
        const verdict = schemaGate({command});
        if (verdict.is === 'deny') throw new CellError(verdict.code, verdict.message);
      }
      const wish: Omit<Wish, 'snapshot'> = {
        tenantNo: actor.tenantNo,
        actor,
        call,
        commands,
        expects,
        isBackground,
        key: await keyOf(actor, call, index),
      };
      const snapshot = await assemble(sources, wish, []);
      const outcome = await laneOf(actor.tenantNo).submit({...wish, snapshot});
      return ranOf(outcome);
    },
  };
}

function ranOf(outcome: Outcome): Ran {
  const position = outcome.head.size - 1;
  if (outcome.is === 'denied') throw refusedError(outcome.refused, outcome.event?.id ?? null);
  if (outcome.is === 'same') return {is: 'same', leaf: outcome.leaf, how: outcome.how, position};
  const {events, warnings, rows} = outcome;
  return {
    is: 'committed',
    event: events[0] ?? null,
    events,
    warnings,
    position,
    outcome,
    row: <S>(entity: string, id: Id) =>
      (rows.get(rowKey(entity, id))?.row ?? null) as Row<S> | null,
  };
}
