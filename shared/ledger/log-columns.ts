/**
 * Columns repeat the header so that SQL can find events; a column that says something else makes
 * reads lie about a sound log.
 */
import {equalBytes, toHex} from './bytes.ts';
import {placeOf} from './header.ts';
import type {Header} from './header.ts';
import {nilUuid} from './ids.ts';
import {invalid} from './log-record.ts';
import type {Fault, LogColumns} from './log-record.ts';
import {relationCodes} from './relations.ts';

/** The event that columns are compared with. */
export type Derived = {
  readonly leaf: number;
  readonly header: Header;
  readonly eventHash: Uint8Array;
  readonly leafHash: Uint8Array;
  /** Leaf of each parent, null for one of another log. */
  readonly parentLeaves: readonly (number | null)[];
};

/** The first column that differs from the header, or null. */
export function columnFault(columns: LogColumns, event: Derived): Fault | null {
  const {header, leaf} = event;
  if (!equalBytes(columns.eventHash, event.eventHash)) {
    return differs(leaf, 'event_hash', toHex(event.eventHash), toHex(columns.eventHash));
  }
  if (!equalBytes(columns.leafHash, event.leafHash)) {
    return differs(leaf, 'leaf_hash', toHex(event.leafHash), toHex(columns.leafHash));
  }
  const idem = columns.idem === null ? null : toHex(columns.idem);
  if (idem !== header.idem) return differs(leaf, 'idem', `${header.idem}`, `${idem}`);
  const [depth, track, sequence] = placeOf(header);
  const {ent} = header;
  return (
    scalar(leaf, 'kind', Number.parseInt(header.kind, 16), columns.kind) ??
    scalar(leaf, 'traj_id', header.traj ?? nilUuid, columns.trajId) ??
    scalar(leaf, 'traj_seq', sequence, columns.trajSeq) ??
    scalar(leaf, 'depth', depth, columns.depth) ??
    scalar(leaf, 'track', track, columns.track) ??
    scalar(leaf, 'entity_id', ent?.id ?? null, columns.entityId) ??
    scalar(leaf, 'entity_ver', ent?.ver ?? null, columns.entityVer) ??
    scalar(leaf, 'corr_id', header.corr, columns.corrId) ??
    scalar(leaf, 'agent_id', header.actor.agent, columns.agentId) ??
    edgeFault(columns, event)
  );
}

type Scalar = string | number | null;

function scalar(leaf: number, column: string, expected: Scalar, found: Scalar): Fault | null {
  return expected === found ? null : differs(leaf, column, `${expected}`, `${found}`);
}

function edgeFault({edges}: LogColumns, {header, leaf, parentLeaves}: Derived): Fault | null {
  const {parents} = header;
  if (edges.length !== parents.length) {
    return differs(leaf, 'edge', `${parents.length} rows`, `${edges.length} rows`);
  }
  for (const [ord, parent] of parents.entries()) {
    const edge = edges[ord];
    const found =
      edge === undefined ? '' : `${edge.rel} ${toHex(edge.parentHash)} ${edge.parentLeaf}`;
    const expected = `${relationCodes[parent.r]} ${parent.h} ${parentLeaves[ord] ?? null}`;
    if (expected !== found) return differs(leaf, `edge ${ord}`, expected, found);
  }
  return null;
}

function differs(leaf: number, column: string, expected: string, found: string): Fault {
  return invalid(leaf, 'column', `${column} ${expected}`, `${column} ${found}`);
}
