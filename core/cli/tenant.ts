/**
 * `cellstate tenant`: the first tenant and its first key, with no credential needed beforehand.
 *
 * Works on the database itself. Beside a running core on PostgreSQL it takes no lock: the commit
 * compares size and root, so a core that moved the same ledger meanwhile makes it try again, and the
 * other way round. The embedded database belongs to one process, so there the core must not run.
 */
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {pino} from 'pino';
import {z} from 'zod';
import {CellError} from '../../shared/errors.ts';
import {isId, type TenantId} from '../../shared/ids.ts';
import {tenant as tenantResource} from '../../shared/wire/tenants.ts';
import {apiKey} from '../../shared/wire/api-keys.ts';
import {adminScopes, createTenant, newKey, systemCall} from '../api/bootstrap.ts';
import type {Services} from '../api/services.ts';
import {createApp} from '../app.ts';
import {parseConfig} from '../config.ts';
import {systemActor} from '../domain/actor.ts';
import {withDevSecrets} from '../main.ts';
import {openStore} from '../store/open.ts';
import {databaseOption, databaseUrlOf, type Cli, type Register} from './command.ts';
import {CliError, exits} from './exit.ts';
import {json, line, note, table, type Printing} from './terminal.ts';

type Options = Printing & {readonly database?: string};
type CreateOptions = Options & {readonly domain?: string};
type KeyOptions = Options & {readonly name?: string};

export const registerTenant: Register = (program, cli) => {
  const group = program
    .command('tenant')
    .description("make a tenant, or an administrator's key of one, on the database itself");
  group
    .command('create <name>')
    .description(
      "make a tenant with its ledger, its default agent and an administrator's key, which is printed once",
    )
    .option('--domain <domain>', 'domain whose verified addresses belong to it')
    .option(...databaseOption)
    .option('--json', 'print JSON')
    .option('--quiet', "print the tenant's id and the key alone, a line each")
    .action((name: string, options: CreateOptions) => {
      checkInput(
        z.object({name: tenantResource.create.name, domain: tenantResource.create.domain}),
        {name, domain: options.domain},
      );
      return withServices(cli, options, (services) => create(cli, services, name, options));
    });
  group
    .command('key <tenant-id>')
    .description("make another administrator's key of a tenant; it is printed once")
    .option('--name <name>', 'name of the key; no two live keys of a tenant share one')
    .option(...databaseOption)
    .option('--json', 'print JSON')
    .option('--quiet', 'print the key alone')
    .action((text: string, options: KeyOptions) => {
      const id: TenantId = text;
      if (!isId(text))
        throw new CliError(
          exits.usage,
          `${text} is no id of a tenant; \`tenant create\` printed it`,
          {code: 'USAGE'},
        );
      if (options.name !== undefined)
        checkInput(z.object({name: apiKey.create.name}), {name: options.name});
      return withServices(cli, options, (services) => key(cli, services, id, options));
    });
};

/** The core's own services over the database, without its surfaces and without its lock. */
async function withServices(
  cli: Cli,
  options: Options,
  work: (services: Services) => Promise<void>,
): Promise<void> {
  const databaseUrl = databaseUrlOf(cli.environment, options.database);
  // The head guard is that of the core, which must know what was acknowledged here. The cache is not:
  // what a running core has in memory of it is its own.
  const cachePath = mkdtempSync(join(tmpdir(), 'cellstate-'));
  const environment = {
    ...cli.environment,
    DATABASE_URL: databaseUrl,
    CELLSTATE_CACHE_PATH: cachePath,
  };
  const config = parseConfig(withDevSecrets(environment));
  const store = await openStore(config.databaseUrl, {
    autoMigrate: config.autoMigrate,
    maxConnections: 2,
    lanes: 1,
    takeLock: false,
    ...(config.databaseAppUrl === null ? {} : {appUrl: config.databaseAppUrl}),
  }).catch((error: unknown) => {
    throw heldByCore(error) ?? error;
  });
  const app = await createApp({config, store, log: pino({level: 'silent'})});
  try {
    await work(app.services);
  } finally {
    await app.close();
    rmSync(cachePath, {recursive: true, force: true});
  }
}

function heldByCore(error: unknown): CliError | null {
  if (!(error instanceof Error) || !error.message.includes(' is in use by process ')) return null;
  const advice =
    'If that is a running core, stop it, run this again, and start it again. (Beside a running core this works on PostgreSQL.)';
  return new CliError(exits.refused, `${error.message}. ${advice}`, {code: 'IN_USE', cause: error});
}

async function create(
  {terminal}: Cli,
  services: Services,
  name: string,
  {domain, ...options}: CreateOptions,
): Promise<void> {
  const made = await createTenant(services, {name, domain: domain ?? null});
  const {agentId, key: text, keyId, tenantId} = made;
  if (options.json)
    return json(terminal, {
      tenant_id: tenantId,
      agent_id: agentId,
      api_key_id: keyId,
      api_key: text,
    });
  if (options.quiet) return line(terminal, `${tenantId}\n${text}`);
  terminal.out(
    table([
      ['tenant', tenantId],
      ['agent', `${agentId} (default)`],
      ['key id', keyId],
      ['key', text],
    ]),
  );
  note(terminal, 'The key is shown this once and kept nowhere: put it where your secrets are.');
}

async function key(
  {terminal}: Cli,
  services: Services,
  tenantId: TenantId,
  options: KeyOptions,
): Promise<void> {
  const found = await services.store.lookup.tenant(tenantId);
  if (found === null)
    throw new CellError('TENANT_NOT_FOUND', `no tenant of this database has the id ${tenantId}`);
  const keyId = services.newId<'api_key'>();
  const name = options.name ?? `admin-${keyId.slice(-8)}`;
  const {made, text: keyText} = newKey(services);
  const draft = {
    ...made,
    name,
    scopes: [...adminScopes],
    agentId: null,
    sourceCeiling: 'user',
    expiresAt: null,
    metadata: {},
  };
  const command = {type: 'api_key.create', id: keyId, draft};
  await services.pipeline.run(systemActor(found.tenantNo, tenantId, 'bootstrap'), systemCall, [
    command,
  ]);
  if (options.json)
    return json(terminal, {tenant_id: tenantId, api_key_id: keyId, name, api_key: keyText});
  if (options.quiet) return line(terminal, keyText);
  terminal.out(
    table([
      ['tenant', tenantId],
      ['key id', keyId],
      ['name', name],
      ['key', keyText],
    ]),
  );
  note(terminal, 'The key is shown this once and kept nowhere: put it where your secrets are.');
}

function checkInput(schema: z.ZodType, value: unknown): void {
  const result = schema.safeParse(value);
  if (result.success) return;
  const [issue] = result.error.issues;
  throw new CliError(
    exits.usage,
    `${issue?.path.join('.') ?? 'input'}: ${issue?.message ?? 'is not allowed'}`,
    {code: 'USAGE'},
  );
}
