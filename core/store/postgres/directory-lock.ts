/**
 * Keeps a second process away from the directory of an embedded database.
 *
 * Two engines on one data directory destroy it, and the engine itself does not look. The lock is the
 * write lock of a small SQLite file beside the directory: the kernel's, hence gone with its process
 * however that ended, with no process id to misread after a reboot or in another container.
 */
import {Database, SQLiteError} from 'bun:sqlite';
import {existsSync, mkdirSync} from 'node:fs';
import {dirname} from 'node:path';

export type DirectoryLock = {release(): void};

/** A process that is taking the lock holds it twice, with a moment between. */
const busyMs = 200;

type Holder = {pid: number; since: string};

/** Takes the lock of `<directory>.lock`; throws an error that names the process that has it. */
export function lockDirectory(directory: string): DirectoryLock {
  mkdirSync(dirname(directory), {recursive: true});
  const file = new Database(`${directory}.lock`, {create: true});
  try {
    file.run(`pragma busy_timeout = ${busyMs}`);
    file.run('create table if not exists holder (pid int not null, since text not null)');
    // Written down first, so that whoever is refused can say by whom; then held without an end.
    file.run('begin immediate');
    file.run('delete from holder');
    file.run('insert into holder values (?, ?)', [process.pid, new Date().toISOString()]);
    file.run('commit');
    file.run('begin immediate');
  } catch (cause) {
    const holder = isBusy(cause) ? holderOf(file) : null;
    file.close();
    throw holder === null ? cause : inUse(directory, holder, cause);
  }
  return {release: () => file.close()};
}

/**
 * Keeps other processes away while a directory is copied, and writes nothing: an audit leaves the
 * store and its lock as they were. A directory without a lock file was never opened by a core.
 */
export function holdDirectory(directory: string): DirectoryLock {
  if (!existsSync(`${directory}.lock`)) return {release: () => undefined};
  const file = new Database(`${directory}.lock`, {create: false, readwrite: true});
  try {
    file.run(`pragma busy_timeout = ${busyMs}`);
    file.run('begin immediate');
  } catch (cause) {
    const holder = isBusy(cause) ? holderOf(file) : null;
    file.close();
    throw holder === null ? cause : inUse(directory, holder, cause);
  }
  return {
    release() {
      file.run('rollback');
      file.close();
    },
  };
}

const inUse = (directory: string, {pid, since}: Holder, cause: unknown): Error =>
  new Error(
    `${directory} is in use by process ${pid} since ${since}: the embedded database serves one process at a time; stop that one first`,
    {cause},
  );

const isBusy = (error: unknown): boolean =>
  error instanceof SQLiteError && (error.code ?? '').startsWith('SQLITE_BUSY');

const holderOf = (file: Database): Holder | null =>
  file.query<Holder, []>('select pid, since from holder').get();
