/** D1: bytes on disk a turn, above the content's own, and where they are. */
import {figure, rowOf} from '../row.ts';
import {settledBytes, type Grown} from '../world.ts';

type Relation = {schema: string; name: string; table_bytes: string; index_bytes: string};

const relations = `select n.nspname as schema, c.relname as name,
  pg_table_size(c.oid) as table_bytes, pg_indexes_size(c.oid) as index_bytes
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'r' and n.nspname in ('ledger', 'mem', 'aux')`;

const shareOf = ({schema, name}: Relation): string => {
  if (schema === 'ledger') return 'ledger';
  if (name === 'past') return 'past';
  return name.startsWith('recall_') ? 'text_index' : schema === 'mem' ? 'projections' : 'aux';
};

export const d1 = rowOf({
  id: 'D1',
  about: 'bytes on disk a turn above its content',
  measure: 'value',
  unit: 'bytes',
  isOnce: true,
  floor: null,
  must: 3_584,
  goal: 2_048,
  setup: (world) => world.grown(),
  async once({core, emptyBytes, thread}: Grown, {server}) {
    const bytes = await settledBytes(server, core.databaseUrl);
    const shares: Record<string, number> = {};
    const add = (name: string, more: number): void => {
      shares[name] = (shares[name] ?? 0) + Math.round(more / thread.turns);
    };
    for (const relation of await server.rows<Relation>(core.databaseUrl, relations)) {
      const share = shareOf(relation);
      add(share, Number(relation.table_bytes));
      add(`${share}_indexes`, Number(relation.index_bytes));
    }
    const content = Math.round(thread.contentBytes / thread.turns);
    const above = (bytes - emptyBytes - thread.contentBytes) / thread.turns;
    return figure(Math.round(above), {turns: thread.turns, content, ...shares});
  },
});
