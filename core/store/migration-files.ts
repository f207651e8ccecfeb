/** The numbered files of `migrations/`, as they are on disk. */
import {createHash} from 'node:crypto';
import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {invariant} from '../../shared/errors.ts';

export type MigrationFile = {
  readonly number: number;
  readonly name: string;
  readonly sha256: string;
  readonly text: string;
};

/** The migrations of this version of the product. */
export const ownMigrations = fileURLToPath(new URL('../../migrations', import.meta.url));

const pattern = /^(\d{4})_[a-z0-9_]+\.sql$/;

/** Reads a folder of migrations; their numbers are 1, 2, 3 … without a gap. */
export function readMigrations(folder: string): readonly MigrationFile[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.sql'));
  return names.toSorted().map((name, index) => {
    const number = Number(pattern.exec(name)?.[1]);
    invariant(number === index + 1, `${name} is named NNNN_name.sql and is number ${index + 1}`);
    const text = readFileSync(join(folder, name), 'utf8');
    return {number, name, sha256: createHash('sha256').update(text).digest('hex'), text};
  });
}

const dollarQuoted = /(\$[a-z]*\$).*?\1/gs;
const takesAway = /\b(drop\s+(table|column|schema|view)|truncate|delete\s+from)\b/i;

/** Tells whether a file takes data away; what a function it makes may do later does not count. */
export const isDestructive = ({text}: MigrationFile): boolean =>
  takesAway.test(text.replaceAll(dollarQuoted, '').replaceAll(/--.*$/gm, ''));
