/**
 * What an auditor brings to a verification: the key he trusts, and the heads that he kept.
 */
import {readFileSync} from 'node:fs';
import type {Hashes} from '../../shared/ledger/hashes.ts';
import {parsePolicy, type Policy} from '../../shared/ledger/policy.ts';
import {refusalMessage} from '../../shared/ledger/verdict.ts';
import {createNativeHashes} from '../ledger/hashes.ts';
import {CliError, verifierUsage} from './exit.ts';
import {pinnedNotes} from './pins.ts';

export type VerifyOptions = {
  readonly policy?: string;
  readonly known?: readonly string[];
  readonly log?: boolean;
  readonly database?: string;
  readonly tenant?: string;
  readonly replay?: boolean;
  readonly evidence?: string;
  readonly pins?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
};

/** What the auditor brings: whom he believes, and what he kept. */
export type Auditor = {
  readonly hashes: Hashes;
  /** Text of the policy file, as it was given. */
  readonly policyText: string | undefined;
  readonly policy: Policy | null;
  readonly known: readonly string[];
};

/** Reads the files that he names. */
export async function auditorOf({
  known = [],
  pins,
  policy: policyFile,
}: VerifyOptions): Promise<Auditor> {
  const hashes = await createNativeHashes();
  const policyText = policyFile === undefined ? undefined : readText(policyFile);
  const policy = policyText === undefined ? null : readPolicy(hashes, policyFile ?? '', policyText);
  const pinned = policy === null ? [] : pinnedNotes(policy.logs, pins);
  return {hashes, policyText, policy, known: [...new Set([...known.map(readText), ...pinned])]};
}

function readPolicy(hashes: Hashes, file: string, text: string): Policy {
  try {
    return parsePolicy(hashes, text);
  } catch (error) {
    throw usage(`${file}: ${refusalMessage(error)}`);
  }
}

/** A call of the verifier that makes no sense. */
export const usage = (message: string): CliError =>
  new CliError(verifierUsage, message, {code: 'USAGE'});

/** A file as text; `-` is standard input. */
export function readText(file: string): string {
  try {
    // 0 is standard input, as `-` means everywhere.
    return new TextDecoder('utf-8', {fatal: true, ignoreBOM: true}).decode(
      readFileSync(file === '-' ? 0 : file),
    );
  } catch (cause) {
    if (cause instanceof TypeError)
      throw new CliError(40, `${file} is not UTF-8`, {code: 'INVALID', cause});
    throw usage(
      `${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
    );
  }
}
