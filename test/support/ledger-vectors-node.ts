/**
 * Entry of a bundle that Node runs: vectors on standard input, the report on standard output.
 */
import {createNobleHashes} from '../../shared/ledger/noble.ts';
import {runVectors} from './ledger-vectors.ts';

let text = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', (chunk: string) => {
  text += chunk;
});
process.stdin.on('end', () => {
  const report = runVectors(createNobleHashes(), JSON.parse(text));
  process.stdout.write(JSON.stringify(report));
});
