-- Regions.

set role cs_owner;

create table mem.region (
  tenant_no int not null,
  id uuid not null,
  version int not null,
  leaf bigint not null,
  created_at bigint not null,
  updated_at bigint not null,
  created_by jsonb not null,
  name text not null,          -- filter of the list
  live_name text,              -- the name until the region is deleted; read by gate 4
  region_type text not null,   -- filter of the list
  owner_agent_id uuid not null, -- filter of the list
  is_deleted boolean not null,
  doc jsonb not null,          -- team, readers, writers, rules, count of items, metadata
  primary key (tenant_no, id)
) with (fillfactor = 70);      -- it counts its items

create unique index region_live_name_uq on mem.region (tenant_no, live_name) where live_name is not null;
create index region_created_ix on mem.region (tenant_no, created_at, id);

call ledger.define_projection('region');
reset role;
