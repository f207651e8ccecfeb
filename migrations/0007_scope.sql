-- Scopes. Their saved states are no table: each is the content of its `scope.checkpointed` event.

set role cs_owner;

create table mem.scope (
  tenant_no int not null,
  id uuid not null,
  version int not null,
  leaf bigint not null,
  created_at bigint not null,
  updated_at bigint not null,
  created_by jsonb not null,
  external_id text,            -- read by gate 4, and where a caller names a scope by it
  trajectory_id uuid not null, -- filter of the list
  open_in text,                -- the trajectory while the scope is open; read by the end of the trajectory
  is_active boolean not null,  -- filter of the list
  parent_scope_id uuid,
  doc jsonb not null,          -- name, purpose, budget, counters, rewound ranges, saved states' places, metadata
  primary key (tenant_no, id)
) with (fillfactor = 50);      -- every turn updates its counters, and no index names them

create unique index scope_external_id_uq on mem.scope (tenant_no, external_id) where external_id is not null;
create index scope_created_ix on mem.scope (tenant_no, created_at, id);
create index scope_trajectory_ix on mem.scope (tenant_no, trajectory_id, created_at, id);
create index scope_open_ix on mem.scope (tenant_no, open_in) where open_in is not null;

call ledger.define_projection('scope');
reset role;
