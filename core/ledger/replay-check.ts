/**
 * The replayed rows against the stored ones, row by row: `mem.<entity>` and `mem.past`.
 *
 * Versions that were replaced are compared as they fall out of the replay, the current ones when the
 * log is over. The first difference of each table is kept and the reading goes on, so that one run
 * tells which tables are wrong.
 */
import type {TenantNo} from '../../shared/ids.ts';
import {parseHeader} from '../../shared/ledger/header.ts';
import {parseContent, parseData} from '../../shared/ledger/payload.ts';
import {refusalMessage} from '../../shared/ledger/verdict.ts';
import {aggregates} from '../domain/aggregates.ts';
import type {Query, Statement} from '../store/store.ts';
import type {StoredRecord} from './read-log.ts';
import {differs, none, rowDifference, type Difference, type Doc} from './replay-difference.ts';
import {PastCheck} from './replay-past.ts';
import {createReplay, ReplayRefused, type Replayed, type ReplayEvent} from './replay.ts';

export type ReplayCheck = {
  readonly add: (page: readonly StoredRecord[]) => Promise<void>;
  /** Compares what only the end shows, and answers the first difference of each table. */
  readonly finish: () => Promise<ReplayResult>;
};

export type ReplayResult = {
  readonly differences: readonly Difference[];
  readonly rowCount: number;
  readonly pastCount: number;
};

const pageCount = 500;
const nil = '00000000-0000-0000-0000-000000000000';

const selectRows = (entity: string): Statement => ({
  name: `replay_select_${entity}`,
  text: `select to_jsonb(x) as doc from mem.${entity} x where x.tenant_no = $1 and x.id > $2 order by x.id limit ${pageCount}`,
});

/** Begins to fold and compare the log of one tenant. Throws `ReplayRefused` where it cannot be folded. */
export function createReplayCheck(q: Query, tenantNo: TenantNo): ReplayCheck {
  const replay = createReplay();
  const found = new Map<string, Difference>();
  const keep = (difference: Difference | null): void => {
    if (difference !== null && !found.has(difference.table))
      found.set(difference.table, difference);
  };
  const past = new PastCheck(q, tenantNo, keep);

  return {
    async add(page) {
      for (const record of page) {
        const replaced = replay.add(eventOf(record));
        if (replaced !== null) await past.add(replaced);
      }
    },
    async finish() {
      await past.finish();
      const byEntity = Map.groupBy(replay.rows.values(), ({entity}) => entity);
      for (const {columns, name} of aggregates) {
        if (columns.length === 0) continue;
        await compareRows(q, tenantNo, {entity: name, expected: byEntity.get(name) ?? [], keep});
      }
      const differences = [...found.values()].toSorted((a, b) => (a.table < b.table ? -1 : 1));
      return {differences, rowCount: replay.rows.size, pastCount: past.count};
    },
  };
}

type Table = {
  readonly entity: string;
  readonly expected: readonly Replayed[];
  readonly keep: (difference: Difference | null) => void;
};

/** Walks the table and the replayed rows side by side, both in the order of their ids. */
async function compareRows(
  q: Query,
  tenantNo: TenantNo,
  {entity, expected, keep}: Table,
): Promise<void> {
  const sorted = expected.toSorted((a, b) => (a.row.id < b.row.id ? -1 : 1));
  const isGone = (one: Replayed): void => keep(differs(entity, one, 'row', 'a row', none));
  let at = 0;
  for (let after = nil; ;) {
    const page = await q.rows<{doc: Doc}>(selectRows(entity), [tenantNo, after]);
    for (const {doc} of page) {
      after = String(doc['id']);
      for (let one = sorted[at]; one !== undefined && one.row.id < after; one = sorted[at]) {
        isGone(one);
        at += 1;
      }
      const one = sorted[at];
      if (one?.row.id === after) {
        keep(rowDifference(entity, tenantNo, one, doc));
        at += 1;
      } else {
        const version = Number(doc['version']);
        keep({
          table: `mem.${entity}`,
          id: after,
          version,
          column: 'row',
          expected: none,
          found: 'a row',
        });
      }
    }
    if (page.length < pageCount) break;
  }
  for (const one of sorted.slice(at)) isGone(one);
}

function eventOf({content, data, header, leaf}: StoredRecord): ReplayEvent {
  try {
    return {
      leaf,
      header: parseHeader(header),
      data: data === null ? null : parseData(data),
      content: content === null ? null : parseContent(content),
    };
  } catch (error) {
    throw new ReplayRefused(leaf, `${refusalMessage(error)}; run \`cellstate verify --log\``);
  }
}
