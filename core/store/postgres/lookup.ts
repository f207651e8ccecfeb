/** The questions that see more than one tenant, each a SECURITY DEFINER function of schema `lookup`. */
import type {Id, TenantNo} from '../../../shared/ids.ts';
import {fromSql, type SqlRow} from '../codec.ts';
import type {Lookup} from '../store.ts';
import {statements, type Ask} from './statements.ts';

type Document = {readonly doc: SqlRow};

const toTenant = ({doc}: Document) => ({
  tenantNo: doc['tenant_no'] as TenantNo,
  row: fromSql(doc),
});

export const lookupOver = (ask: Ask): Lookup => ({
  async credential(hashes) {
    const found = await ask<Document>(statements.credential, [hashes]);
    return found.map(({doc}) => ({
      tenantNo: doc['tenant_no'] as TenantNo,
      hash: doc['key_hash'] as string,
      row: fromSql(doc),
    }));
  },

  async tenant(id) {
    const [found] = await ask<Document>(statements.tenant, ['id', id]);
    return found === undefined ? null : toTenant(found);
  },

  async tenants(after, limit) {
    return (await ask<Document>(statements.tenants, [after, limit])).map(toTenant);
  },

  async behind(consumer, limit) {
    type Row = {tenant_no: TenantNo; leaf: number; size: number};
    const found = await ask<Row>(statements.behind, [consumer, limit]);
    return found.map(({tenant_no: tenantNo, leaf, size}) => ({tenantNo, leaf, size}));
  },

  async due(sweep, now, limit) {
    type Row = {tenant_no: TenantNo; id: Id; version: number};
    const found = await ask<Row>(statements.due, [sweep, now, limit]);
    return found.map(({tenant_no: tenantNo, id, version}) => ({tenantNo, id, version}));
  },
});
