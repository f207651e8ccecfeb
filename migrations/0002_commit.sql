-- The one way to write: ledger.commit, and what makes the functions it hands rows to.
--
-- A new entity needs its table and one line: call ledger.define_projection('note').

set role cs_owner;

-- The columns that a row brings, formatted one by one (%1$s name, %2$s type); none that the table computes.
create function ledger.columns(t regclass, f text) returns text language sql stable
  set search_path = pg_catalog, pg_temp as $$
  select string_agg(format(f, attname, format_type(atttypid, atttypmod)), ', ' order by attnum)
    from pg_attribute where attrelid = t and attnum > 0 and not attisdropped and attgenerated = '' $$;

-- ledger.put_<table>: rows are only ever added.
create procedure ledger.define_journal(t regclass) language plpgsql set search_path = pg_catalog, pg_temp as $d$ begin
  execute format($f$ create or replace function ledger.%I(p jsonb) returns bigint language plpgsql as $b$ declare n bigint; begin
      insert into %s select * from jsonb_populate_recordset(null::%2$s, p); get diagnostics n = row_count; return n; end $b$ $f$,
    'put_' || (select relname from pg_class where oid = t), t);
  if not (select relrowsecurity from pg_class where oid = t) then call ledger.fence(t); end if;
end $d$;

-- ledger.put_<name>: new rows, next versions and, in mem.past, the versions they replace. Called again
-- when a column is added. A row whose base_version is not the one that is there is not counted, which
-- ledger.commit refuses. A change that raises no version (a counter) leaves no past.
create procedure ledger.define_projection(name text) language plpgsql set search_path = pg_catalog, pg_temp as $d$
declare t regclass := format('mem.%I', name)::regclass; begin
  execute format($f$ create or replace function ledger.%1$I(p jsonb) returns bigint language plpgsql as $b$ declare n bigint; begin
      with m as (
        merge into %2$s x using jsonb_to_recordset(p) r(%3$s, base_version int, first_leaf bigint) on x.tenant_no = r.tenant_no and x.id = r.id
        when matched and x.version = r.base_version then update set (%4$s) = row(%5$s)
        when not matched and r.base_version = 0 then insert (%4$s) values (%5$s)
        returning r.tenant_no, r.id, old.version, old.leaf, r.first_leaf, case when new.version > old.version then to_jsonb(old) end as was),
      k as (insert into mem.past select tenant_no, %6$L, id, version, leaf, first_leaf, was from m where was is not null)
      select count(*) into n from m; return n; end $b$ $f$,
    'put_' || name, t, ledger.columns(t, '%I %s'), ledger.columns(t, '%I'), ledger.columns(t, 'r.%I'), name);
  if not (select relrowsecurity from pg_class where oid = t) then call ledger.fence(t); end if;
end $d$;

-- One batch: heads are compared and moved, then each array of p_rows goes to ledger.put_<its name>.
-- Definer: the role that holds the lane's connection cannot write an event without the compare.
-- The planner settings keep plans on the indexes: one made while a table was small would be kept until
-- its next ANALYZE and read the whole of it.
create function ledger.commit(p_now bigint, p_heads jsonb, p_rows jsonb) returns void language plpgsql security definer
  set search_path = pg_catalog, pg_temp set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off as $$
declare n bigint; m bigint; k text; r jsonb; begin
  if abs(extract(epoch from clock_timestamp()) * 1000000 - p_now) > 300000000 then
    raise exception 'clocks differ' using errcode = 'CS004';
  end if;
  update ledger.head l set size = h.size, root = h.root, frontier = h.frontier
    from jsonb_to_recordset(p_heads) h(tenant_no int, base_size bigint, base_root bytea, size bigint, root bytea, frontier bytea)
    where l.tenant_no = h.tenant_no and l.size = h.base_size and l.root = h.base_root;
  get diagnostics n = row_count;
  if n <> jsonb_array_length(p_heads) then raise exception 'head moved' using errcode = 'CS001'; end if;
  -- Each head moves over exactly the leaves that come with it; event_pk makes them distinct.
  select count(*), sum(e.n) into n, m
    from (select tenant_no, count(*) n, min(leaf) lo, max(leaf) hi
      from jsonb_to_recordset(p_rows -> 'event') x(tenant_no int, leaf bigint) group by 1) e
    join jsonb_to_recordset(p_heads) h(tenant_no int, base_size bigint, size bigint)
      on h.tenant_no = e.tenant_no and e.n = h.size - h.base_size and e.lo = h.base_size and e.hi = h.size - 1;
  if n <> jsonb_array_length(p_heads) or m is distinct from jsonb_array_length(p_rows -> 'event') then
    raise exception 'events and heads differ' using errcode = 'CS003';
  end if;
  for k, r in select * from jsonb_each(p_rows) loop
    execute format('select ledger.%I($1)', 'put_' || k) into n using r;
    if n is distinct from jsonb_array_length(r) then raise exception '% differs', k using errcode = 'CS002'; end if;
  end loop;
end $$;
grant execute on function ledger.commit to cs_lane;

call ledger.define_journal('ledger.event');
call ledger.define_journal('ledger.payload');
call ledger.define_journal('ledger.edge');
call ledger.define_journal('mem.past');
reset role;
