/**
 * The PostgreSQL server that everything is measured on: that of DATABASE_URL, or one of its own.
 *
 * Its settings are PostgreSQL's defaults with fsync on: a server that flushes less would make every
 * ratio a lie, so its settings are looked at before anything is measured.
 */
import {execFileSync} from 'node:child_process';
import {Client} from 'pg';

const ownPort = 5524;

export type Server = {
  readonly version: string;
  /** Makes an empty database, in place of one of that name; answers its URL. */
  fresh(name: string): Promise<string>;
  /** One statement in a database of this server, as its superuser. */
  rows<T>(url: string, text: string, values?: readonly unknown[]): Promise<T[]>;
  close(): Promise<void>;
};

type Environment = Readonly<Record<string, string | undefined>>;

function urlOf(environment: Environment): {url: string; isOwn: boolean} {
  const {DATABASE_URL: given, PG18: script} = environment;
  if (given !== undefined) return {url: given, isOwn: false};
  if (script === undefined) {
    throw new Error('set DATABASE_URL to a PostgreSQL 18, or PG18 to the path of the pg18 script');
  }
  const told = execFileSync('bash', [script, 'start', String(ownPort)], {encoding: 'utf8'});
  return {url: told.trim().split('\n').at(-1) ?? '', isOwn: true};
}

/** Runs work on a connection of its own. */
async function within<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({connectionString: url, application_name: 'cellstate bench'});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Opens it; refuses one that would acknowledge what it may lose. */
export async function openServer(environment: Environment): Promise<Server> {
  const {url, isOwn} = urlOf(environment);
  const made: string[] = [];
  const rows = <T>(at: string, text: string, values: readonly unknown[] = []): Promise<T[]> =>
    within(at, async (client) => (await client.query(text, [...values])).rows as T[]);
  const settings = await rows<{name: string; setting: string}>(
    url,
    `select name, setting from pg_settings where name in ('fsync', 'synchronous_commit', 'full_page_writes', 'server_version')`,
  );
  const setting = new Map(settings.map((one) => [one.name, one.setting]));
  for (const name of ['fsync', 'synchronous_commit', 'full_page_writes']) {
    if (setting.get(name) !== 'on') throw new Error(`${name} is ${setting.get(name)}, not on`);
  }
  return {
    version: setting.get('server_version') ?? '',
    rows,
    async fresh(name) {
      const full = `bench_${process.pid}_${name}`;
      await within(url, async (client) => {
        await client.query(`drop database if exists ${full} with (force)`);
        await client.query(`create database ${full}`);
      });
      made.push(full);
      return Object.assign(new URL(url), {pathname: `/${full}`}).href;
    },
    async close() {
      for (const name of made) await rows(url, `drop database if exists ${name} with (force)`);
      const script = environment['PG18'];
      if (isOwn && script !== undefined) execFileSync('bash', [script, 'stop', String(ownPort)]);
    },
  };
}
