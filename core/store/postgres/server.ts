/**
 * What a PostgreSQL server must be before a core writes to it, and who may.
 *
 * An acknowledged write survives the loss of power only where the server flushes before it answers;
 * texts are hashed, so they must come back byte for byte; and two cores on one database would only
 * get in each other's way, however well the compare-and-swap keeps them from doing harm.
 */
import type {Connection} from './connection.ts';
import {NotSent} from './errors.ts';

/** The server, its settings or its logins are not what we need, and waiting will not change that. */
export class StartRefused extends NotSent {
  override readonly name = 'StartRefused';
}

/** Another core holds the lock. One that is just being ended gives it up in a moment. */
export class OtherCore extends Error {
  override readonly name = 'OtherCore';
}

const newestUnsupported = 179_999;

const facts = {
  name: 'server_select_facts',
  text: `select current_setting('server_version_num')::int as version, current_setting('server_version') as version_text,
  current_setting('server_encoding') as encoding, current_setting('client_encoding') as client_encoding,
  current_setting('fsync') as fsync, current_setting('full_page_writes') as full_page_writes,
  current_setting('synchronous_commit') as synchronous_commit, pg_is_in_recovery() as is_replica`,
};

type Facts = {
  version: number;
  version_text: string;
  encoding: string;
  client_encoding: string;
  fsync: string;
  full_page_writes: string;
  synchronous_commit: string;
  is_replica: boolean;
};

/** Refuses a server on which an acknowledged write could be lost or a text come back changed. */
export async function requireServer(connection: Connection): Promise<void> {
  const [found] = await connection.rows<Facts>(facts, []);
  if (found === undefined) throw new StartRefused('the server does not tell its settings');
  const flushes = ['on', 'remote_apply'].includes(found.synchronous_commit);
  const faults = [
    found.version <= newestUnsupported && `its version is ${found.version_text}, needed is 18`,
    found.encoding !== 'UTF8' && `server_encoding is ${found.encoding}, needed is UTF8`,
    found.client_encoding !== 'UTF8' &&
      `client_encoding is ${found.client_encoding}, needed is UTF8`,
    found.fsync !== 'on' && 'fsync is off',
    found.full_page_writes !== 'on' && 'full_page_writes is off',
    !flushes && `synchronous_commit is ${found.synchronous_commit}, needed is on or remote_apply`,
    found.is_replica && 'it is a replica',
  ].filter((fault) => fault !== false);
  if (faults.length > 0) {
    throw new StartRefused(`this PostgreSQL server cannot hold a ledger: ${faults.join('; ')}`);
  }
}

/** Number of the advisory lock of a database's one core: the letters `cell` and `core`. */
const coreLock = [0x63656c6c, 0x636f7265] as const;

const tryLock = {
  name: 'core_lock_try',
  text: 'select pg_try_advisory_lock($1, $2) as taken',
};
// A login sees the details of its own sessions; of another login's it sees the process id alone.
const holderOf = {
  name: 'core_lock_select_holder',
  text: `select l.pid, a.application_name, a.client_addr::text as client_addr, a.backend_start::text as since
from pg_locks l left join pg_stat_activity a using (pid)
where l.locktype = 'advisory' and l.granted and l.classid::bigint = $1 and l.objid::bigint = $2
  and l.database = (select oid from pg_database where datname = current_database())`,
};

type Holder = {pid: number; application_name: string; client_addr: string | null; since: string};

/** Takes the lock for as long as the connection lives; throws `OtherCore` where it is held. */
export async function takeCoreLock(connection: Connection): Promise<void> {
  const [lock] = await connection.rows<{taken: boolean}>(tryLock, coreLock);
  if (lock?.taken) return;
  const [holder] = await connection.rows<Holder>(holderOf, coreLock);
  const who = holder
    ? `${holder.application_name || 'a session'} (backend ${holder.pid}, from ${holder.client_addr ?? 'this machine'}, since ${holder.since})`
    : 'another session';
  throw new OtherCore(`another core works on this database: ${who}; stop it first`);
}

/** The roles between which the product divides its rights. */
export type Role = 'cs_lane' | 'cs_app';

/** Becomes a role for the life of the connection. */
export async function becomeRole(connection: Connection, role: Role): Promise<void> {
  try {
    await connection.run(`set role ${role}`);
  } catch (cause) {
    throw new StartRefused(`the login of the database cannot become ${role}`, {cause});
  }
}

const otherRoles = {
  name: 'login_select_roles',
  text: `select current_user::text as login, pg_has_role('cs_app', 'usage') as is_app, array(
  select r from unnest(array['cs_owner', 'cs_lane', 'cs_audit']) r where pg_has_role(r, 'member'))::text[] as others`,
};

type Login = {login: string; is_app: boolean; others: string[]};

/** Refuses a login for reads that is more than `cs_app`: nothing could hold it to that through a pooler. */
export async function requireAppLogin(connection: Connection): Promise<void> {
  const [found] = await connection.rows<Login>(otherRoles, []);
  if (found?.is_app && found.others.length === 0) return;
  const fault = found?.is_app
    ? `could become ${found.others.join(', ')}`
    : 'is no member of cs_app';
  throw new StartRefused(`the login ${found?.login} of DATABASE_APP_URL ${fault}`);
}
