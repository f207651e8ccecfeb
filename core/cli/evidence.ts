/** Two signed heads that exclude each other, in a file that anybody can check without us. */
import {writeFileSync} from 'node:fs';

const evidenceFile = 'cellstate-evidence.txt';

export const evidenceOption = [
  '--evidence <file>',
  'where two heads that exclude each other are written',
  evidenceFile,
] as const;

/** Writes the notes, verbatim, an empty line between them; answers the file's name. */
export function writeEvidence(notes: readonly string[], file = evidenceFile): string {
  writeFileSync(file, notes.join('\n'));
  return file;
}
