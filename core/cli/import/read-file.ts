/** A file of one of the known formats, as what its own schema reads. */
import {createHash} from 'node:crypto';
import {readFileSync} from 'node:fs';
import type {z} from 'zod';
import {CliError, exits} from '../exit.ts';

export const usage = (message: string, cause?: unknown): CliError =>
  new CliError(exits.usage, message, {code: 'USAGE', cause});

/** Reads a JSON file; throws with the place of the first thing that is not of the format. */
export function readJson<T>(file: string, format: string, schema: z.ZodType<T>): T {
  const result = schema.safeParse(parse(file));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const place = issue?.path.map((one) => `[${String(one)}]`).join('') ?? '';
  throw usage(`${file} is not of the format ${format}: ${place} ${issue?.message ?? ''}`);
}

function parse(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as unknown;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw usage(`${file} cannot be read as JSON: ${why}`, cause);
  }
}

const digestCharacters = 16;

/** What tells one content from another: the same text is the same thing, whatever its file is called. */
export const digestOf = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, digestCharacters);
