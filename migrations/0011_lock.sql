-- Locks: leases on resources, which need not be rows of ours.

set role cs_owner;

create table mem.lock (
  tenant_no int not null,
  id uuid not null,
  version int not null,
  leaf bigint not null,
  created_at bigint not null,
  updated_at bigint not null,
  created_by jsonb not null,
  resource text not null,      -- `<type>/<id>`
  resource_type text not null, -- filter of the list
  resource_id text not null,   -- filter of the list; text, because a resource may be anything
  holder_agent_id uuid not null, -- filter of the list
  status text not null,        -- filter of the list
  expires_at bigint not null,  -- filter of the list; read by the sweep
  held_on text,                -- the resource until the lease ends by an event; read by gates 6 and 8
  doc jsonb not null,          -- mode, timeout, token, tenant, metadata
  primary key (tenant_no, id)
) with (fillfactor = 80);      -- every holder extends or releases

create index lock_held_ix on mem.lock (tenant_no, held_on) where held_on is not null;
create index lock_created_ix on mem.lock (tenant_no, created_at, id);
create index lock_resource_ix on mem.lock (tenant_no, resource_id, created_at, id);
create index lock_holder_ix on mem.lock (tenant_no, holder_agent_id, created_at, id);
create index lock_expiry_ix on mem.lock (expires_at) where status = 'held';

call ledger.define_projection('lock');

-- Leases that are over and whose event is not written yet.
insert into aux.sweep (name, due) values ('lock_expire',
  $$select tenant_no, id, version from mem.lock
    where expires_at <= $1 and status = 'held' order by expires_at limit $2$$);
reset role;
