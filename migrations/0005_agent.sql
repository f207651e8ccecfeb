-- Agents.

set role cs_owner;

create table mem.agent (
  tenant_no int not null,
  id uuid not null,
  version int not null,
  leaf bigint not null,
  created_at bigint not null,
  updated_at bigint not null,
  created_by jsonb not null,
  external_id text,            -- read by gate 4 and by the list
  agent_type text not null,    -- filter of the list; delegations and messages go to a type
  status text not null,        -- filter of the list
  team text,                   -- whose permissions of scope Team reach it
  current_trajectory_id uuid,
  reports_to uuid,             -- who may kill it
  is_deleted boolean not null, -- unregistered
  doc jsonb not null,          -- name, capabilities, memory access, delegation, owner, kill, metadata
  primary key (tenant_no, id)
) with (fillfactor = 70);      -- its status changes often

-- Two indexes: the first guards what is live, the second is what a search by external id can use,
-- because a search does not say `not is_deleted` (gate 4 judges that itself).
create unique index agent_external_id_uq on mem.agent (tenant_no, external_id) where external_id is not null and not is_deleted;
create index agent_external_id_ix on mem.agent (tenant_no, external_id) where external_id is not null;
create index agent_created_ix on mem.agent (tenant_no, created_at, id);
create index agent_type_ix on mem.agent (tenant_no, agent_type, created_at, id);
create index agent_status_ix on mem.agent (tenant_no, status, created_at, id);
create index agent_team_ix on mem.agent (tenant_no, team) where team is not null;

call ledger.define_projection('agent');
reset role;
