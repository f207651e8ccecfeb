-- API keys, and the question that makes a credential a key: it comes before the tenant is known.

set role cs_owner;

create table mem.api_key (
  tenant_no int not null,
  id uuid not null,
  version int not null,
  leaf bigint not null,
  created_at bigint not null,
  updated_at bigint not null,
  created_by jsonb not null,
  name text not null,
  status text not null,        -- filter of the list
  key_hash text not null,      -- 64 hex digits; the text of a key is kept nowhere
  live_name text,              -- the name while the key is active; read by gate 4
  agent_id uuid,               -- the one agent the key acts for
  expires_at bigint,           -- read by the sweep that writes api_key.expired
  doc jsonb not null,          -- prefix, scopes, source ceiling, successor, grace, metadata
  primary key (tenant_no, id)
) with (fillfactor = 80);

-- Over all tenants, without tenant_no: a request has a key before it has a tenant. Not unique: two
-- equal hashes would be one key made twice, and 256 random bits are not.
create index api_key_hash_ix on mem.api_key (key_hash);
create unique index api_key_live_name_uq on mem.api_key (tenant_no, live_name) where live_name is not null;
create index api_key_created_ix on mem.api_key (tenant_no, created_at, id);
create index api_key_agent_ix on mem.api_key (tenant_no, agent_id) where agent_id is not null;
create index api_key_expiry_ix on mem.api_key (expires_at) where expires_at is not null and status in ('active', 'rotating');

call ledger.define_projection('api_key');

-- Revoked and expired keys too: whether a key works is the caller's to judge, at its own time. One
-- hash per master key that the server lists. Compared as text, so that the index is used.
create function lookup.credential(p_hashes bytea[]) returns setof mem.api_key
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select k.* from mem.api_key k where k.key_hash = any (array(select encode(h, 'hex') from unnest(p_hashes) h)) $$;

grant execute on function lookup.credential to cs_app;

-- Keys whose time is over and whose event is not written yet.
insert into aux.sweep (name, due) values ('api_key_expire',
  $$select tenant_no, id, version from mem.api_key
    where expires_at <= $1 and status in ('active', 'rotating') order by expires_at limit $2$$);
reset role;
