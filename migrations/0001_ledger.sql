-- The log: roles, schemas, the tables of evidence, and the functions that read and end it.
--
-- Times are µs since 1970 in bigint, the integers of the hashed headers; nothing is converted.
-- Schemas: ledger (evidence, append-only), mem (projections, made again by replay), aux (indexes,
-- cursors, retries: never a fact), lookup (the only questions that see more than one tenant).

-- Roles are the cluster's: another database on it may have made them already, or be making them now.
do $$ declare r text; begin
  foreach r in array array['cs_owner', 'cs_lane', 'cs_app', 'cs_audit'] loop
    if to_regrole(r) is null then
      begin execute format('create role %I nologin', r);
      exception when duplicate_object or unique_violation then null; end;
    end if;
    if not pg_has_role(r, 'set') then
      execute format('grant %I to current_user with inherit false, set true', r);
    end if;
  end loop;
end $$;

create schema ledger authorization cs_owner;
create schema mem authorization cs_owner;
create schema aux authorization cs_owner;
create schema lookup authorization cs_owner;

set role cs_owner;
alter default privileges revoke execute on functions from public;

create domain ledger.b32 as bytea check (octet_length(value) = 32);

-- Which files of migrations/ this database has. Read and written by core/store/migrate.ts.
create table ledger.migration (
  number int primary key,
  name text not null,
  sha256 text not null,        -- of the file as it was applied; `migrate validate` compares
  applied_at bigint not null
);

create table ledger.tenant (
  tenant_no int generated always as identity primary key,  -- first column of every key below
  tenant_id uuid not null unique,                          -- what callers and hashed headers say
  salt ledger.b32 not null                                 -- mixed into every keyed hash of the tenant
);

create table ledger.shard (
  tenant_no int references ledger.tenant,
  shard int check (shard >= 1),
  origin text not null unique check (origin ~ '^[!-*,-~]{1,255}$'),
  vkey text not null check (starts_with(vkey, origin || '+')),
  base_leaf bigint not null check (base_leaf >= 0),
  previous text,               -- signed note over what survived of the shard before; read by verifiers
  primary key (tenant_no, shard),
  check (shard > 1 or previous is null)
);

-- One row loads a tenant into its lane. ledger.commit compares (size, root) and moves them.
create table ledger.head (
  tenant_no int primary key references ledger.tenant,
  shard int not null default 1,
  base_leaf bigint not null default 0,
  size bigint not null check (size >= base_leaf),
  root ledger.b32 not null,
  frontier bytea not null      -- subtree roots, left to right, one per set bit of the tree's size
    check (octet_length(frontier) = 32 * bit_count((size - base_leaf)::bit(64)))
) with (fillfactor = 50);

create table ledger.event (
  tenant_no int not null,
  leaf bigint not null check (leaf >= 0),
  event_id uuid not null check (uuid_extract_version(event_id) = 7),
  kind int not null check (kind between 0 and 65535),
  traj_id uuid not null,       -- the nil UUID on the tenant's own chain
  traj_seq int not null check (traj_seq >= 0),
  depth int not null,
  track int not null,
  entity_id uuid,
  entity_ver int,
  corr_id uuid,
  agent_id uuid,
  idem ledger.b32,             -- keys never expire: event_idem_uq is their record
  request ledger.b32,          -- in no header: tells a repeated request from a reused key
  event_hash ledger.b32 not null,
  -- Refuses a hash that was damaged on its way, before anything is signed over it.
  leaf_hash bytea not null check (leaf_hash =
    sha256('\x00'::bytea || 'cellstate.dev/leaf@1'::bytea || '\x0a'::bytea || event_hash)),
  header text not null check (octet_length(header) <= 16384),    -- the hashed bytes
  facts text not null check (octet_length(facts) <= 8388608),    -- the hashed bytes
  constraint event_pk primary key (tenant_no, leaf),
  constraint event_id_uq unique (tenant_no, event_id),
  constraint event_chain_uq unique (tenant_no, traj_id, traj_seq)
);
-- The names of the four unique indexes are read by core/store/postgres/errors.ts.
create unique index event_idem_uq on ledger.event (tenant_no, idem) where idem is not null;
create index event_entity_ix on ledger.event (tenant_no, entity_id, leaf) where entity_id is not null;
create index event_agent_ix on ledger.event (tenant_no, agent_id, leaf) where agent_id is not null;
create index event_corr_ix on ledger.event (tenant_no, corr_id, leaf) where corr_id is not null;

create table ledger.edge (
  tenant_no int not null,
  child_leaf bigint not null,
  ord smallint not null,
  rel smallint not null check (rel between 1 and 10),
  parent_hash ledger.b32 not null,
  parent_leaf bigint check (parent_leaf < child_leaf),  -- null for a parent in a foreign log
  primary key (tenant_no, child_leaf, ord)
);
create index edge_parent_ix on ledger.edge (tenant_no, parent_hash);

-- What the commitments of a header open to. `ledger.end_content` alone takes a part away.
create table ledger.payload (
  tenant_no int not null,
  leaf bigint not null,
  subject_no bigint,
  data_salt ledger.b32 not null,
  data text not null,
  content_salt ledger.b32,
  content text,
  primary key (tenant_no, leaf),
  check ((content is null) = (content_salt is null)),
  check (octet_length(data) + coalesce(octet_length(content), 0) <= 8388608)
);
create index payload_subject_ix on ledger.payload (tenant_no, subject_no) where subject_no is not null;

-- A data subject: its pseudonym is in headers, its hash goes with the erasure.
create table ledger.subject (
  subject_no bigint generated always as identity primary key,
  tenant_no int not null references ledger.tenant,
  pseudonym uuid not null default uuidv7(),
  ref_hash ledger.b32,
  erased_leaf bigint,
  unique (tenant_no, ref_hash),
  unique (tenant_no, pseudonym),
  check ((ref_hash is null) = (erased_leaf is not null))
);

-- Versions that were replaced, valid in [leaf, to_leaf). Read by every `as_of`.
create table mem.past (
  tenant_no int not null,
  entity text not null,
  id uuid not null,
  version int not null,
  leaf bigint not null,
  to_leaf bigint not null check (to_leaf > leaf),
  row jsonb not null,
  primary key (tenant_no, entity, id, leaf)
);
create index past_to_ix on mem.past (tenant_no, entity, to_leaf);

-- Full tiles of a shard's tree, made from leaf_hash; one that is missing is computed.
create table aux.tile (
  tenant_no int not null,
  shard int not null,
  level smallint not null check (level between 0 and 7),
  idx bigint not null,
  hashes bytea not null check (octet_length(hashes) = 8192),
  primary key (tenant_no, shard, level, idx)
);

-- How far a consumer of the ledger has come: the last leaf it has dealt with. Read by lookup.behind.
create table aux.cursor (
  consumer text not null,
  tenant_no int not null,
  leaf bigint not null,
  primary key (consumer, tenant_no)
);

-- Queries of the sweeps, run by lookup.due with $1 = now and $2 = limit. Rows come with migrations only.
create table aux.sweep (name text primary key, due text not null);

-- All it lets pass is ledger.purge, which runs as cs_owner and says whose rows go.
create function ledger.forbid() returns trigger language plpgsql as $$ begin
  if tg_op = 'DELETE' and current_user = 'cs_owner' then
    if current_setting('cellstate.purge', true) = old.tenant_no::text then return old; end if;
  end if;
  raise exception 'append-only: % on %', tg_op, tg_table_name using errcode = 'CS409';
end $$;
-- Always: session_replication_role = replica does not skip them.
do $$ declare t text; begin
  foreach t in array array['event', 'edge', 'shard'] loop
    execute format('create trigger ro before update or delete on ledger.%I for each row execute function ledger.forbid()', t);
    execute format('create trigger nt before truncate on ledger.%I for each statement execute function ledger.forbid()', t);
    execute format('alter table ledger.%1$I enable always trigger ro, enable always trigger nt', t);
  end loop;
end $$;

-- Row-level security and grants of one table; called in the migration of every table with tenant_no.
create procedure ledger.fence(t regclass) language plpgsql as $$
declare s text := (select relnamespace::regnamespace::text from pg_class where oid = t); begin
  execute format('alter table %s enable row level security, force row level security', t);
  execute format('create policy app on %s to cs_app using (tenant_no = nullif(current_setting(''cellstate.tenant_no'', true), '''')::int)', t);
  execute format('create policy rest on %s to cs_lane, cs_audit, cs_owner using (true)', t);
  execute format('grant select on %s to cs_lane, cs_app, cs_audit', t);
  if s = 'mem' then execute format('grant update on %s to cs_lane', t); end if;  -- clearing
  if s = 'aux' then execute format('grant insert, update, delete on %s to cs_lane, cs_app', t); end if;
end $$;
do $$ declare t text; begin
  foreach t in array array['ledger.shard', 'ledger.head', 'ledger.event', 'ledger.edge',
    'ledger.payload', 'ledger.subject', 'mem.past', 'aux.tile', 'aux.cursor'] loop
    call ledger.fence(t::regclass);
  end loop;
end $$;
grant usage on schema ledger, mem, aux to cs_lane, cs_app, cs_audit;
grant usage on schema lookup to cs_app;
grant select on ledger.migration to cs_lane, cs_app, cs_audit;
grant select, insert on ledger.tenant to cs_lane;
grant select (tenant_no, tenant_id) on ledger.tenant to cs_audit;
grant insert on ledger.shard, ledger.head, ledger.subject to cs_lane;
grant update on ledger.head to cs_lane;

-- Everything one unit of the pipeline asks, in one snapshot (stable) and one round trip.
-- p_refs: [{t: table, c: column, k: uuid|text, v: [values], leaves?: true}].
-- The setting is local: a statement on its own is its own transaction, and the setting ends with it.
create function ledger.assemble(p_tenant int, p_refs jsonb, p_chains uuid[], p_idem bytea[])
  returns table (tbl text, doc jsonb) language plpgsql stable as $$
declare r jsonb; begin
  perform set_config('cellstate.tenant_no', p_tenant::text, true);
  return query select '#head', jsonb_build_object('size', l.size, 'base_leaf', l.base_leaf)
    from ledger.head l where l.tenant_no = p_tenant;
  for r in select * from jsonb_array_elements(p_refs) loop
    return query execute format(case when r ? 'leaves' then
        -- leaves of all events of those entities, as inclusive ranges, without their contents
        'select ''#leaves'', jsonb_build_object(''t'', %1$L, ''c'', %2$L, ''v'', g.v, ''leaves'',
            (select jsonb_agg(jsonb_build_array(lower(i), upper(i) - 1) order by lower(i)) from unnest(g.l) i))
          from (select x.%2$I v, range_agg(int8range(e.leaf, e.leaf, ''[]'')) l from mem.%1$I x
            join ledger.event e on e.tenant_no = x.tenant_no and e.entity_id = x.id
            where x.tenant_no = $1 and x.%2$I = any ($2::%3$s[]) group by 1) g'
      else 'select %1$L, to_jsonb(x) from mem.%1$I x where x.tenant_no = $1 and x.%2$I = any ($2::%3$s[])' end,
      r ->> 't', r ->> 'c', case r ->> 'k' when 'text' then 'text' else 'uuid' end)
      using p_tenant, array(select jsonb_array_elements_text(r -> 'v'));
  end loop;
  return query select '#chain', jsonb_build_object('traj_id', c.id, 'traj_seq', e.traj_seq,
      'depth', e.depth, 'track', e.track, 'hash', encode(e.event_hash, 'hex'))
    from unnest(p_chains) c(id), lateral (select x.traj_seq, x.depth, x.track, x.event_hash from ledger.event x
      where x.tenant_no = p_tenant and x.traj_id = c.id order by x.traj_seq desc limit 1) e;
  return query select '#idem', jsonb_build_object('leaf', e.leaf, 'idem', encode(e.idem, 'hex'), 'request', encode(e.request, 'hex'))
    from ledger.event e where e.tenant_no = p_tenant and e.idem = any (p_idem);
end $$;

-- A part disappears only by a committed event that lists its leaf; called again while it answers p_limit rows.
create function ledger.end_content(p_tenant int, p_leaf bigint, p_limit int) returns table (ended_kind int, ended_id uuid)
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare f jsonb; h jsonb; l bigint[]; begin
  select e.facts::jsonb, e.header::jsonb into f, h from ledger.event e where e.tenant_no = p_tenant and e.leaf = p_leaf;
  if coalesce(jsonb_array_length(f -> 'ends'), 0) = 0 then
    raise exception 'event % ends no content', p_leaf using errcode = 'CS005';
  end if;
  l := array(select p.leaf from jsonb_array_elements(f -> 'ends') r, ledger.payload p
    where p.tenant_no = p_tenant and p.leaf < p_leaf and p.leaf between (r ->> 0)::bigint and (r ->> 1)::bigint
      and (p.content is not null or h ->> 'kind' = '0402') limit p_limit);
  if h ->> 'kind' = '0402' then  -- an erasure takes the data too, and the tie to the person
    delete from ledger.payload p where p.tenant_no = p_tenant and p.leaf = any (l);
    update ledger.subject s set ref_hash = null, erased_leaf = p_leaf
      where s.tenant_no = p_tenant and s.pseudonym = (h -> 'pay' ->> 's')::uuid and s.erased_leaf is null;
  else
    update ledger.payload p set content = null, content_salt = null where p.tenant_no = p_tenant and p.leaf = any (l);
  end if;
  return query select e.kind, e.entity_id from ledger.event e where e.tenant_no = p_tenant and e.leaf = any (l);
end $$;

-- The one deletion: of the tenant that system.tenant_purged (0005), leaf p_leaf of the system tenant, names.
create function ledger.purge(p_leaf bigint) returns void language plpgsql security definer
  set search_path = pg_catalog, pg_temp as $$
declare n int; t regclass; begin
  select x.tenant_no into strict n from ledger.tenant s join ledger.event e using (tenant_no) join ledger.payload p using (tenant_no, leaf)
    join ledger.tenant x on x.tenant_id = (p.data::jsonb -> 'data' ->> 'tenant_id')::uuid
    where s.tenant_id = '00000000-0000-7000-8000-000000000000' and e.leaf = p_leaf and e.kind = 5 and x.tenant_no <> s.tenant_no;
  perform set_config('cellstate.purge', n::text, true);
  for t in select c.oid from pg_class c
    where c.relrowsecurity and c.relnamespace::regnamespace::text in ('ledger', 'mem', 'aux') order by c.oid desc loop
    execute format('delete from %s where tenant_no = $1', t) using n;
  end loop;
  delete from ledger.tenant where tenant_no = n;
end $$;

-- What a sweep finds to do, over all tenants. Read by core/jobs.
create function lookup.due(p_sweep text, p_now bigint, p_limit int) returns table (tenant_no int, id uuid, version int)
  language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$ begin
  return query execute (select s.due from aux.sweep s where s.name = p_sweep) using p_now, p_limit;
end $$;

-- Tenants whose ledger is ahead of a consumer, in random order: one that is stuck keeps no other out.
create function lookup.behind(p_consumer text, p_limit int) returns table (tenant_no int, leaf bigint, size bigint)
  language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
  select h.tenant_no, coalesce(c.leaf, -1), h.size from ledger.head h
    left join aux.cursor c on c.consumer = p_consumer and c.tenant_no = h.tenant_no
    where h.size > coalesce(c.leaf, -1) + 1 order by random() limit p_limit $$;

grant execute on function ledger.assemble, lookup.due, lookup.behind to cs_app;
grant execute on function ledger.end_content, ledger.purge to cs_lane;
reset role;
