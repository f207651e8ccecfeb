/**
 * The environment, parsed once.
 *
 * `variables` is the whole list: `cellstate config` prints it and the README's table is made from it.
 * An unknown `CELLSTATE_*` name is refused, because a setting that is misspelt is a setting that is
 * not in force.
 */
import type {JSONWebKeySet} from 'jose';
import {z} from 'zod';

const port = z.coerce.number().int().min(0).max(65_535);
const count = z.coerce.number().int().min(1);
const flag = z.enum(['true', 'false']).transform((value) => value === 'true');
const words = z.string().transform((value) =>
  value
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== ''),
);

/** Public Ed25519 keys as a JWKS. A private key among them has no business in the core. */
const edgeKey = z
  .looseObject({kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string()})
  .refine((key) => !('d' in key), 'holds a private key: give the core the public half alone');
const jwks = z
  .preprocess(jsonOrText, z.object({keys: z.array(edgeKey).min(1)}))
  .transform((value): JSONWebKeySet => value);

function jsonOrText(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}

type Variable = {
  readonly schema: z.ZodType;
  readonly fallback: string | null;
  readonly isSecret?: true;
  readonly about: string;
};

/** Every variable the core reads, in the order of the README. */
export const variables = {
  CELLSTATE_ENVIRONMENT: {
    schema: z.enum(['development', 'staging', 'production']),
    fallback: 'development',
    about: 'outside development secrets must be set and the database must be a server',
  },
  CELLSTATE_HOST: {
    schema: z.string().min(1),
    fallback: '127.0.0.1',
    about: 'address the core listens on',
  },
  CELLSTATE_PORT: {schema: port, fallback: '3000', about: 'port the core listens on'},
  CELLSTATE_EDGE_PORT: {
    schema: port,
    fallback: '8787',
    about: 'port of the local edge that `npm start` runs',
  },
  CELLSTATE_PUBLIC_URL: {
    schema: z.url({protocol: /^https?$/}),
    fallback: null,
    about: 'origin that clients use, such as `https://memory.example.com`',
  },
  CELLSTATE_ALLOWED_HOSTS: {
    schema: words,
    fallback: '',
    about: 'further host names that MCP clients may name in `Host` and `Origin`',
  },
  CELLSTATE_MCP_SETS: {
    schema: words,
    fallback: 'memory,coordination,mind,proof,pack',
    about: 'sets of tools that MCP lists where the URL names none',
  },
  LOG_LEVEL: {
    schema: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']),
    fallback: 'info',
    about: 'least level that is logged',
  },
  DATABASE_URL: {
    schema: z.string().regex(/^(?:pglite:|postgres(?:ql)?:\/\/)/),
    fallback: 'pglite:.cellstate/pg',
    about: '`pglite:<folder>` or `postgres://…`',
  },
  DATABASE_APP_URL: {
    schema: z.string().regex(/^postgres(?:ql)?:\/\//),
    fallback: null,
    about: 'second login, member of `cs_app` alone, for reads',
  },
  CELLSTATE_DB_MAX_CONNECTIONS: {
    schema: count,
    fallback: '10',
    about: 'connections of the read pool',
  },
  CELLSTATE_AUTO_MIGRATE: {
    schema: flag,
    fallback: null,
    about: 'apply pending migrations at start; true in development, else false',
  },
  CELLSTATE_MASTER_KEY: {
    schema: words,
    fallback: null,
    isSecret: true,
    about: '32 bytes in base64; older ones may follow after commas',
  },
  CELLSTATE_LOG_HOST: {
    schema: z.string().regex(/^[a-z0-9.-]{1,200}$/),
    fallback: 'cellstate.local',
    about: 'first part of the origin of every log made from now on',
  },
  CELLSTATE_EVENT_DAG_PATH: {
    schema: z.string().min(1),
    fallback: '.cellstate/guard',
    about: 'LMDB file of the head guard',
  },
  CELLSTATE_CACHE_PATH: {
    schema: z.string().min(1),
    fallback: '.cellstate/cache',
    about: 'LMDB file of the entity cache',
  },
  CELLSTATE_CACHE_SIZE_MB: {schema: count, fallback: '256', about: 'most the entity cache takes'},
  CELLSTATE_OPERATORS: {
    schema: words,
    fallback: '',
    about: 'ids of API keys that hold the scope `operator`',
  },
  CELLSTATE_CORS_ORIGINS: {
    schema: words,
    fallback: '',
    about: 'origins whose pages may call; in development all',
  },
  CELLSTATE_RATE_LIMIT_UNAUTHENTICATED: {
    schema: count,
    fallback: '100',
    about: 'requests a minute and address without a credential',
  },
  CELLSTATE_RATE_LIMIT_TENANT: {
    schema: count,
    fallback: '6000',
    about: 'requests a minute and tenant',
  },
  CELLSTATE_RATE_LIMIT_BURST: {
    schema: count,
    fallback: '1000',
    about: 'requests of a tenant at once',
  },
  CELLSTATE_EDGE_JWKS: {
    schema: jwks,
    fallback: null,
    about: 'JWKS (JSON) of edges whose assertions are believed',
  },
  CELLSTATE_REQUIRE_EDGE: {
    schema: flag,
    fallback: 'false',
    about: 'refuse requests that no edge vouches for',
  },
  CELLSTATE_API_URL: {
    schema: z.string(),
    fallback: 'http://127.0.0.1:3000',
    about: 'server that the command line talks to',
  },
  CELLSTATE_API_KEY: {
    schema: z.string(),
    fallback: null,
    isSecret: true,
    about: 'key of the command line',
  },
} as const satisfies Record<string, Variable>;

type Name = keyof typeof variables;

export type Config = {
  readonly environment: 'development' | 'staging' | 'production';
  readonly isProduction: boolean;
  readonly host: string;
  readonly port: number;
  readonly edgePort: number;
  /** Without a slash at its end. */
  readonly publicUrl: string | null;
  readonly allowedHosts: readonly string[];
  readonly mcpSets: readonly string[];
  readonly logLevel: string;
  readonly databaseUrl: string;
  readonly databaseAppUrl: string | null;
  readonly maxConnections: number;
  readonly autoMigrate: boolean;
  readonly masterKeys: readonly Uint8Array[];
  readonly logHost: string;
  readonly guardPath: string;
  readonly cachePath: string;
  readonly cacheSizeMb: number;
  readonly operators: ReadonlySet<string>;
  readonly corsOrigins: readonly string[];
  readonly rateUnauthenticated: number;
  readonly rateTenant: number;
  readonly rateBurst: number;
  readonly edgeJwks: JSONWebKeySet | null;
  readonly requireEdge: boolean;
};

/** A configuration that the server does not start with; the message names the variable. */
export class ConfigRefused extends Error {}

type Environment = Readonly<Record<string, string | undefined>>;

/** Parses the environment. Throws `ConfigRefused` with one line that names the variable. */
export function parseConfig(environment: Environment): Config {
  refuseUnknown(environment);
  const get = <T>(name: Name): T => read(name, environment) as T;
  const stage = get<Config['environment']>('CELLSTATE_ENVIRONMENT');
  const isDevelopment = stage === 'development';
  const databaseUrl = get<string>('DATABASE_URL');
  if (!isDevelopment && databaseUrl.startsWith('pglite:')) {
    throw new ConfigRefused(
      `DATABASE_URL: the embedded database does not survive power loss and is refused in ${stage}`,
    );
  }
  return {
    environment: stage,
    isProduction: stage === 'production',
    host: get('CELLSTATE_HOST'),
    port: get('CELLSTATE_PORT'),
    edgePort: get('CELLSTATE_EDGE_PORT'),
    publicUrl: get<string | null>('CELLSTATE_PUBLIC_URL')?.replace(/\/+$/, '') ?? null,
    allowedHosts: get('CELLSTATE_ALLOWED_HOSTS'),
    mcpSets: get('CELLSTATE_MCP_SETS'),
    logLevel: get('LOG_LEVEL'),
    databaseUrl,
    databaseAppUrl: get('DATABASE_APP_URL'),
    maxConnections: get('CELLSTATE_DB_MAX_CONNECTIONS'),
    autoMigrate: get<boolean | null>('CELLSTATE_AUTO_MIGRATE') ?? isDevelopment,
    masterKeys: masterKeys(get('CELLSTATE_MASTER_KEY')),
    logHost: get('CELLSTATE_LOG_HOST'),
    guardPath: get('CELLSTATE_EVENT_DAG_PATH'),
    cachePath: get('CELLSTATE_CACHE_PATH'),
    cacheSizeMb: get('CELLSTATE_CACHE_SIZE_MB'),
    operators: new Set(get<string[]>('CELLSTATE_OPERATORS')),
    corsOrigins: corsOrigins(get('CELLSTATE_CORS_ORIGINS'), isDevelopment),
    rateUnauthenticated: get('CELLSTATE_RATE_LIMIT_UNAUTHENTICATED'),
    rateTenant: get('CELLSTATE_RATE_LIMIT_TENANT'),
    rateBurst: get('CELLSTATE_RATE_LIMIT_BURST'),
    edgeJwks: get('CELLSTATE_EDGE_JWKS'),
    requireEdge: get('CELLSTATE_REQUIRE_EDGE'),
  };
}

function read(name: Name, environment: Environment): unknown {
  const {schema, fallback}: Variable = variables[name];
  const text = environment[name] ?? fallback;
  if (text === null) return null;
  const result = schema.safeParse(text);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new ConfigRefused(`${name}: ${issue?.message ?? 'is not allowed'}`);
}

function refuseUnknown(environment: Environment): void {
  const names = Object.keys(variables);
  for (const name of Object.keys(environment)) {
    if (!name.startsWith('CELLSTATE_') || names.includes(name)) continue;
    const nearest = names.toSorted((a, b) => distance(a, name) - distance(b, name))[0];
    throw new ConfigRefused(`${name}: no such variable; did you mean ${nearest}?`);
  }
}

/** Levenshtein distance, for the suggestion. */
function distance(a: string, b: string): number {
  let row = Array.from({length: b.length + 1}, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** In development any page may call unless origins are named. */
const corsOrigins = (named: string[], isDevelopment: boolean): string[] =>
  named.length === 0 && isDevelopment ? ['*'] : named;

const masterBytes = 32;

function masterKeys(texts: readonly string[] | null): Uint8Array[] {
  if (texts === null) {
    throw new ConfigRefused(
      'CELLSTATE_MASTER_KEY: is not set; make one with: openssl rand -base64 32',
    );
  }
  return texts.map((text) => {
    const bytes = new Uint8Array(Buffer.from(text, 'base64'));
    if (bytes.length !== masterBytes || Buffer.from(bytes).toString('base64') !== text) {
      throw new ConfigRefused(`CELLSTATE_MASTER_KEY: is not ${masterBytes} bytes in base64`);
    }
    if (new Set(bytes).size < 8) throw new ConfigRefused('CELLSTATE_MASTER_KEY: is no random key');
    return bytes;
  });
}
