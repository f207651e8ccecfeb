-- Intents.

set role cs_owner;

create table mem.intent (
  tenant_no int not null,
  id uuid not null,
  version int not null,
  leaf bigint not null,
  created_at bigint not null,
  updated_at bigint not null,
  created_by jsonb not null,
  name text not null,          -- read where a path names it
  live_name text,              -- the name until it is retired; read by gate 4
  agent_id uuid,               -- filter of the list; null: of the whole tenant
  is_deleted boolean not null, -- retired
  doc jsonb not null,          -- purpose, autonomy, goals, rules, signals, boundaries, metadata
  primary key (tenant_no, id)
) with (fillfactor = 85);

create unique index intent_live_name_uq on mem.intent (tenant_no, live_name) where live_name is not null;
create index intent_name_ix on mem.intent (tenant_no, name);
create index intent_created_ix on mem.intent (tenant_no, created_at, id);
create index intent_agent_ix on mem.intent (tenant_no, agent_id, created_at, id) where agent_id is not null;

call ledger.define_projection('intent');
reset role;
