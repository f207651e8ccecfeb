/**
 * From what was decided to the exact bytes of an event.
 *
 * Everything here is computed once: the texts made here are the texts that are hashed, stored and
 * shown. Positions come from the running batch, so this runs in the lane, one event after the other.
 */
import type {Hex, Id, Micros, TenantNo} from '../../shared/ids.ts';
import {toHex} from '../../shared/ledger/bytes.ts';
import type {Json} from '../../shared/ledger/canonical.ts';
import {factsHash, renderFacts} from '../../shared/ledger/facts.ts';
import type {Hashes} from '../../shared/ledger/hashes.ts';
import {eventHash, renderHeader} from '../../shared/ledger/header.ts';
import {eventId, nilUuid} from '../../shared/ledger/ids.ts';
import {kindCode, type KindName} from '../../shared/ledger/kinds.ts';
import {commitContent, commitData, renderContent, renderData} from '../../shared/ledger/payload.ts';
import {leafHash} from '../../shared/ledger/tree.ts';
import {snake} from '../../shared/wire/resource.ts';
import type {Actor, Call} from '../domain/actor.ts';
import type {Ranges} from '../domain/aggregate.ts';
import type {Chain} from '../store/store.ts';

export type Tools = {readonly hashes: Hashes; readonly random: (bytes: number) => Uint8Array};

/** One event as it will be stored. */
export type Recording = {
  readonly leaf: number;
  readonly id: Id<'event'>;
  readonly at: Micros;
  readonly kind: KindName;
  readonly chainId: Id | null;
  readonly chain: Chain;
  readonly entityId: Id | null;
  readonly entityVersion: number | null;
  /** The idempotency hash it holds, where it holds one. */
  readonly idem: Hex | null;
  /** Whether it authorises the absence of earlier content. */
  readonly isEnding: boolean;
  readonly header: string;
  readonly eventHash: Uint8Array;
  readonly leafHash: Uint8Array;
  /** The row of `ledger.event`, and that of `ledger.payload`. */
  readonly rows: {readonly event: object; readonly payload: object};
};

export type ToRecord = {
  readonly tenantNo: TenantNo;
  readonly origin: string;
  readonly leaf: number;
  readonly at: Micros;
  readonly kind: KindName;
  readonly chainId: Id | null;
  /** Last event of the chain, null at its first. */
  readonly before: Chain | null;
  /** Depth and track of the chain, for its first event. */
  readonly place: {readonly depth: number; readonly track: number};
  readonly entity: {readonly id: Id; readonly version: number | null} | null;
  readonly group: readonly [index: number, count: number];
  readonly data: Readonly<Record<string, unknown>>;
  /** Members of `data` that are content, camelCase. */
  readonly content: readonly string[];
  readonly letters: string;
  readonly ends: Ranges;
  readonly reads: readonly (readonly [id: string, version: number])[];
  readonly why: {readonly [gate: string]: Json};
  readonly policy: Hex;
  readonly actor: Actor;
  readonly call: Pick<Call, 'trace' | 'correlation'>;
  readonly idem: Hex | null;
  readonly request: Hex | null;
};

const saltBytes = 32;
const sqlBytes = (bytes: Uint8Array): string => `\\x${toHex(bytes)}`;
const sqlHex = (hex: Hex | null): string | null => (hex === null ? null : `\\x${hex}`);

/** Splits an event's members into its two parts, spelled as they are hashed. */
function partsOf(of: ToRecord): {data: string; content: string | null} {
  const data: Record<string, Json> = {};
  const content: Record<string, Json> = {};
  let hasContent = false;
  for (const [key, value] of Object.entries(of.data)) {
    if (of.content.includes(key) && value !== null) {
      content[snake(key)] = value as Json;
      hasContent = true;
    } else data[snake(key)] = value as Json;
  }
  return {
    data: renderData({data, on_behalf_of: of.actor.onBehalfOf}),
    content: hasContent ? renderContent(content) : null,
  };
}

/** Makes the bytes of one event. Throws where its data has no canonical form. */
export function recordEvent({hashes, random}: Tools, of: ToRecord): Recording {
  const code = kindCode(of.kind);
  const id = eventId(of.at, random(8)) as Id<'event'>;
  const parts = partsOf(of);
  const dataSalt = random(saltBytes);
  const contentSalt = parts.content === null ? null : random(saltBytes);
  const facts = renderFacts({
    v: 1,
    at: of.at,
    ends: of.ends,
    policy: of.policy,
    reads: of.reads,
    why: of.why,
  });
  const chain = {
    sequence: of.before === null ? 0 : of.before.sequence + 1,
    depth: of.before?.depth ?? of.place.depth,
    track: of.before?.track ?? of.place.track,
  };
  const header = renderHeader({
    v: 1,
    log: of.origin,
    id,
    at: of.at,
    kind: code.toString(16).toUpperCase().padStart(4, '0'),
    traj: of.chainId,
    dag: `${chain.depth}:${chain.track}:${chain.sequence}`,
    prev: of.before?.hash ?? null,
    parents: [],
    corr: of.call.correlation,
    trace: of.call.trace,
    actor: {agent: of.actor.agentId, by: of.actor.by},
    ent: of.entity === null ? null : {id: of.entity.id, ver: of.entity.version},
    grp: of.group,
    rdx: 1,
    pay: {
      c:
        parts.content === null || contentSalt === null
          ? null
          : commitContent(hashes, contentSalt, parts.content),
      d: commitData(hashes, dataSalt, parts.data),
      s: null,
    },
    gates: {v: 1, r: of.letters, f: factsHash(hashes, facts)},
    idem: of.idem,
  });
  const hash = eventHash(hashes, header);
  const leaf = leafHash(hashes, hash);
  return {
    leaf: of.leaf,
    id,
    at: of.at,
    kind: of.kind,
    chainId: of.chainId,
    chain: {...chain, hash: toHex(hash)},
    entityId: of.entity?.id ?? null,
    entityVersion: of.entity?.version ?? null,
    idem: of.idem,
    isEnding: of.ends.length > 0,
    header,
    eventHash: hash,
    leafHash: leaf,
    rows: {
      event: {
        tenant_no: of.tenantNo,
        leaf: of.leaf,
        event_id: id,
        kind: code,
        traj_id: of.chainId ?? nilUuid,
        traj_seq: chain.sequence,
        depth: chain.depth,
        track: chain.track,
        entity_id: of.entity?.id ?? null,
        entity_ver: of.entity?.version ?? null,
        corr_id: of.call.correlation,
        agent_id: of.actor.agentId,
        idem: sqlHex(of.idem),
        request: sqlHex(of.request),
        event_hash: sqlBytes(hash),
        leaf_hash: sqlBytes(leaf),
        header,
        facts,
      },
      payload: {
        tenant_no: of.tenantNo,
        leaf: of.leaf,
        subject_no: null,
        data_salt: sqlBytes(dataSalt),
        data: parts.data,
        content_salt: contentSalt === null ? null : sqlBytes(contentSalt),
        content: parts.content,
      },
    },
  };
}
