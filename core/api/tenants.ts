/** Use cases of tenants and their settings. */
import {CellError} from '../../shared/errors.ts';
import {defaultSettings, settingFault, settingRules} from '../../shared/settings.ts';
import {
  configGet,
  configUpdate,
  configValidate,
  tenant,
  tenantsActivate,
  tenantsArchive,
  tenantsCreate,
  tenantsGet,
  tenantsList,
  tenantsSuspend,
  tenantsUpdate,
} from '../../shared/wire/tenants.ts';
import {snake} from '../../shared/wire/resource.ts';
import type {Actor} from '../domain/actor.ts';
import type {Row, TenantSettings} from '../domain/aggregate.ts';
import type {Tenant, TenantCommand} from '../domain/tenant.ts';
import {createTenant} from './bootstrap.ts';
import {oneAnswer} from './list.ts';
import {mutate} from './mutate.ts';
import {notFound} from './reads.ts';
import {serve, type Request, type Services, type Serving} from './services.ts';
import {stated} from './stated.ts';

type Settings = Record<string, number | string | boolean>;
type Fault = {
  readonly path: string;
  readonly code: 'INVALID_RANGE' | 'FORBIDDEN';
  readonly message: string;
};

/** Another tenant's id is refused alike whether that tenant exists or not. */
function checkOwn(actor: Actor, tenantId: string): void {
  if (actor.tenantId === tenantId || actor.scopes.has('operator')) return;
  throw new CellError('FORBIDDEN', 'this tenant is not the one of the credential');
}

/** An operator acts in the ledger of the tenant that the call is about; others have their own alone. */
export async function actorIn(services: Services, actor: Actor, tenantId: string): Promise<Actor> {
  checkOwn(actor, tenantId);
  if (actor.tenantId === tenantId) return actor;
  const found = await services.store.lookup.tenant(tenantId);
  if (found === null) throw notFound('tenant');
  return {...actor, tenantNo: found.tenantNo, tenantId, keyId: null, agentId: null};
}

/** What a caller wants the settings to be, and what is wrong with it. Null means the default. */
function judgeSettings(
  actor: Actor,
  sent: Readonly<Record<string, unknown>>,
): {set: Settings; faults: Fault[]} {
  const set: Settings = {};
  const faults: Fault[] = [];
  for (const [key, value] of Object.entries(sent)) {
    if (value === undefined) continue;
    const name = snake(key);
    const wanted = (value ?? defaultSettings[name]) as Settings[string];
    const rule = settingRules[name as keyof typeof settingRules];
    const fault = settingFault(name, wanted);
    if (fault !== null) faults.push({path: `/${name}`, code: 'INVALID_RANGE', message: fault});
    else if ('operatorOnly' in rule && !actor.scopes.has('operator')) {
      faults.push({
        path: `/${name}`,
        code: 'FORBIDDEN',
        message: 'is changed by the operator only',
      });
    }
    set[name] = wanted;
  }
  return {set, faults};
}

const settingsOf = (row: Row<Tenant>): TenantSettings =>
  ({...defaultSettings, ...row.state.settings}) as TenantSettings;
const printConfig = (row: Row<unknown>) => ({
  config: settingsOf(row as Row<Tenant>),
  version: row.version,
  defaults: defaultSettings,
});

export const tenantUseCases = (services: Services): Serving[] => {
  const print = (row: Row<unknown>): Record<string, unknown> =>
    tenant.print(row as Row<Tenant>, row.id);

  async function change(
    {actor, call}: Pick<Request<unknown>, 'actor' | 'call'>,
    command: TenantCommand,
    show = print,
  ) {
    const within = await actorIn(services, actor, command.id);
    return mutate(services, {actor: within, call}, [command], {
      resource: tenant,
      entity: 'tenant',
      id: command.id,
      print: show,
    });
  }

  return [
    serve(tenantsCreate, async ({input}) => {
      const made = await createTenant(services, input);
      const row = await services.reads.live<Tenant>(made.tenantNo, 'tenant', made.tenantId);
      return {
        body: {...print(row), key: made.key},
        version: row.version,
        location: `/api/v1/tenants/${row.id}`,
      };
    }),
    serve(tenantsList, async ({actor}) => {
      const own = await services.reads.live<Tenant>(actor.tenantNo, 'tenant', actor.tenantId);
      const rows = actor.scopes.has('operator') ? await allTenants(services) : [own];
      return {
        body: {
          tenants: rows.map(print),
          total: rows.length,
          total_is_capped: false,
          next_cursor: null,
        },
      };
    }),
    serve(tenantsGet, async ({actor, input}) =>
      oneAnswer(services, await actorIn(services, actor, input.tenantId), input, {
        entity: 'tenant',
        id: input.tenantId,
        print,
      }),
    ),
    serve(tenantsUpdate, ({actor, input, call}) => {
      const {tenantId, ...set} = input;
      return change({actor, call}, {type: 'tenant.update', id: tenantId, set: stated(set)});
    }),
    ...(
      [
        [tenantsSuspend, 'tenant.suspend'],
        [tenantsActivate, 'tenant.activate'],
        [tenantsArchive, 'tenant.archive'],
      ] as const
    ).map(([contract, type]) =>
      serve(contract, ({actor, input, call}) =>
        change({actor, call}, {type, id: input.tenantId, reason: input.reason}),
      ),
    ),
    serve(configGet, ({actor, input}) =>
      oneAnswer(services, actor, input, {entity: 'tenant', id: actor.tenantId, print: printConfig}),
    ),
    serve(configUpdate, ({actor, input, call}) => {
      const {set, faults} = judgeSettings(actor, input);
      const [first] = faults;
      if (first !== undefined) {
        const code = faults.length === 1 ? first.code : 'VALIDATION_FAILED';
        throw new CellError(
          code,
          `config: ${faults.map(({path, message}) => `${path} ${message}`).join(', ')}`,
          {issues: faults},
        );
      }
      return change(
        {actor, call},
        {type: 'tenant.change_settings', id: actor.tenantId, set},
        printConfig,
      );
    }),
    serve(configValidate, async ({actor, input}) => {
      const row = await services.reads.live<Tenant>(actor.tenantNo, 'tenant', actor.tenantId);
      const {set, faults} = judgeSettings(actor, input);
      return {
        body: {config: {...settingsOf(row), ...set}, valid: faults.length === 0, errors: faults},
      };
    }),
  ];
};

/** Most tenants one answer lists. */
const tenantLimitCount = 1_000;

async function allTenants(services: Services): Promise<Row<Tenant>[]> {
  const found = await services.store.lookup.tenants(0, tenantLimitCount);
  return found.map(({row}) => row as Row<Tenant>);
}
