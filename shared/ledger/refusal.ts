/**
 * Why a piece of ledger text was not accepted.
 *
 * Every parser of this folder is strict and total: it answers a value or throws this, whatever it
 * is fed. What is refused here came from outside, so it is never a bug of ours and never a 500.
 */

/** Which piece was being read. */
export type Part =
  | 'base64'
  | 'bundle'
  | 'checkpoint'
  | 'content'
  | 'data'
  | 'facts'
  | 'header'
  | 'hex'
  | 'id'
  | 'kind'
  | 'note'
  | 'policy'
  | 'proof'
  | 'receipt'
  | 'text'
  | 'tree'
  | 'vkey';

/** A piece of ledger text that breaks a rule of its format. */
export class FormatRefusal extends Error {
  override readonly name = 'FormatRefusal';
  readonly part: Part;
  /** The rule that was broken, without the name of the part. */
  readonly rule: string;

  constructor(part: Part, rule: string, cause?: unknown) {
    super(`${part}: ${rule}`, cause === undefined ? undefined : {cause});
    this.part = part;
    this.rule = rule;
  }
}

/** Shortens what a stranger sent before it goes into a message. */
export function excerpt(text: string, limitChars = 80): string {
  return text.length <= limitChars ? text : `${text.slice(0, limitChars)}…`;
}
