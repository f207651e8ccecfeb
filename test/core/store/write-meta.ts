/**
 * Writes the committed descriptions of the migrations; run by hand, never by a test.
 *
 *   bun test/core/store/write-meta.ts              meta/schema.json, as all files together make it
 *   bun test/core/store/write-meta.ts --release    also pins the files not pinned yet, for ever
 */
import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {ownMigrations, readMigrations} from '../../../core/store/migration-files.ts';
import {openMigrator} from '../../../core/store/open.ts';

const meta = join(ownMigrations, 'meta');

/** A line for each name, so that a changed object is a changed line. */
const asText = (map: object): string => {
  const lines = Object.entries(map).map(
    ([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`,
  );
  return `{\n${lines.join(',\n')}\n}\n`;
};

mkdirSync(meta, {recursive: true});
const migrator = await openMigrator('pglite:memory');
writeFileSync(join(meta, 'schema.json'), asText(await migrator.schema()));
await migrator.close();

const pins = join(meta, 'checksums.json');
const pinned = existsSync(pins) ? (JSON.parse(readFileSync(pins, 'utf8')) as object) : {};
const files = process.argv.includes('--release') ? readMigrations(ownMigrations) : [];
const now = Object.fromEntries(files.map(({name, sha256}) => [name, sha256]));
// What is pinned stays: the file is what must be put back.
writeFileSync(pins, asText({...now, ...pinned}));
