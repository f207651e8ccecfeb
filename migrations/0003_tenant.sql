-- Tenants: one row each, and the two questions that find one without knowing its number.

set role cs_owner;

create table mem.tenant (
  tenant_no int not null,
  id uuid not null,
  version int not null,
  leaf bigint not null,
  created_at bigint not null,
  updated_at bigint not null,
  created_by jsonb not null,
  name text not null,
  domain text,                 -- read by lookup.tenant, when somebody with a verified address logs in
  oidc_organization text,      -- read by lookup.tenant, when a login brings an organisation claim
  status text not null,
  doc jsonb not null,          -- settings, default agent, metadata
  primary key (tenant_no, id)
) with (fillfactor = 80);

-- Over all tenants, without tenant_no: no lane sees the tenants of another.
create unique index tenant_domain_uq on mem.tenant (domain) where domain is not null;
create unique index tenant_organization_uq on mem.tenant (oidc_organization) where oidc_organization is not null;

call ledger.define_projection('tenant');

-- One tenant by its public id, by the domain of a verified address or by an organisation claim.
-- The three are branches, so that each keeps a plan on its own index.
create function lookup.tenant(p_by text, p_value text) returns setof mem.tenant
  language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$ begin
  if p_by = 'id' then
    return query select t.* from ledger.tenant l join mem.tenant t on t.tenant_no = l.tenant_no and t.id = l.tenant_id
      where l.tenant_id = p_value::uuid;
  elsif p_by = 'domain' then
    return query select t.* from mem.tenant t where t.domain = lower(p_value);
  elsif p_by = 'organization' then
    return query select t.* from mem.tenant t where t.oidc_organization = p_value;
  else
    raise exception 'no tenant is found by %', p_by using errcode = '22023';
  end if;
end $$;

-- The operator's list, in the order in which tenants were made: those after a number.
create function lookup.tenants(p_after int, p_limit int) returns setof mem.tenant
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select t.* from mem.tenant t where t.tenant_no > p_after order by t.tenant_no limit p_limit $$;

grant execute on function lookup.tenant, lookup.tenants to cs_app;
reset role;
