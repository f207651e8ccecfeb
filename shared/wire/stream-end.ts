/**
 * The last message of a stream that ended before its client did, on both tiers (`07-protocols` §1.4).
 *
 * It has no `id:`, so that a client goes on behind the last event that it was given; `cursor` says
 * which one that was.
 */
import type {ErrorCode} from '../errors.ts';

/** The message as text. `cursor` is the last id that was sent, null where there was none. */
export function streamEnd(code: ErrorCode, message: string, cursor: number | null): string {
  return `event: error\ndata: ${JSON.stringify({type: 'Error', code, message, cursor})}\n\n`;
}
