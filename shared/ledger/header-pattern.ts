/**
 * The shape of a canonical header as one regular expression, and what to say when it is not met.
 *
 * Every alternative differs in its first character, so matching is linear in the text.
 */
import {isObject, parseCanonical} from './canonical.ts';
import {excerpt} from './refusal.ts';

const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const uuid7 = '[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}';
const hash = '[0-9a-f]{64}';
const int = '0|[1-9][0-9]{0,15}';
// Nine digits fit the int columns that repeat them.
const small = '0|[1-9][0-9]{0,8}';
const positive = '[1-9][0-9]{0,8}';
// What ledger.shard allows, less the two characters that JSON escapes.
const origin = '[!#-*,-\\[\\]-~]{1,255}';
const actor = `(?:api_key|member):${uuid}|system:[a-z0-9][a-z0-9_.-]{0,63}`;
const parent = `\\{"h":"(${hash})","r":"([a-z]+)"\\}`;

const orNull = (pattern: string): string => `(?:null|"(${pattern})")`;

/** Key and form of each member, in canonical order. */
const members: readonly (readonly [key: string, form: string])[] = [
  ['actor', `\\{"agent":${orNull(uuid)},"by":"(${actor})"\\}`],
  ['at', `(${int})`],
  ['corr', orNull(uuid)],
  ['dag', `"((?:${small}):(?:${small}):(?:${small}))"`],
  ['ent', `(?:null|\\{"id":"(${uuid})","ver":(?:null|(${positive}))\\})`],
  ['gates', `\\{"f":"(${hash})","r":"([PSWD]{11})","v":1\\}`],
  ['grp', `\\[(${small}),(${positive})\\]`],
  ['id', `"(${uuid7})"`],
  ['idem', orNull(hash)],
  ['kind', '"([0-9A-F]{4})"'],
  ['log', `"(${origin})"`],
  ['parents', '\\[([^\\]]*)\\]'],
  ['pay', `\\{"c":${orNull(hash)},"d":"(${hash})","s":${orNull(uuid)}\\}`],
  ['prev', orNull(hash)],
  ['rdx', `(${positive})`],
  ['trace', orNull('[0-9a-f]{32}')],
  ['traj', orNull(uuid)],
  ['v', '1'],
];

/** The whole of a canonical header; groups in the order of `members`. */
export const headerPattern = new RegExp(
  `^\\{${members.map(([key, form]) => `"${key}":${form}`).join()}\\}$`,
);

/** One parent, for `matchAll`. */
export const parentPattern = new RegExp(parent, 'g');

const memberPatterns = members.map(([key, form]) => [key, new RegExp(`^${form}$`)] as const);

/** Which rule a text breaks that `headerPattern` does not match. */
export function explainHeader(text: string): string {
  const parsed = parseCanonical(text);
  if (parsed === null) return 'not canonical JSON';
  if (!isObject(parsed.value)) return 'not an object';
  const keys = Object.keys(parsed.value);
  const known = members.map(([key]) => key);
  const extra = keys.find((key) => !known.includes(key));
  if (extra !== undefined) return `${excerpt(extra)} is no key of a header`;
  const missing = known.find((key) => !keys.includes(key));
  if (missing !== undefined) return `${missing} is missing`;
  for (const [key, pattern] of memberPatterns) {
    const value = JSON.stringify(parsed.value[key]);
    if (!pattern.test(value)) return `${key} is malformed: ${excerpt(value)}`;
  }
  return 'not in the form of a header';
}
