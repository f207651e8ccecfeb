/**
 * Where a JSON text breaks the strict rules.
 *
 * `parseStrict` decides with the native parser, which does not say where and lets duplicate keys
 * pass; this slower reading runs only after a refusal, to name the position and the JSON Pointer
 * (RFC 6901). It is also the reference the fast path is tested against.
 */
import {pointerStep, SyntaxRefusal} from './syntax.ts';
import type {SyntaxReason} from './syntax.ts';

const numberPattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const stringPattern = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const wordPattern = /true|false|null/y;
const spacePattern = /[ \t\n\r]*/y;

/** The first fault of a text, or null where the strict rules hold. */
export function findFault(text: string, maxDepth: number): SyntaxRefusal | null {
  let at = 0;
  const take = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0] ?? null;
    if (found !== null) at += found.length;
    return found;
  };
  const refuse = (reason: SyntaxReason, pointer: string, position = at): never => {
    throw new SyntaxRefusal(reason, position, pointer);
  };
  const string = (pointer: string): string => {
    const start = at;
    const token = take(stringPattern) ?? refuse('syntax', pointer);
    const value: unknown = JSON.parse(token);
    if (typeof value !== 'string') return refuse('syntax', pointer, start);
    return value.isWellFormed() ? value : refuse('surrogate', pointer, start);
  };
  const next = (mark: string): boolean => {
    take(spacePattern);
    if (text[at] !== mark) return false;
    at += 1;
    return true;
  };
  const object = (pointer: string, depth: number): void => {
    const seen = new Set<string>();
    if (next('}')) return;
    do {
      take(spacePattern);
      const start = at;
      const key = string(pointer);
      const inner = pointer + pointerStep(key);
      if (seen.has(key)) refuse('duplicate', inner, start);
      seen.add(key);
      if (!next(':')) refuse('syntax', inner);
      value(inner, depth);
    } while (next(','));
    if (!next('}')) refuse('syntax', pointer);
  };
  const array = (pointer: string, depth: number): void => {
    if (next(']')) return;
    let index = 0;
    do {
      value(pointer + pointerStep(index), depth);
      index += 1;
    } while (next(','));
    if (!next(']')) refuse('syntax', pointer);
  };
  const value = (pointer: string, depth: number): void => {
    take(spacePattern);
    const mark = text[at];
    if (mark === '{' || mark === '[') {
      if (depth >= maxDepth) refuse('depth', pointer);
      at += 1;
      if (mark === '{') object(pointer, depth + 1);
      else array(pointer, depth + 1);
    } else if (mark === '"') {
      string(pointer);
    } else if (take(wordPattern) === null) {
      const start = at;
      const number = take(numberPattern) ?? refuse('syntax', pointer);
      if (!Number.isFinite(Number(number))) refuse('number', pointer, start);
    }
  };
  try {
    if (text.startsWith('\uFEFF')) refuse('bom', '');
    value('', 0);
    take(spacePattern);
    if (at < text.length) refuse('trailing', '');
    return null;
  } catch (error) {
    if (error instanceof SyntaxRefusal) return error;
    throw error;
  }
}
