/**
 * Which of the two encodings an answer has, by RFC 9110 §12.5.1: the most specific range that
 * matches a type gives its weight.
 */

export const jsonType = 'application/json';
export const packType = 'application/msgpack';

const rangesOf = (accept: string): readonly (readonly [range: string, weight: number])[] =>
  accept.split(',').map((one) => {
    const [range = '', ...parameters] = one.split(';').map((part) => part.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
    return [range, weight === undefined ? 1 : Number(weight) || 0];
  });

/** Whether MessagePack is asked for: by name, and JSON is not wanted more. */
export function prefersPack(accept: string | null): boolean {
  const ranges = new Map(rangesOf(accept ?? ''));
  const pack = ranges.get(packType) ?? 0;
  // A wildcard beside MessagePack says that JSON would do, not that it is preferred.
  const json = ranges.get(jsonType);
  if (json !== undefined) return pack > json;
  return pack > 0 && pack >= (ranges.get('application/*') ?? ranges.get('*/*') ?? 0);
}

/** Whether JSON is refused: then an error is MessagePack too. */
export const readsOnlyPack = (accept: string | null): boolean =>
  prefersPack(accept) &&
  rangesOf(accept ?? '').every(
    ([range, weight]) => range === packType || weight === 0 || !/json|\*$/.test(range),
  );
