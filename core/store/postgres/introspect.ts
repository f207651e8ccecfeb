/**
 * The schema of a live database as one flat, sorted map, to be compared with the committed one.
 *
 * Generic on purpose: it lists whatever stands in a schema that `cs_owner` owns, so that a new table,
 * a grant too many or a function that lost its `security definer` shows without anyone having thought
 * of it. Extensions live in `public`; of them only the names are compared.
 */
import type {Statement} from '../store.ts';

export type Schema = Readonly<Record<string, unknown>>;

type Session = {
  rows<T>(statement: Statement, values: readonly unknown[]): Promise<T[]>;
};

const acl = (column: string): string =>
  `(select jsonb_agg(a::text order by a::text) from unnest(${column}) a)`;

const hash = (text: string): string => `encode(sha256(convert_to(${text}, 'UTF8')), 'hex')`;

/** One query for each kind of object: its name and what is to be compared of it. */
const kinds: Readonly<Record<string, string>> = {
  role: `select rolname as name, jsonb_build_object('login', rolcanlogin, 'super', rolsuper, 'inherit', rolinherit,
      'bypass_rls', rolbypassrls, 'create_role', rolcreaterole, 'create_db', rolcreatedb) as def
    from pg_roles where rolname in ('cs_owner', 'cs_lane', 'cs_app', 'cs_audit')`,
  extension: `select extname as name, to_jsonb(extnamespace::regnamespace::text) as def from pg_extension where extname <> 'plpgsql'`,
  schema: `select nspname as name, jsonb_build_object('acl', ${acl('nspacl')}) as def from ours`,
  'default acl': `select coalesce(n.nspname, '*') || ' ' || d.defaclobjtype::text as name, jsonb_build_object('acl', ${acl('defaclacl')}) as def
    from pg_default_acl d left join pg_namespace n on n.oid = d.defaclnamespace where d.defaclrole = 'cs_owner'::regrole`,
  type: `select t.oid::regtype::text as name, jsonb_build_object('kind', t.typtype, 'base', nullif(t.typbasetype, 0)::regtype::text,
      'not_null', t.typnotnull, 'default', t.typdefault, 'acl', ${acl('t.typacl')},
      'checks', (select jsonb_object_agg(conname, pg_get_constraintdef(c.oid)) from pg_constraint c where c.contypid = t.oid and c.contype = 'c'),
      'labels', (select jsonb_agg(enumlabel order by enumsortorder) from pg_enum e where e.enumtypid = t.oid)) as def
    from pg_type t join ours on ours.oid = t.typnamespace
    where t.typtype in ('d', 'e', 'r') or (t.typtype = 'c' and (select relkind from pg_class where oid = t.typrelid) = 'c')`,
  relation: `select c.oid::regclass::text as name, jsonb_build_object('kind', c.relkind, 'owner', c.relowner::regrole::text,
      'persistence', c.relpersistence, 'options', to_jsonb(c.reloptions), 'rls', c.relrowsecurity, 'rls_forced', c.relforcerowsecurity,
      'acl', ${acl('c.relacl')}, 'view', case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid) end,
      'partition_key', case when c.relkind = 'p' then pg_get_partkeydef(c.oid) end) as def
    from pg_class c join ours on ours.oid = c.relnamespace where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')`,
  column: `select c.oid::regclass::text || '.' || a.attname as name, jsonb_build_object('type', format_type(a.atttypid, a.atttypmod),
      'not_null', a.attnotnull, 'default', pg_get_expr(d.adbin, d.adrelid), 'identity', nullif(a.attidentity, ''),
      'generated', nullif(a.attgenerated, ''), 'acl', ${acl('a.attacl')}, 'collation',
      (select nullif(collname, 'default') from pg_collation where oid = a.attcollation)) as def
    from pg_class c join ours on ours.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum where c.relkind in ('r', 'p', 'v', 'm', 'f')`,
  // Not-null constraints are told by their column.
  constraint: `select c.conrelid::regclass::text || ' ' || c.conname as name, to_jsonb(pg_get_constraintdef(c.oid)) as def
    from pg_constraint c join ours on ours.oid = c.connamespace where c.conrelid <> 0 and c.contype <> 'n'`,
  index: `select i.indexrelid::regclass::text as name, jsonb_build_object('def', pg_get_indexdef(i.indexrelid), 'valid', i.indisvalid) as def
    from pg_index i join pg_class c on c.oid = i.indrelid join ours on ours.oid = c.relnamespace where c.relkind in ('r', 'p', 'm')`,
  policy: `select p.polrelid::regclass::text || ' ' || p.polname as name, jsonb_build_object('for', p.polcmd, 'permissive', p.polpermissive,
      'roles', (select jsonb_agg(r::regrole::text order by r::regrole::text) from unnest(p.polroles) r),
      'using', pg_get_expr(p.polqual, p.polrelid), 'check', pg_get_expr(p.polwithcheck, p.polrelid)) as def
    from pg_policy p join pg_class c on c.oid = p.polrelid join ours on ours.oid = c.relnamespace`,
  trigger: `select t.tgrelid::regclass::text || ' ' || t.tgname as name, jsonb_build_object('def', pg_get_triggerdef(t.oid), 'enabled', t.tgenabled) as def
    from pg_trigger t join pg_class c on c.oid = t.tgrelid join ours on ours.oid = c.relnamespace where not t.tgisinternal`,
  function: `select p.oid::regprocedure::text as name, jsonb_build_object('kind', p.prokind, 'owner', p.proowner::regrole::text,
      'returns', pg_get_function_result(p.oid), 'language', l.lanname, 'volatile', p.provolatile, 'strict', p.proisstrict,
      'definer', p.prosecdef, 'leakproof', p.proleakproof, 'parallel', p.proparallel, 'settings', to_jsonb(p.proconfig),
      'acl', ${acl('p.proacl')}, 'body', ${hash("coalesce(p.prosrc, '') || coalesce(pg_get_function_sqlbody(p.oid), '')")}) as def
    from pg_proc p join ours on ours.oid = p.pronamespace join pg_language l on l.oid = p.prolang`,
};

const statement: Statement = {
  name: 'schema_select_all',
  text: `with ours as (select oid, nspname, nspacl from pg_namespace where nspowner = to_regrole('cs_owner')) ${Object.entries(
    kinds,
  )
    .map(
      ([kind, query]) =>
        `select '${kind} ' || name as name, jsonb_strip_nulls(def) as def from (${query})`,
    )
    .join('\nunion all ')}`,
};

/** What stands in the database, inside the transaction that `session` is in. */
export async function introspect(session: Session): Promise<Schema> {
  const found = await session.rows<{name: string; def: unknown}>(statement, []);
  return Object.fromEntries(found.map(({name, def}) => [name, def] as const).toSorted(byName));
}

// By code units: the order of a collation is another on another machine.
const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a < b ? -1 : Number(a > b);

/** In what two schemas differ, a sentence each; nothing where they are equal. */
export function differences(live: Schema, committed: Schema): readonly string[] {
  const names = [...new Set([...Object.keys(live), ...Object.keys(committed)])].toSorted();
  return names.flatMap((name) => {
    if (!(name in live)) return [`${name} is missing`];
    if (!(name in committed)) return [`${name} is not in the committed schema`];
    const [is, should] = [JSON.stringify(live[name]), JSON.stringify(committed[name])];
    return is === should ? [] : [`${name} is ${is}, committed is ${should}`];
  });
}
