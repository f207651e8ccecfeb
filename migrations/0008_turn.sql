-- Turns. The busiest table: three indexes, and rows that are written once.

set role cs_owner;

create table mem.turn (
  tenant_no int not null,
  id uuid not null,
  version int not null,
  leaf bigint not null,
  created_at bigint not null,
  updated_at bigint not null,
  created_by jsonb not null,
  scope_id uuid not null,      -- the list; the close of the scope asks for the leaves of its turns
  trajectory_id uuid not null, -- the list over all scopes of a trajectory
  sequence bigint not null,    -- order of the list; what a rewind names
  role text not null,          -- filter of context assembly
  token_count int not null,    -- summed by the use case of a rewind
  content text,                -- null once cleared; search and context assembly
  tool_calls jsonb,            -- null once cleared
  tool_results jsonb,          -- null once cleared
  doc jsonb not null,          -- hash, size, source class, trust, lineage, validity, model, metadata
  primary key (tenant_no, id)
) with (fillfactor = 95);      -- only clearing updates a turn

-- Also what keeps a sequence from being given twice, should the lane ever be wrong.
create unique index turn_sequence_uq on mem.turn (tenant_no, scope_id, sequence);
create index turn_trajectory_ix on mem.turn (tenant_no, trajectory_id, created_at, id);

call ledger.define_projection('turn');
reset role;
