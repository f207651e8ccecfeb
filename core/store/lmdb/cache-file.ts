/**
 * The file of the entity cache: whole, this process's own, or new.
 *
 * LMDB maps its file and believes what it finds there: a damaged page ends the process, and no error
 * can be caught. Nothing waits for the disk either, so after a loss of power pages are older than
 * others. So a file is used again only when a process closed it in order, and its digest, which was
 * taken then, still holds. An open one has a name that no other process opens: two cores on one
 * folder have two files, and what a killed process left is thrown away.
 */
import {createHash, randomUUID} from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import {open, type RootDatabase} from 'lmdb';

export type CacheFile = {
  readonly db: RootDatabase<Uint8Array, string>;
  /** Leaves the file for the next process. */
  close(): Promise<void>;
};

type Warn = (message: string, cause: unknown) => void;

const chunkBytes = 1024 * 1024;
const openName = /^open-[0-9a-f-]+\.lmdb(?:-lock)?$/;

/** Opens the file of a folder. */
export function openCacheFile(folder: string, warn: Warn): CacheFile {
  mkdirSync(folder, {recursive: true});
  const kept = join(folder, 'entities.lmdb');
  const digest = `${kept}.sha256`;
  const path = join(folder, `open-${randomUUID()}.lmdb`);
  // Whoever has one of them open keeps it; it only has no name any more, and is not left behind.
  for (const name of readdirSync(folder)) if (openName.test(name)) rmSync(join(folder, name));
  claim(kept, digest, path, warn);
  const db = open<Uint8Array, string>({path, encoding: 'binary', noSync: true});
  return {
    db,
    async close() {
      await db.close();
      rmSync(`${path}-lock`, {force: true});
      // Another process on this folder may have thrown it away.
      if (!existsSync(path)) return;
      rmSync(digest, {force: true});
      renameSync(path, kept);
      writeFileSync(digest, digestOf(kept));
    },
  };
}

/** Takes over what was closed in order; what does not have its digest is moved aside. */
function claim(kept: string, digest: string, path: string, warn: Warn): void {
  try {
    renameSync(kept, path);
  } catch (cause) {
    if (existsSync(kept)) warn('the entity cache could not be taken over; it begins anew', cause);
    return;
  }
  const expected = existsSync(digest) ? readFileSync(digest, 'utf8') : '';
  rmSync(digest, {force: true});
  if (digestOf(path) === expected) return;
  renameSync(path, `${kept}.corrupt`);
  warn('the entity cache was damaged; it is moved aside and begins anew', {kept});
}

function digestOf(path: string): string {
  const hash = createHash('sha256');
  const chunk = new Uint8Array(chunkBytes);
  const file = openSync(path, 'r');
  try {
    for (let read = 0; (read = readSync(file, chunk)) > 0;) hash.update(chunk.subarray(0, read));
  } finally {
    closeSync(file);
  }
  return hash.digest('hex');
}
