/**
 * Why JSON is refused, and where, for the person who sent it.
 *
 * The fast paths of `canonical.ts` and `parse-strict.ts` only know that something is wrong; what
 * is here and in `find-fault.ts` runs after a refusal alone.
 */

/** The rule that was broken; `type` is for values that no JSON text can mean. */
export type SyntaxReason =
  | 'bom'
  | 'depth'
  | 'duplicate'
  | 'number'
  | 'surrogate'
  | 'syntax'
  | 'trailing'
  | 'type';

const sentences: Readonly<Record<SyntaxReason, string>> = {
  bom: 'begins with a byte order mark',
  depth: 'is nested too deep',
  duplicate: 'has a member twice',
  number: 'has a number that is not finite',
  surrogate: 'has a lone surrogate',
  syntax: 'is not JSON',
  trailing: 'goes on after its value',
  type: 'has a value that JSON does not know',
};

/** A JSON text or value that is refused; the HTTP layer answers it with 400. */
export class SyntaxRefusal extends Error {
  override readonly name = 'SyntaxRefusal';
  readonly reason: SyntaxReason;
  /** Index in UTF-16 units, null where a value and not a text was refused. */
  readonly position: number | null;
  /** JSON Pointer of the innermost value or member concerned; empty for the whole. */
  readonly pointer: string;

  constructor(reason: SyntaxReason, position: number | null, pointer: string) {
    const where = position === null ? '' : ` at character ${position}`;
    super(`JSON ${sentences[reason]}${where}${pointer === '' ? '' : `, in ${pointer}`}`);
    this.reason = reason;
    this.position = position;
    this.pointer = pointer;
  }
}

/** Whether an object is a bag of members and no instance of anything. */
export function isPlain(object: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(object);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** The first value of a tree that has no JSON text, or null. */
export function findValueFault(root: unknown, maxDepth: number): SyntaxRefusal | null {
  const visit = (value: unknown, pointer: string, depth: number): SyntaxRefusal | null => {
    const refuse = (reason: SyntaxReason): SyntaxRefusal =>
      new SyntaxRefusal(reason, null, pointer);
    if (value === null || typeof value === 'boolean') return null;
    if (typeof value === 'string') return value.isWellFormed() ? null : refuse('surrogate');
    if (typeof value === 'number') return Number.isFinite(value) ? null : refuse('number');
    if (typeof value !== 'object') return refuse('type');
    if (depth >= maxDepth) return refuse('depth');
    if (!Array.isArray(value) && !isPlain(value)) return refuse('type');
    for (const key of Array.isArray(value) ? value.keys() : Object.keys(value)) {
      const inner = pointer + pointerStep(key);
      if (!String(key).isWellFormed()) return new SyntaxRefusal('surrogate', null, inner);
      const fault = visit(Reflect.get(value, key), inner, depth + 1);
      if (fault !== null) return fault;
    }
    return null;
  };
  return visit(root, '', 0);
}

/** A key as a step of a JSON Pointer. */
export function pointerStep(key: string | number): string {
  return `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
