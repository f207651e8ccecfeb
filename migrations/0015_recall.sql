-- The index over memory: what search and context assembly find items by.
--
-- No evidence and no content: numbers of words, and columns of rows of mem, all made again from them.
-- A row is written by the commit of its version, so what was acknowledged is found.

create extension if not exists btree_gin with schema public;
set role cs_owner;

-- One row for each text an item has had; the version whose leaf it bears, and those after it that said
-- the same, stand in it.
create table aux.recall_item (
  tenant_no int not null,
  leaf bigint not null,
  to_leaf bigint,              -- the leaf that put another text in its place, or deleted it; null: newest
  kind smallint not null,      -- 1 turn, 2 artifact, 3 note
  id uuid not null,
  version int not null,
  agent_id uuid,               -- the owner: the note's agent, or that of the trajectory
  trajectory_id uuid,          -- of a note: its first source
  scope_id uuid,
  seq bigint,                  -- of a turn; judged by the ranges its scope has rewound
  region_id uuid,
  speaker text,                -- of a turn
  trust smallint not null,     -- 4 user … 0 tool_external
  level smallint not null,     -- 0 raw, 1 summary, 2 principle
  hidden smallint not null,    -- bits: 2 quarantined, 8 recalled
  superseded_leaf bigint,      -- a leaf and no bit, so that a read as of an earlier one still shows it
  valid_from bigint not null,
  valid_to bigint,
  expires_at bigint,
  expires_with uuid,           -- the scope or trajectory whose end ends the content
  token_count int not null,
  len int not null,            -- terms without those of the date
  analyzer smallint not null,
  doc jsonb not null,          -- fields that filters name
  terms int[] not null,        -- FNV-1a of each stem in order, then @month and @year of valid_from
  primary key (tenant_no, id, leaf)   -- also finds the newest row of an item, and lists newest first
  -- Rows stay inline, or scoring would fetch each from TOAST.
) with (fillfactor = 85, toast_tuple_target = 8160);

-- The tenant is part of the key, so that a large neighbour cannot slow a small tenant, and stands in it
-- as bigint, so that no plan takes the primary key instead. New entries wait in a list, which every
-- search walks, and whoever fills it moves it into the tree. The longer it may grow, the less a write
-- costs and the more a search does: measured, writes at 256 kB cost 1.8 times those at 1 MB, and those
-- 1.9 times those at 4 MB, which is the size to take where a job calls recall_flush every two seconds.
create index recall_item_terms on aux.recall_item using gin ((tenant_no::bigint), terms)
  with (fastupdate = on, gin_pending_list_limit = 1024);

-- Items and terms of the rows that are newest, kept by the commit: N and the mean length of ranking.
create table aux.recall_stat (
  tenant_no int primary key,
  docs bigint not null,
  total_len bigint not null
) with (fillfactor = 50);

call ledger.fence('aux.recall_item');
call ledger.fence('aux.recall_stat');

-- Moves the list of new entries into the tree; for a job, so that no writer has to.
create function aux.recall_flush() returns bigint language sql security definer set search_path = pg_catalog, pg_temp
  as $$ select gin_clean_pending_list('aux.recall_item_terms') $$;

-- New rows of a batch. What the index holds is never a reason to refuse a commit, so what is there
-- already is left as it is and counted all the same.
create function ledger.put_recall_item(p jsonb) returns bigint language plpgsql as $$ begin
  with n as (insert into aux.recall_item select * from jsonb_populate_recordset(null::aux.recall_item, p)
    on conflict do nothing returning tenant_no, len, to_leaf)
  insert into aux.recall_stat as s select n.tenant_no, count(*), sum(n.len) from n where n.to_leaf is null group by 1
    on conflict (tenant_no) do update set docs = s.docs + excluded.docs, total_len = s.total_len + excluded.total_len;
  return jsonb_array_length(p);
end $$;
comment on function ledger.put_recall_item is 'own: the index is no projection';

-- Changes of rows that were there before the batch: ended at to_leaf, or other columns for the same text.
create function ledger.put_recall_change(p jsonb) returns bigint language plpgsql as $$ begin
  with c as (update aux.recall_item x set to_leaf = r.to_leaf,
      (version, trust, level, hidden, superseded_leaf, valid_from, valid_to, expires_at, expires_with, region_id, doc) = (
        select case when r.is_touched then r.version else x.version end, coalesce(r.trust, x.trust), coalesce(r.level, x.level),
          coalesce(r.hidden, x.hidden), coalesce(x.superseded_leaf, r.superseded_leaf), coalesce(r.valid_from, x.valid_from),
          case when r.is_touched then r.valid_to else x.valid_to end, case when r.is_touched then r.expires_at else x.expires_at end,
          case when r.is_touched then r.expires_with else x.expires_with end, case when r.is_touched then r.region_id else x.region_id end,
          coalesce(r.doc, x.doc))
    from jsonb_to_recordset(p) r(tenant_no int, id uuid, leaf bigint, to_leaf bigint, is_touched boolean, version int, trust smallint,
      level smallint, hidden smallint, superseded_leaf bigint, valid_from bigint, valid_to bigint, expires_at bigint,
      expires_with uuid, region_id uuid, doc jsonb)
    where x.tenant_no = r.tenant_no and x.id = r.id and x.leaf < r.leaf and x.to_leaf is null
    returning x.tenant_no, x.len, x.to_leaf)
  update aux.recall_stat s set docs = s.docs - d.docs, total_len = s.total_len - d.len
    from (select c.tenant_no, count(*) docs, sum(c.len) len from c where c.to_leaf is not null group by 1) d where s.tenant_no = d.tenant_no;
  return jsonb_array_length(p);
end $$;
comment on function ledger.put_recall_change is 'own: the index is no projection';

-- Containers as of a leaf; null: as they are now. Counters move no version, so a row of mem serves both.
create function aux.scope_at(p_tenant int, p_id uuid, p_leaf bigint) returns setof mem.scope language sql stable rows 1 as $$
  select x.* from mem.scope x where x.tenant_no = p_tenant and x.id = p_id and (p_leaf is null or x.leaf <= p_leaf)
  union all
  select r.* from mem.past p cross join lateral jsonb_populate_record(null::mem.scope, p.row) r
    where p_leaf is not null and p.tenant_no = p_tenant and p.entity = 'scope' and p.id = p_id and p.leaf <= p_leaf and p.to_leaf > p_leaf $$;
create function aux.trajectory_at(p_tenant int, p_id uuid, p_leaf bigint) returns setof mem.trajectory language sql stable rows 1 as $$
  select x.* from mem.trajectory x where x.tenant_no = p_tenant and x.id = p_id and (p_leaf is null or x.leaf <= p_leaf)
  union all
  select r.* from mem.past p cross join lateral jsonb_populate_record(null::mem.trajectory, p.row) r
    where p_leaf is not null and p.tenant_no = p_tenant and p.entity = 'trajectory' and p.id = p_id and p.leaf <= p_leaf and p.to_leaf > p_leaf $$;

-- What the containers of an item say of it: whether its content is still there, and whether it was
-- rewound. Closing a scope writes nothing here. Set-returning, so that it is planned into its caller.
create function aux.recall_within(p_tenant int, p_leaf bigint, p_kind smallint, p_trajectory uuid, p_scope uuid, p_seq bigint, p_with uuid)
  returns table (is_there boolean, is_rewound boolean) language sql stable rows 1 as $$
  select case when p_kind = 1 then coalesce(s.is_active or (s.doc ->> 'turns_kept')::boolean, false) else coalesce(s.is_active, true) end
      and (p_kind = 3 or not coalesce(t.is_deleted, false))
      and not coalesce(w.is_deleted or w.status in ('completed', 'failed'), false),
    p_kind = 1 and exists (select from jsonb_array_elements(s.doc -> 'rewound') r where p_seq between (r ->> 0)::bigint and (r ->> 1)::bigint)
  from (select 1) one
    left join lateral aux.scope_at(p_tenant, case when p_kind = 1 then p_scope else p_with end, p_leaf) s on true
    left join lateral aux.trajectory_at(p_tenant, p_trajectory, p_leaf) t on true
    left join lateral aux.trajectory_at(p_tenant, p_with, p_leaf) w on true $$;

-- Everything a question may restrict. `within`: also by containers, before the best are taken.
-- every, team/mates, own/self, granted, regions: what an agent may read; every null: anything.
create type aux.recall_filter as (leaf bigint, at bigint, now bigint, hide smallint, superseded boolean, invalid boolean, expired boolean,
  within boolean, kinds smallint[], levels smallint[], agents uuid[], trajectories uuid[], scopes uuid[], match jsonpath, vars jsonb,
  every smallint[], team smallint[], mates uuid[], own smallint[], self uuid, granted jsonpath, regions uuid[]);

create function aux.recall_fields(i aux.recall_item) returns jsonb language sql stable return i.doc || jsonb_build_object(
  'id', i.id, 'agent_id', i.agent_id, 'trajectory_id', i.trajectory_id, 'scope_id', i.scope_id, 'region_id', i.region_id,
  'speaker', i.speaker, 'trust', i.trust, 'abstraction_level', i.level, 'valid_from', i.valid_from, 'valid_to', i.valid_to);

create function aux.recall_keeps(i aux.recall_item, f aux.recall_filter) returns boolean language sql stable return
  case when f.leaf is null then i.to_leaf is null else i.leaf <= f.leaf and (i.to_leaf is null or i.to_leaf > f.leaf) end
  and i.hidden & f.hide = 0
  and (f.superseded or i.superseded_leaf is null or i.superseded_leaf > f.leaf)
  and (f.invalid or i.valid_from <= f.at and (i.valid_to is null or i.valid_to > f.at))
  and (f.expired or i.expires_at is null or i.expires_at > f.now)
  and (f.kinds is null or i.kind = any (f.kinds)) and (f.levels is null or i.level = any (f.levels))
  and (f.agents is null or i.agent_id = any (f.agents))
  and (f.trajectories is null or i.trajectory_id = any (f.trajectories)) and (f.scopes is null or i.scope_id = any (f.scopes))
  and case when f.every is null then true
           when i.region_id is not null then i.region_id = any (f.regions)
           else i.kind = any (f.every) or i.kind = any (f.team) and i.agent_id = any (f.mates) or i.kind = any (f.own) and i.agent_id = f.self
             or f.granted is not null and jsonb_path_match(aux.recall_fields(i), f.granted, f.vars, true) end
  and (f.match is null or jsonb_path_match(aux.recall_fields(i), f.match, f.vars, true));

-- An item that a question found.
create type aux.recall_found as (kind smallint, id uuid, version int, leaf bigint, trust smallint, level smallint, scope_id uuid,
  trajectory_id uuid, speaker text, valid_from bigint, valid_to bigint, is_superseded boolean, token_count int, len int, terms bytea,
  is_there boolean, is_rewound boolean);

-- The items with the most weight of the terms asked for. Definer: under row-level security PostgreSQL
-- never uses the GIN index, because && is not leakproof. The tenant must be the session's.
create function aux.recall_candidates(p_tenant int, p_select int[], p_terms int[], p_weights float8[], p_filter jsonb, p_limit int)
  returns setof aux.recall_found language sql stable security definer rows 200 set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off as $$
  select b.kind, b.id, b.version, b.leaf, b.trust, b.level, b.scope_id, b.trajectory_id, b.speaker, b.valid_from, b.valid_to,
    coalesce(b.superseded_leaf <= f.leaf, b.superseded_leaf is not null), b.token_count, b.len, array_send(b.terms), c.is_there, c.is_rewound
  from jsonb_populate_record(null::aux.recall_filter, p_filter) f cross join lateral (
      select i.*, (select sum(q.w) from unnest(p_terms, p_weights) q(t, w) where q.t = any (i.terms)) as weight from aux.recall_item i
      where p_tenant = nullif(current_setting('cellstate.tenant_no', true), '')::int
        and i.tenant_no::bigint = p_tenant::bigint and i.terms && p_select and aux.recall_keeps(i, f)
        and (not f.within or (select w.is_there and (f.superseded or not w.is_rewound)
          from aux.recall_within(p_tenant, f.leaf, i.kind, i.trajectory_id, i.scope_id, i.seq, i.expires_with) w))
      order by weight desc nulls last, i.leaf desc limit p_limit) b
    cross join lateral aux.recall_within(p_tenant, f.leaf, b.kind, b.trajectory_id, b.scope_id, b.seq, b.expires_with) c
  order by b.weight desc nulls last, b.leaf desc $$;

-- The newest items, for a question without words.
create function aux.recall_newest(p_tenant int, p_filter jsonb, p_limit int)
  returns setof aux.recall_found language sql stable security definer rows 200 set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off as $$
  select i.kind, i.id, i.version, i.leaf, i.trust, i.level, i.scope_id, i.trajectory_id, i.speaker, i.valid_from, i.valid_to,
    coalesce(i.superseded_leaf <= f.leaf, i.superseded_leaf is not null), i.token_count, i.len, ''::bytea, c.is_there, c.is_rewound
  from jsonb_populate_record(null::aux.recall_filter, p_filter) f cross join aux.recall_item i
    cross join lateral aux.recall_within(p_tenant, f.leaf, i.kind, i.trajectory_id, i.scope_id, i.seq, i.expires_with) c
  where p_tenant = nullif(current_setting('cellstate.tenant_no', true), '')::int and i.tenant_no = p_tenant
    and aux.recall_keeps(i, f) and c.is_there and (f.superseded or not c.is_rewound)
  order by i.id desc, i.leaf desc limit p_limit $$;

-- How many newest rows hold each term, counted up to p_limit; and the numbers of recall_stat.
create function aux.recall_frequencies(p_tenant int, p_terms int[], p_limit int)
  returns table (docs bigint, total_len bigint, df int[]) language sql stable security definer rows 1 set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off as $$
  select s.docs, s.total_len, array(select (select count(*) from (select from aux.recall_item i
      where i.tenant_no::bigint = p_tenant::bigint and i.terms && array[u.term] and i.to_leaf is null limit p_limit) c)::int
    from unnest(p_terms) with ordinality u(term, n) order by u.n)
  from aux.recall_stat s
  where s.tenant_no = p_tenant and p_tenant = nullif(current_setting('cellstate.tenant_no', true), '')::int $$;

grant execute on function aux.recall_within, aux.scope_at, aux.trajectory_at, aux.recall_fields, aux.recall_keeps, aux.recall_candidates,
  aux.recall_newest, aux.recall_frequencies to cs_app;
grant execute on function aux.recall_flush to cs_lane, cs_app;
reset role;
