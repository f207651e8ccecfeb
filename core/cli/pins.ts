/**
 * Checkpoints that an auditor keeps: one a log, under the key that he was given, never under anything
 * that a server said.
 *
 * A pinned note is known to every later `verify` with a policy that names its key, so that a log which
 * shows a shorter or another history is found out.
 */
import {createHash} from 'node:crypto';
import {existsSync, mkdirSync, readFileSync, renameSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {renderVkey, type VerifierKey} from '../../shared/ledger/note.ts';

const pinsFolder = '.cellstate/pins';

export const pinsOption = ['--pins <folder>', 'where pinned notes are kept', pinsFolder] as const;

const fileOf = (folder: string, key: VerifierKey): string =>
  join(folder, `${createHash('sha256').update(renderVkey(key)).digest('hex').slice(0, 32)}.note`);

/** The note that is kept for a key, or null. */
export function pinnedNote(key: VerifierKey, folder = pinsFolder): string | null {
  const file = fileOf(folder, key);
  return existsSync(file) ? readFileSync(file, 'utf8') : null;
}

/** The notes that are kept for any of the keys. */
export const pinnedNotes = (keys: readonly VerifierKey[], folder = pinsFolder): readonly string[] =>
  keys.map((key) => pinnedNote(key, folder)).filter((note) => note !== null);

/** Keeps a note in place of the one before; a crash leaves one of the two. */
export function pinNote(key: VerifierKey, note: string, folder = pinsFolder): string {
  mkdirSync(folder, {recursive: true});
  const file = fileOf(folder, key);
  writeFileSync(`${file}.new`, note);
  renameSync(`${file}.new`, file);
  return file;
}
