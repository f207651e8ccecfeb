/**
 * What a verification found, check by check, and the exit it amounts to.
 *
 * A check that could not be made is never counted as passed: it has exit 20, "cannot decide".
 */
import {FormatRefusal} from './refusal.ts';
import {SyntaxRefusal} from './syntax.ts';

/**
 * 0 verified · 11 verified, with endings by erasure · 20 cannot decide, material missing ·
 * 30 diverged, two signed heads exclude each other · 40 invalid · 64 usage.
 */
export type Exit = 0 | 11 | 20 | 30 | 40 | 64;

/** One check and what it amounts to; `ok` is `exit === 0`. */
export type Check = {
  readonly name: string;
  readonly ok: boolean;
  readonly exit: Exit;
  readonly detail: string;
};

const gravest: readonly Exit[] = [64, 30, 40, 20, 11];

/** The exit of several checks: the gravest of theirs. */
export function exitOf(checks: readonly Check[]): Exit {
  return gravest.find((exit) => checks.some((check) => check.exit === exit)) ?? 0;
}

/** A list of checks that is being made. */
export type Examination = {
  readonly checks: readonly Check[];
  /** Notes a check; `exit` is what it amounts to when the claim does not hold. */
  readonly claim: (name: string, holds: boolean, exit: Exit, detail: string) => boolean;
  /** The value of a strict parser, or null and a noted check where it refuses. */
  readonly read: <T>(name: string, exit: Exit, parse: () => T) => T | null;
};

/** Begins a list of checks. */
export function beginExamination(): Examination {
  const checks: Check[] = [];
  const claim = (name: string, holds: boolean, exit: Exit, detail: string): boolean => {
    checks.push({name, ok: holds, exit: holds ? 0 : exit, detail});
    return holds;
  };
  const read = <T>(name: string, exit: Exit, parse: () => T): T | null => {
    try {
      return parse();
    } catch (error) {
      claim(name, false, exit, refusalMessage(error));
      return null;
    }
  };
  return {checks, claim, read};
}

/** The message of a refusal; anything else is a bug of ours and is thrown on. */
export function refusalMessage(error: unknown): string {
  if (error instanceof FormatRefusal || error instanceof SyntaxRefusal) return error.message;
  throw error;
}
