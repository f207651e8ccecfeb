/**
 * A projection of the tests' own, so that they depend on no entity: `mem.widget`.
 *
 * Its trigger raises what a row asks for by its `fault`, a SQLSTATE: how a commit meets errors that
 * no row of the product can provoke, such as a full disk.
 */
import type {Head} from '../../../core/store/store.ts';
import type {Admin} from '../../support/database.ts';
import {anId, nowMicros, type SqlRow} from './batches.ts';

const sql = `
set role cs_owner;
create table mem.widget (
  tenant_no int not null, id uuid not null, version int not null, leaf bigint not null,
  created_at bigint not null, updated_at bigint not null, created_by jsonb not null,
  name text not null, owner_id uuid, external_id text, count int not null default 0, fault text,
  doc jsonb not null, primary key (tenant_no, id)) with (fillfactor = 80);
create unique index widget_name_uq on mem.widget (tenant_no, name);
call ledger.define_projection('widget');
create function mem.widget_fault() returns trigger language plpgsql as $$ begin
  if new.fault = 'warning' then raise warning 'widget';
  elsif new.fault is not null then raise exception 'widget' using errcode = new.fault; end if;
  return new; end $$;
create trigger fault after insert or update on mem.widget for each row execute function mem.widget_fault();
reset role;`;

export const makeWidgets = (admin: Admin): Promise<void> => admin.run(sql);

/** A new widget, created by the event at the head's size. */
export function aWidget(head: Head, members: SqlRow = {}): SqlRow {
  const at = nowMicros();
  const id = anId();
  return {
    tenant_no: head.tenantNo,
    id,
    version: 1,
    leaf: head.size,
    created_at: at,
    updated_at: at,
    created_by: {kind: 'system', id: 'test', agent_id: null, on_behalf_of: null},
    name: `widget ${id}`,
    count: 0,
    doc: {},
    base_version: 0,
    first_leaf: head.size,
    ...members,
  };
}

/** The next version of a widget, made by the event at the head's size. */
export const nextVersion = (head: Head, widget: SqlRow, members: SqlRow = {}): SqlRow => {
  const base = Number(widget['version']);
  const next = {version: base + 1, leaf: head.size, base_version: base, first_leaf: head.size};
  return {...widget, ...next, ...members};
};
