/**
 * Trust policies: c2sp.org/tlog-policy, the file in which an auditor says whom he believes.
 *
 * `log` lines and `quorum none` are decided here. A policy that asks for witnesses is understood
 * and cannot be met before there are any: the verifier then says that it cannot decide, never that
 * the receipt is good.
 */
import type {Hashes} from './hashes.ts';
import {parseVkey} from './note.ts';
import type {VerifierKey} from './note.ts';
import {excerpt, FormatRefusal} from './refusal.ts';

/** Whom a verifier believes. */
export type Policy = {
  readonly logs: readonly VerifierKey[];
  /** Whether a quorum of witnesses is asked for. */
  readonly needsWitnesses: boolean;
};

/** Most lines of a policy; the specification asks for at least 32 of each sort. */
const lineLimitCount = 1_000;
const forbidden = /[\u0000-\u0008\u000b-\u001f\u007f]/;

/** Reads a policy file. */
export function parsePolicy(hashes: Hashes, text: string): Policy {
  if (forbidden.test(text)) throw new FormatRefusal('policy', 'holds control bytes');
  const lines = text.split('\n');
  if (lines.pop() !== '') throw new FormatRefusal('policy', 'does not end in a newline');
  if (lines.length > lineLimitCount) throw new FormatRefusal('policy', 'has too many lines');
  const logs: VerifierKey[] = [];
  const names = new Set<string>();
  let quorum: string | null = null;
  for (const line of lines) {
    const [word, ...rest] = line.split(/[ \t]+/).filter((item) => item !== '');
    if (word === undefined || word.startsWith('#')) continue;
    const [name = ''] = rest;
    if (word === 'log' && isLength(rest, 1, 2)) {
      logs.push(parseVkey(hashes, name));
    } else if (
      (word === 'witness' && isLength(rest, 2, 3)) ||
      (word === 'group' && rest.length > 2)
    ) {
      if (name === 'none' || names.has(name)) refuseLine(line);
      names.add(name);
    } else if (word === 'quorum' && rest.length === 1 && quorum === null) {
      if (name !== 'none' && !names.has(name)) refuseLine(line);
      quorum = name;
    } else {
      refuseLine(line);
    }
  }
  if (quorum === null) throw new FormatRefusal('policy', 'has no quorum line');
  const keys = new Set(logs.map(({publicKey}) => publicKey.join()));
  if (keys.size < logs.length) throw new FormatRefusal('policy', 'names one log key twice');
  return {logs, needsWitnesses: quorum !== 'none'};
}

function isLength(items: readonly string[], least: number, most: number): boolean {
  return items.length >= least && items.length <= most;
}

function refuseLine(line: string): never {
  throw new FormatRefusal('policy', `not a line of a policy: ${excerpt(line)}`);
}
