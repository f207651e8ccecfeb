-- Conflicts.

set role cs_owner;

create table mem.conflict (
  tenant_no int not null,
  id uuid not null,
  version int not null,
  leaf bigint not null,
  created_at bigint not null,
  updated_at bigint not null,
  created_by jsonb not null,
  conflict_type text not null, -- filter of the list
  status text not null,        -- filter of the list
  trajectory_id uuid,          -- filter of the list
  open_claim text,             -- the claim's key until it is resolved; read by gate 10
  claimed_at bigint,           -- read by the sweep
  doc jsonb not null,          -- items, agents, claim, resolution, metadata
  primary key (tenant_no, id)
) with (fillfactor = 80);

create index conflict_created_ix on mem.conflict (tenant_no, created_at, id);
create index conflict_status_ix on mem.conflict (tenant_no, status, created_at, id);
create index conflict_trajectory_ix on mem.conflict (tenant_no, trajectory_id, created_at, id)
  where trajectory_id is not null;
create index conflict_claim_ix on mem.conflict (tenant_no, open_claim) where open_claim is not null;
create index conflict_claimed_ix on mem.conflict (claimed_at) where claimed_at is not null;

call ledger.define_projection('conflict');

-- Conflicts that were claimed a quarter of an hour ago and are not resolved.
insert into aux.sweep (name, due) values ('conflict_claim',
  $$select tenant_no, id, version from mem.conflict
    where claimed_at <= $1 - 900000000 and claimed_at is not null order by claimed_at limit $2$$);
reset role;
