/**
 * From a schema's complaints to the product's error, the same bytes on both tiers.
 *
 * One fault keeps its own code; several make `VALIDATION_FAILED` and are listed, at most 32 of them.
 */
import type {z} from 'zod';
import {CellError, type ErrorCode, type Issue} from '../errors.ts';

const issueLimit = 32;

/** Adds a fault with a code of the error table to a schema's result. */
export function refuse(
  context: z.RefinementCtx,
  code: ErrorCode,
  message: string,
  path?: string[],
): void {
  context.addIssue({
    code: 'custom',
    message,
    params: {code},
    ...(path === undefined ? {} : {path}),
  });
}

/** Turns a schema's faults into the error a caller sees. `entity` names what was being read. */
export function inputError(entity: string, faults: readonly z.core.$ZodIssue[]): CellError {
  const issues = faults.flatMap(issuesOf).slice(0, issueLimit);
  const [first] = issues;
  if (first !== undefined && issues.length === 1) {
    return new CellError(first.code, `${entity}: ${subject(first.path)}${first.message}`, {issues});
  }
  const fields = issues.map((issue) => (issue.path === '' ? '(body)' : issue.path)).join(', ');
  return new CellError('VALIDATION_FAILED', `${entity}: ${issues.length} faults, in ${fields}`, {
    issues,
  });
}

const subject = (path: string): string => (path === '' ? '' : `${path} `);

const pointer = (path: readonly PropertyKey[]): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

function issuesOf(fault: z.core.$ZodIssue): Issue[] {
  const path = pointer(fault.path);
  switch (fault.code) {
    case 'unrecognized_keys':
      return fault.keys.map((key) => ({
        path: pointer([...fault.path, key]),
        code: 'INVALID_INPUT',
        message: 'is not a member of this request',
      }));
    case 'invalid_type':
      return fault.input === undefined
        ? [{path, code: 'MISSING_FIELD', message: 'is required', expected: fault.expected}]
        : [
            {
              path,
              code: 'INVALID_INPUT',
              message: `is not of type ${fault.expected}`,
              expected: fault.expected,
            },
          ];
    case 'too_big':
    case 'too_small':
      return [{path, code: 'INVALID_RANGE', message: 'is out of range'}];
    case 'invalid_format':
      return [{path, code: 'INVALID_FORMAT', message: `is not a valid ${fault.format}`}];
    case 'invalid_value': {
      const expected = fault.values.map(String).join(', ');
      return fault.input === undefined
        ? [{path, code: 'MISSING_FIELD', message: 'is required', expected}]
        : [{path, code: 'INVALID_INPUT', message: `is none of ${expected}`, expected}];
    }
    case 'invalid_union': {
      // The closest variant is of the type that was sent, and complains least: its faults say most.
      const isOfOtherType = (faults: readonly z.core.$ZodIssue[]): boolean =>
        faults.some(({code, path: at}) => code === 'invalid_type' && at.length === 0);
      const nearest =
        fault.errors.toSorted(
          (a, b) => Number(isOfOtherType(a)) - Number(isOfOtherType(b)) || a.length - b.length,
        )[0] ?? [];
      const inner = nearest.flatMap((one) =>
        issuesOf({...one, path: [...fault.path, ...one.path]} as z.core.$ZodIssue),
      );
      return inner.length > 0
        ? inner
        : [{path, code: 'INVALID_INPUT', message: 'fits none of the allowed forms'}];
    }
    case 'custom': {
      const code = (fault.params?.['code'] ?? 'INVALID_INPUT') as ErrorCode;
      return [{path, code, message: fault.message}];
    }
    default:
      return [{path, code: 'INVALID_INPUT', message: 'is not allowed here'}];
  }
}
