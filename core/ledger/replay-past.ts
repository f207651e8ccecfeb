/**
 * The versions that were replaced, as the replay lets them go, against `mem.past`.
 *
 * In pages, so that the past of a log takes eight bytes a version and not its rows: by them a row of
 * `mem.past` that nothing made is known.
 */
import type {Id, TenantNo} from '../../shared/ids.ts';
import type {Query, Statement} from '../store/store.ts';
import {differs, none, rowDifference, type Difference, type Doc} from './replay-difference.ts';
import {rowKey} from '../pipeline/view.ts';
import type {Replaced} from './replay.ts';

type PastKey = {readonly entity: string; readonly id: Id; readonly leaf: number};

const pageCount = 500;
const nil = '00000000-0000-0000-0000-000000000000';

const selectPast: Statement = {
  name: 'replay_select_past',
  text: `select x.version, x.to_leaf, x.row from unnest($2::text[], $3::uuid[], $4::bigint[]) with ordinality r(entity, id, leaf, i)
left join mem.past x on x.tenant_no = $1 and x.entity = r.entity and x.id = r.id and x.leaf = r.leaf order by r.i`,
};
const countPast: Statement = {
  name: 'replay_count_past',
  text: 'select count(*) as n from mem.past where tenant_no = $1',
};
const selectPastKeys: Statement = {
  name: 'replay_select_past_keys',
  text: `select entity, id, leaf, version from mem.past where tenant_no = $1 and (entity, id, leaf) > ($2, $3::uuid, $4::bigint)
order by entity, id, leaf limit ${pageCount}`,
};
/** Compares the past of one tenant; `keep` is told of each difference. */
export class PastCheck {
  readonly #q: Query;
  readonly #tenantNo: TenantNo;
  readonly #keep: (difference: Difference | null) => void;
  readonly #leaves = new Map<string, number[]>();
  #waiting: Replaced[] = [];
  #count = 0;

  constructor(q: Query, tenantNo: TenantNo, keep: (difference: Difference | null) => void) {
    this.#q = q;
    this.#tenantNo = tenantNo;
    this.#keep = keep;
  }

  /** How many versions were replaced. */
  get count(): number {
    return this.#count;
  }

  /** Takes in a version that was replaced. */
  async add(replaced: Replaced): Promise<void> {
    const key = rowKey(replaced.entity, replaced.row.id);
    const leaves = this.#leaves.get(key);
    if (leaves === undefined) this.#leaves.set(key, [replaced.row.leaf]);
    else leaves.push(replaced.row.leaf);
    this.#count += 1;
    this.#waiting.push(replaced);
    if (this.#waiting.length === pageCount) await this.#compare();
  }

  /** Compares what is left, and finds rows that no version made. */
  async finish(): Promise<void> {
    await this.#compare();
    const [counted] = await this.#q.rows<{n: number}>(countPast, [this.#tenantNo]);
    if (counted?.n !== this.#count) await this.#findAdded();
  }

  async #compare(): Promise<void> {
    const page = this.#waiting;
    this.#waiting = [];
    if (page.length === 0) return;
    const columns = [
      page.map(({entity}) => entity),
      page.map(({row}) => row.id),
      page.map(({row}) => row.leaf),
    ];
    const stored = await this.#q.rows<Stored>(selectPast, [this.#tenantNo, ...columns]);
    page.forEach((one, index) => this.#keep(this.#difference(one, stored[index])));
  }

  #difference(one: Replaced, stored: Stored | undefined): Difference | null {
    if (stored === undefined || stored.version === null) {
      return differs('past', one, 'row', 'a row', none);
    }
    const {row, to_leaf: toLeaf, version} = stored;
    if (version !== one.row.version)
      return differs('past', one, 'version', one.row.version, version);
    if (toLeaf !== one.toLeaf) return differs('past', one, 'to_leaf', one.toLeaf, toLeaf);
    return rowDifference('past', this.#tenantNo, one, row, one.counters);
  }

  async #findAdded(): Promise<void> {
    for (let after: PastKey = {entity: '', id: nil, leaf: -1}; ;) {
      type Key = PastKey & {version: number};
      const values = [this.#tenantNo, after.entity, after.id, after.leaf];
      const page = await this.#q.rows<Key>(selectPastKeys, values);
      const isMade = ({entity, id, leaf}: Key): boolean =>
        this.#leaves.get(rowKey(entity, id))?.includes(leaf) ?? false;
      const added = page.find((key) => !isMade(key));
      const last = page.at(-1);
      if (added !== undefined) {
        const {entity, id, version} = added;
        const found = `a row of ${entity}`;
        this.#keep({table: 'mem.past', id, version, column: 'row', expected: none, found});
        return;
      }
      if (last === undefined) return;
      after = last;
    }
  }
}

type Stored = {readonly version: number | null; readonly to_leaf: number; readonly row: Doc};
