-- Notes.

set role cs_owner;

create table mem.note (
  tenant_no int not null,
  id uuid not null,
  version int not null,
  leaf bigint not null,
  created_at bigint not null,
  updated_at bigint not null,
  created_by jsonb not null,
  external_id text,            -- read by gate 4 and by the list
  note_type text not null,     -- filter of the list
  title text not null,         -- search and context assembly
  content text,                -- null once cleared; search and context assembly
  agent_id uuid not null,      -- filter of the list; the owner
  scope_id uuid,               -- of a `Scope` lifetime
  home_trajectory_id uuid,     -- the first source trajectory: its quota counts the note
  source_trajectory_ids uuid[] not null,  -- filter of the list
  abstraction_level text not null,        -- filter of the list
  region_id uuid,              -- filter of the list
  claim_key text,              -- filter of the list; read by gate 10
  identity_key text,           -- read by gate 4: an equal create is this item
  max_group text,              -- items of one `Max` lifetime, while current; the next create expires the oldest
  expires_with text,           -- the scope or trajectory whose end ends the content; read by that end
  expires_at bigint,           -- condition of every list; read by the sweep
  is_expired boolean not null, -- the event of the expiry is written
  superseded_by uuid,          -- condition of every list
  is_deleted boolean not null,
  valid_from bigint not null,  -- condition of every list
  valid_to bigint,             -- condition of every list
  doc jsonb not null,          -- hash, size, sources, confidence, lifetime, source class, trust, lineage, metadata
  primary key (tenant_no, id),
  -- As in 0009: judged when all rows of a batch are there.
  constraint note_identity_uq unique (tenant_no, identity_key) deferrable initially immediate
) with (fillfactor = 85);

-- As in 0005: one index guards, the other is searched.
create unique index note_external_id_uq on mem.note (tenant_no, external_id) where external_id is not null and not is_deleted;
create index note_external_id_ix on mem.note (tenant_no, external_id) where external_id is not null;
create index note_created_ix on mem.note (tenant_no, created_at, id);
create index note_type_ix on mem.note (tenant_no, note_type, created_at, id);
create index note_agent_ix on mem.note (tenant_no, agent_id, created_at, id);
create index note_region_ix on mem.note (tenant_no, region_id, created_at, id) where region_id is not null;
-- Most notes have one source trajectory; those of which it is not the first are found by walking.
create index note_home_ix on mem.note (tenant_no, home_trajectory_id, created_at, id) where home_trajectory_id is not null;
create index note_claim_ix on mem.note (tenant_no, claim_key) where claim_key is not null;
create index note_max_ix on mem.note (tenant_no, max_group) where max_group is not null;
create index note_expires_with_ix on mem.note (tenant_no, expires_with) where expires_with is not null;
create index note_expiry_ix on mem.note (expires_at) where expires_at is not null and not is_expired and not is_deleted;

call ledger.define_projection('note');

-- Notes whose time is over and whose event is not written yet.
insert into aux.sweep (name, due) values ('note_expire',
  $$select tenant_no, id, version from mem.note
    where expires_at <= $1 and expires_at is not null and not is_expired and not is_deleted order by expires_at limit $2$$);
reset role;
