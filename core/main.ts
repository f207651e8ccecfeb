/**
 * The core's process: opens the database, puts the application together, listens, and stops cleanly.
 *
 * In development an unset master key is made and kept, pending migrations are applied, and a tenant
 * with a key is there after the first start.
 */
import {createTenant} from './api/bootstrap.ts';
import {createApp, type App, type AppParts} from './app.ts';
import {devSecrets, saveDevSecrets} from './cli/dev-secrets.ts';
import {parseConfig, type Config} from './config.ts';
import {openStore} from './store/open.ts';

export type Running = {
  readonly app: App;
  readonly config: Config;
  readonly url: string;
  /** The development tenant's key; null outside development. */
  readonly devKey: string | null;
  stop(): Promise<void>;
};

/** How long requests in flight may take to end once the process is asked to stop. */
const drainMs = 10_000;

type Environment = Readonly<Record<string, string | undefined>>;

/** A core whose database another one has taken over must not go on: it would answer reads from the past. */
function endProcess(error: Error): void {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}

/** The environment, with a development machine's own master key where none is set. */
export function withDevSecrets(environment: Environment): Environment {
  const isDevelopment = (environment['CELLSTATE_ENVIRONMENT'] ?? 'development') === 'development';
  if (!isDevelopment || environment['CELLSTATE_MASTER_KEY'] !== undefined) return environment;
  return {...environment, CELLSTATE_MASTER_KEY: devSecrets().CELLSTATE_MASTER_KEY};
}

export type StartParts = Pick<AppParts, 'onStep'> & {
  /** Told that this process can serve its database no longer. */
  readonly onFatal?: ((error: Error) => void) | undefined;
};

/** Starts the core. Throws `ConfigRefused` or the database's refusal with one line that says what to do. */
export async function start(
  environment: Environment,
  {onFatal = endProcess, onStep}: StartParts = {},
): Promise<Running> {
  const config = parseConfig(withDevSecrets(environment));
  const store = await openStore(config.databaseUrl, {
    autoMigrate: config.autoMigrate,
    maxConnections: config.maxConnections,
    onFatal,
    ...(config.databaseAppUrl === null ? {} : {appUrl: config.databaseAppUrl}),
  });
  const app = await createApp({config, store, onStep});
  const devKey = config.environment === 'development' ? await developmentKey(app) : null;
  const server = Bun.serve({
    hostname: config.host,
    port: config.port,
    fetch: app.http.fetch,
    idleTimeout: 120,
  });
  return {
    app,
    config,
    devKey,
    url: `http://${config.host}:${server.port}`,
    async stop() {
      const closed = server.stop();
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise((resolve) => {
        timer = setTimeout(resolve, drainMs);
      });
      await Promise.race([closed, late]);
      clearTimeout(timer);
      await server.stop(true);
      await app.close();
    },
  };
}

/** The development tenant's key: that of `.cellstate/dev.json` while it works, else one of a new tenant. */
async function developmentKey(app: App): Promise<string> {
  const secrets = devSecrets();
  if (secrets.key !== undefined && (await holds(app, secrets.key))) return secrets.key;
  const {key} = await createTenant(app.services, {name: 'development'});
  saveDevSecrets({...secrets, key});
  return key;
}

const holds = async (app: App, key: string): Promise<boolean> => {
  const [found] = await app.services.store.lookup.credential(app.services.keys.apiKeyHashes(key));
  return found !== undefined;
};
