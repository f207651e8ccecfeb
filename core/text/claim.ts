/**
 * What a claim says, in the form in which two claims are compared.
 *
 * A key is `subject/predicate`; a value is anything. Both are compared without regard to case, width
 * of characters and white space, and numbers by their value, so that `8` and `8.0` agree.
 */

/** A text as it is compared: NFKC, lower case, trimmed, white space inside single. */
const normal = (text: string): string =>
  text.normalize('NFKC').toLowerCase().trim().replaceAll(/\s+/g, ' ');

/** The one spelling of a claim's key. A `/` inside a part is written `%2F` by its caller. */
export const claimKey = (key: string): string =>
  key
    .split('/')
    .map((part) => normal(part).replaceAll('%2f', '%2F'))
    .join('/');

const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/;

/** Tells whether two values of one claim are the same. */
export function isSameValue(a: string, b: string): boolean {
  const [left, right] = [normal(a), normal(b)];
  if (left === right) return true;
  return decimal.test(left) && decimal.test(right) && Number(left) === Number(right);
}
