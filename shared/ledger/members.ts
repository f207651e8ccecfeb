/**
 * Closed objects: exactly the members that a format names, in any order.
 */
import {isObject} from './canonical.ts';
import type {Json} from './canonical.ts';
import {FormatRefusal} from './refusal.ts';
import type {Part} from './refusal.ts';

/** The members of an object; one too many, one too few or no object at all is refused. */
export function exactMembers(
  part: Part,
  name: string,
  value: Json | undefined,
  keys: readonly string[],
): {readonly [member: string]: Json} {
  if (!isObject(value)) throw new FormatRefusal(part, `${name} is not an object`);
  const count = Object.keys(value).length;
  if (count !== keys.length || !keys.every((key) => Object.hasOwn(value, key))) {
    throw new FormatRefusal(part, `${name} does not have exactly ${keys.join(', ')}`);
  }
  return value;
}
