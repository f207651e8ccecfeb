/**
 * Secrets of a development machine: made once, kept in `.cellstate/dev.json` for its owner alone.
 *
 * Outside development nothing is made: a missing secret is refused at start.
 */
import {randomBytes} from 'node:crypto';
import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {dirname} from 'node:path';

export type DevSecrets = {
  readonly CELLSTATE_MASTER_KEY: string;
  /** The development tenant's key, once it is made. */
  readonly key?: string;
};

export const devFile = '.cellstate/dev.json';

/** Reads the file, or makes it with a new master key. */
export function devSecrets(file: string = devFile): DevSecrets {
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as DevSecrets;
  return saveDevSecrets({CELLSTATE_MASTER_KEY: randomBytes(32).toString('base64')}, file);
}

/** Reads the file where there is one, for commands that must make nothing. */
export function knownDevSecrets(file: string = devFile): DevSecrets | null {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as DevSecrets) : null;
}

/** Writes the file, readable by its owner alone. */
export function saveDevSecrets(secrets: DevSecrets, file: string = devFile): DevSecrets {
  mkdirSync(dirname(file), {recursive: true});
  writeFileSync(file, `${JSON.stringify(secrets, null, 2)}\n`, {mode: 0o600});
  return secrets;
}
