/** What the doctor finds without the database: runtime, settings, keys, disk, the paths of LMDB. */
import {accessSync, constants, existsSync, statfsSync, statSync} from 'node:fs';
import {dirname, resolve} from 'node:path';
import {ConfigRefused, parseConfig, variables} from '../config.ts';
import type {Environment} from './command.ts';
import {devFile, knownDevSecrets} from './dev-secrets.ts';
import {good, type Finding} from './finding.ts';
import {leastBun} from './version.ts';

const gibibyte = 1024 ** 3;
/** PostgreSQL stops writing on a full disk, so there is time to act before. */
const lowBytes = 2 * gibibyte;
const fullBytes = gibibyte / 8;

export function checkMachine(environment: Environment, databaseUrl: string): readonly Finding[] {
  const guard =
    environment['CELLSTATE_EVENT_DAG_PATH'] ?? variables.CELLSTATE_EVENT_DAG_PATH.fallback;
  const cache = environment['CELLSTATE_CACHE_PATH'] ?? variables.CELLSTATE_CACHE_PATH.fallback;
  const directory = /^pglite:(?!memory$)(.+)$/.exec(databaseUrl)?.[1];
  return [
    runtime(),
    settings(environment),
    ...keys(environment),
    writable('head guard (LMDB)', guard, 'CELLSTATE_EVENT_DAG_PATH'),
    writable('cache (LMDB)', cache, 'CELLSTATE_CACHE_PATH'),
    disk('disk of the head guard', guard),
    ...(directory === undefined
      ? []
      : [
          writable('embedded database', directory, 'DATABASE_URL'),
          disk('disk of the database', directory),
        ]),
  ];
}

function runtime(): Finding {
  const found = `Bun ${Bun.version}`;
  if (Bun.semver.order(Bun.version, leastBun) >= 0) return good('runtime', found);
  return {
    name: 'runtime',
    is: 'bad',
    found: `${found}, needed is ${leastBun}`,
    advice: 'run `npm ci`: Bun comes as a dependency',
  };
}

function settings(environment: Environment): Finding {
  const dev = knownDevSecrets();
  const isDevelopment = (environment['CELLSTATE_ENVIRONMENT'] ?? 'development') === 'development';
  const made = isDevelopment
    ? (dev?.CELLSTATE_MASTER_KEY ??
      Buffer.from(Array.from({length: 32}, (_, i) => i)).toString('base64'))
    : undefined;
  try {
    const {environment: stage} = parseConfig({
      ...environment,
      CELLSTATE_MASTER_KEY: environment['CELLSTATE_MASTER_KEY'] ?? made,
    });
    return good('settings', stage);
  } catch (error) {
    if (!(error instanceof ConfigRefused)) throw error;
    return {
      name: 'settings',
      is: 'bad',
      found: error.message,
      advice: '`cellstate config` lists every variable and where its value came from',
    };
  }
}

function keys(environment: Environment): readonly Finding[] {
  if (environment['CELLSTATE_MASTER_KEY'] !== undefined)
    return [good('master key', 'from the environment')];
  if (!existsSync(devFile)) {
    const found = 'not set';
    return [
      {
        name: 'master key',
        is: 'skipped',
        found,
        advice:
          'the first start in development makes one; elsewhere set CELLSTATE_MASTER_KEY, from `openssl rand -base64 32`',
      },
    ];
  }
  const mode = statSync(devFile).mode & 0o777;
  if ((mode & 0o077) === 0) return [good('master key', `${devFile}, readable by its owner alone`)];
  return [
    {
      name: 'master key',
      is: 'bad',
      found: `${devFile} has mode ${mode.toString(8)}: others can read it`,
      advice: `chmod 600 ${devFile}`,
    },
  ];
}

/** The nearest folder that is there: what is to be made is made in it. */
function nearest(path: string): string {
  let at = resolve(path);
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  return at;
}

function writable(name: string, path: string, variable: string): Finding {
  const at = nearest(path);
  try {
    accessSync(at, constants.W_OK);
    return good(name, existsSync(path) ? path : `${path}, which the first start makes`);
  } catch {
    // Whatever keeps it from being written, the answer is the same.
    return {
      name,
      is: 'bad',
      found: `${at} cannot be written`,
      advice: `give this user the right to, or set ${variable} to another place`,
    };
  }
}

function disk(name: string, path: string): Finding {
  const {bavail, bsize} = statfsSync(nearest(path));
  const free = bavail * bsize;
  const found = `${(free / gibibyte).toFixed(1)} GiB free`;
  if (free >= lowBytes) return good(name, found);
  return {
    name,
    is: free < fullBytes ? 'bad' : 'warn',
    found,
    advice: 'make room: a full disk stops every write',
  };
}
