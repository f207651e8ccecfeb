-- Trajectories.

set role cs_owner;

create table mem.trajectory (
  tenant_no int not null,
  id uuid not null,
  version int not null,
  leaf bigint not null,
  created_at bigint not null,
  updated_at bigint not null,
  created_by jsonb not null,
  external_id text,            -- read by gate 4, and where a caller names a trajectory by it
  name text not null,          -- clients find theirs by name among the newest
  status text not null,        -- filter of the list
  parent_trajectory_id uuid,   -- filter of the list; read by the delete of the parent
  root_trajectory_id uuid not null,
  agent_id uuid not null,      -- filter of the list; the owner
  is_deleted boolean not null,
  doc jsonb not null,          -- description, depth, track, subject, fork, outcome, metadata
  primary key (tenant_no, id)
) with (fillfactor = 80);

-- As in 0005: one index guards, the other is searched.
create unique index trajectory_external_id_uq on mem.trajectory (tenant_no, external_id)
  where external_id is not null and not is_deleted;
create index trajectory_external_id_ix on mem.trajectory (tenant_no, external_id) where external_id is not null;
create index trajectory_created_ix on mem.trajectory (tenant_no, created_at, id);
create index trajectory_status_ix on mem.trajectory (tenant_no, status, created_at, id);
create index trajectory_agent_ix on mem.trajectory (tenant_no, agent_id, created_at, id);
create index trajectory_root_ix on mem.trajectory (tenant_no, root_trajectory_id, created_at, id);
-- Of deleted ones too: the decider sees every child and leaves the deleted ones out itself.
create index trajectory_parent_ix on mem.trajectory (tenant_no, parent_trajectory_id, created_at, id)
  where parent_trajectory_id is not null;

call ledger.define_projection('trajectory');
reset role;
