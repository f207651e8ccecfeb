-- Artifacts.

set role cs_owner;

create table mem.artifact (
  tenant_no int not null,
  id uuid not null,
  version int not null,
  leaf bigint not null,
  created_at bigint not null,
  updated_at bigint not null,
  created_by jsonb not null,
  external_id text,            -- read by gate 4 and by the list
  trajectory_id uuid not null, -- filter of the list
  scope_id uuid not null,      -- filter of the list
  artifact_type text not null, -- filter of the list
  name text not null,          -- filter of the list: clients keep their state under a name
  content text,                -- null once cleared; search and context assembly
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
  doc jsonb not null,          -- hash, size, provenance, lifetime, source class, trust, lineage, metadata
  primary key (tenant_no, id),
  -- Null once changed or no longer current, and nulls are distinct. Deferrable, so that it is judged
  -- when all rows of a batch are there: an item that has run out and its equal come in one group.
  constraint artifact_identity_uq unique (tenant_no, identity_key) deferrable initially immediate
) with (fillfactor = 85);

-- As in 0005: one index guards, the other is searched.
create unique index artifact_external_id_uq on mem.artifact (tenant_no, external_id)
  where external_id is not null and not is_deleted;
create index artifact_external_id_ix on mem.artifact (tenant_no, external_id) where external_id is not null;
create index artifact_created_ix on mem.artifact (tenant_no, created_at, id);
create index artifact_trajectory_ix on mem.artifact (tenant_no, trajectory_id, created_at, id);
create index artifact_scope_ix on mem.artifact (tenant_no, scope_id, created_at, id);
create index artifact_name_ix on mem.artifact (tenant_no, name, created_at);
create index artifact_claim_ix on mem.artifact (tenant_no, claim_key) where claim_key is not null;
create index artifact_max_ix on mem.artifact (tenant_no, max_group) where max_group is not null;
create index artifact_expires_with_ix on mem.artifact (tenant_no, expires_with) where expires_with is not null;
create index artifact_expiry_ix on mem.artifact (expires_at) where expires_at is not null and not is_expired and not is_deleted;

call ledger.define_projection('artifact');

-- Artifacts whose time is over and whose event is not written yet.
insert into aux.sweep (name, due) values ('artifact_expire',
  $$select tenant_no, id, version from mem.artifact
    where expires_at <= $1 and expires_at is not null and not is_expired and not is_deleted order by expires_at limit $2$$);
reset role;
