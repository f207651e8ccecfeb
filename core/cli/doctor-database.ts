/** What the doctor finds in the database: version, settings, roles, extensions, migrations, clock, keys. */
import {createNativeHashes} from '../ledger/hashes.ts';
import {createKeys} from '../ledger/keys.ts';
import {storedLogs} from '../ledger/read-log.ts';
import {openAudit, type Audit} from '../store/audit.ts';
import {faultsOf} from '../store/migrate.ts';
import {openMigrator} from '../store/open.ts';
import {configOf, Connection} from '../store/postgres/connection.ts';
import {requireServer} from '../store/postgres/server.ts';
import type {Statement} from '../store/store.ts';
import {shownUrl, type Environment} from './command.ts';
import {knownDevSecrets} from './dev-secrets.ts';
import {good, type Finding} from './finding.ts';
import {toldOf} from './exit.ts';

/** The commit refuses a core whose clock is five minutes off; long before that somebody should know. */
const clockWarnMs = 5_000;
const clockBadMs = 300_000;

const roles = ['cs_owner', 'cs_lane', 'cs_app', 'cs_audit'];
const extensions = ['vector', 'btree_gin'];

const selectVersion: Statement = {
  name: 'doctor_select_version',
  text: `select current_setting('server_version') as version, (extract(epoch from clock_timestamp()) * 1000)::float8 as now_ms,
  array(select rolname::text from pg_roles where rolname like 'cs\\_%')::text[] as roles,
  array(select r from unnest(array['cs_owner', 'cs_lane', 'cs_app', 'cs_audit']) r
    where to_regrole(r) is not null and pg_has_role(to_regrole(r), 'set'))::text[] as may_become,
  array(select name::text from pg_available_extensions)::text[] as extensions, current_user::text as login`,
};

type Facts = {
  version: string;
  now_ms: number;
  roles: string[];
  may_become: string[];
  extensions: string[];
  login: string;
};

/** Looks at the database that a URL names; what cannot be reached is one finding. */
export async function checkDatabase(
  environment: Environment,
  url: string,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  try {
    if (url.startsWith('postgres')) findings.push(...(await checkServer(url)));
    findings.push(await checkMigrations(url));
    const audit = await openAudit(url);
    try {
      if (!url.startsWith('postgres'))
        findings.push(...(await checkFacts(audit, 'embedded PostgreSQL')));
      findings.push(await checkKeys(environment, audit));
    } finally {
      await audit.close();
    }
  } catch (error) {
    findings.push(unreached(url, error));
  }
  return findings;
}

function unreached(url: string, error: unknown): Finding {
  const {code, message} = toldOf(error);
  const name = 'database';
  if (code === 'IN_USE') {
    return {
      name,
      is: 'skipped',
      found: message,
      advice: 'a running core holds the embedded database; stop it to look into it',
    };
  }
  if (message.includes(' holds no ')) {
    return {
      name,
      is: 'skipped',
      found: message,
      advice: 'in development the first start makes it; elsewhere run `cellstate migrate up`',
    };
  }
  return {
    name,
    is: 'bad',
    found: `${shownUrl(url)}: ${message}`,
    advice: 'is it running, and are DATABASE_URL and its login right?',
  };
}

async function checkServer(url: string): Promise<readonly Finding[]> {
  const connection = await Connection.open(configOf(url, 'doctor'));
  try {
    const findings = await checkFacts(connection, 'PostgreSQL');
    try {
      await requireServer(connection);
      return [
        ...findings,
        good('durability', 'the server flushes before it answers, and keeps texts as they are'),
      ];
    } catch (error) {
      return [
        ...findings,
        {
          name: 'durability',
          is: 'bad',
          found: toldOf(error).message,
          advice: "change the server's settings and restart it",
        },
      ];
    }
  } finally {
    await connection.close();
  }
}

async function checkFacts(q: Pick<Audit, 'rows'>, name: string): Promise<readonly Finding[]> {
  const [facts] = await q.rows<Facts>(selectVersion, []);
  if (facts === undefined)
    return [{name, is: 'bad', found: 'it tells nothing of itself', advice: 'is it PostgreSQL?'}];
  return [good(name, facts.version), rolesOf(facts), extensionsOf(facts), clockOf(facts)];
}

function rolesOf({login, may_become: mayBecome, roles: found}: Facts): Finding {
  const missing = roles.filter((role) => !found.includes(role));
  if (missing.length > 0)
    return {
      name: 'roles',
      is: 'warn',
      found: `${missing.join(', ')} missing`,
      advice: 'run `cellstate migrate up` as a login that may create roles',
    };
  // The audit of the embedded database is one of the four already, and can become no other.
  const lacks = ['cs_lane', 'cs_app'].filter((role) => !mayBecome.includes(role));
  if (login === 'cs_audit' || lacks.length === 0) return good('roles', roles.join(', '));
  return {
    name: 'roles',
    is: 'bad',
    found: `the login ${login} cannot become ${lacks.join(', ')}`,
    advice: `grant ${lacks.join(', ')} to ${login} with inherit false, set true`,
  };
}

function extensionsOf({extensions: found}: Facts): Finding {
  const missing = extensions.filter((extension) => !found.includes(extension));
  if (missing.length === 0) return good('extensions', `${extensions.join(', ')} can be installed`);
  return {
    name: 'extensions',
    is: 'warn',
    found: `${missing.join(', ')} not on the server`,
    advice: 'install pgvector and the contrib modules of PostgreSQL 18',
  };
}

function clockOf({now_ms: theirsMs}: Facts): Finding {
  const offMs = Math.round(Math.abs(Date.now() - theirsMs));
  const found = `${offMs} ms from that of the database`;
  if (offMs < clockWarnMs) return good('clock', found);
  return {
    name: 'clock',
    is: offMs < clockBadMs ? 'warn' : 'bad',
    found,
    advice: 'run NTP on both machines: beyond five minutes every commit is refused',
  };
}

async function checkMigrations(url: string): Promise<Finding> {
  const name = 'migrations';
  if (!url.startsWith('postgres')) {
    // The embedded database is brought up to date by the core that opens it; looking would open it.
    return {
      name,
      is: 'skipped',
      found: 'of the embedded database: `cellstate migrate status` opens it and tells',
      advice: '',
    };
  }
  const migrator = await openMigrator(url);
  try {
    const now = await migrator.status();
    const [fault] = faultsOf(now);
    if (fault !== undefined)
      return {
        name,
        is: 'bad',
        found: fault,
        advice: 'this database belongs to another version: use that one, or restore a backup',
      };
    if (now.pending.length > 0)
      return {
        name,
        is: 'bad',
        found: `${now.pending.length} pending`,
        advice: 'run `cellstate migrate up`',
      };
    return good(name, `${now.applied.length} applied, none pending`);
  } finally {
    await migrator.close();
  }
}

async function checkKeys(environment: Environment, audit: Audit): Promise<Finding> {
  const name = 'log keys';
  const text = environment['CELLSTATE_MASTER_KEY'] ?? knownDevSecrets()?.CELLSTATE_MASTER_KEY;
  const logs = await storedLogs(audit, null);
  if (text === undefined)
    return {
      name,
      is: 'skipped',
      found: `${logs.length} tenants, and no master key at hand`,
      advice: '',
    };
  const masters = text.split(',').map((one) => new Uint8Array(Buffer.from(one.trim(), 'base64')));
  const keys = createKeys(
    await createNativeHashes(),
    masters,
    environment['CELLSTATE_LOG_HOST'] ?? 'cellstate.local',
  );
  const halted = logs.filter(({shards, tenantId}) => {
    const newest = shards.at(-1);
    return newest !== undefined && keys.shard(tenantId, newest.shard, newest.vkey) === null;
  });
  if (halted.length === 0) return good(name, `${logs.length} tenants, each by a listed master key`);
  const found = `${halted.length} of ${logs.length} tenants have a key that no listed master yields, ${halted[0]?.tenantId} first`;
  return {
    name,
    is: 'bad',
    found,
    advice: 'list the older master key after the newer one in CELLSTATE_MASTER_KEY',
  };
}
