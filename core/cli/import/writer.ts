/**
 * What every import writes with: each write has a key that follows from the file's content alone, so
 * the second time it is answered as it was the first time, and changes nothing.
 */
import type {Client} from '../../../shared/client/client.ts';
import type {Input} from '../../../shared/client/types.ts';
import type {Contract} from '../../../shared/wire/contract.ts';

export type Tally = Readonly<Record<string, number>>;

/** One write: its place in the file, and what it counts as. */
export type Write = {
  readonly key: string;
  readonly counts: readonly string[];
  readonly agentId?: string | undefined;
};

export type Writer = {
  /** Resolves with the answer, once the write is acknowledged. */
  write<I, O>(of: Contract<I, O>, input: Input<I>, as: Write): Promise<Answered>;
  /** What was acknowledged so far. */
  readonly seen: () => Seen;
};

export type Answered = Readonly<Record<string, unknown>>;

export type Seen = {
  readonly tally: Tally;
  /** Writes that changed something, and those that were there already. */
  readonly written: number;
  readonly replayed: number;
  /** The ledger's position in the newest answer. */
  readonly position: number;
};

/** A part of a file that depends on no other; its writes follow one another. */
export type Part = {
  readonly writeCount: number;
  readonly write: (writer: Writer) => Promise<void>;
};

/** A file that was understood: what it will count as zero or more of, and its parts. */
export type Planned = {readonly counted: readonly string[]; readonly parts: readonly Part[]};

/** Makes a writer; `acknowledged` is told the number of writes after each. */
export function createWriter(
  client: Client,
  counted: readonly string[],
  signal: AbortSignal,
  acknowledged: (count: number) => void,
): Writer {
  const tally: Record<string, number> = Object.fromEntries(counted.map((name) => [name, 0]));
  let [written, replayed, position] = [0, 0, 0];
  return {
    seen: () => ({tally: {...tally}, written, replayed, position}),
    async write(of, input, {agentId, counts, key}) {
      signal.throwIfAborted();
      const options = {idempotencyKey: key, agentId, signal};
      const {body, headers} = await client.send(of, input, options);
      if (headers.get('x-idempotency-replay') === 'true') replayed += 1;
      else written += 1;
      position = Math.max(position, Number(headers.get('cellstate-position') ?? 0));
      for (const name of counts) tally[name] = (tally[name] ?? 0) + 1;
      acknowledged(written + replayed);
      return body as Answered;
    },
  };
}

/** The id that an answer gave. */
export const idOf = (answered: Answered, member: string): string => String(answered[member]);

/** Writes the parts, so many at a time; the first that is refused stops the others. */
export async function writeParts(
  parts: readonly Part[],
  concurrency: number,
  writer: Writer,
  stop: AbortController,
): Promise<void> {
  const left = parts.values();
  const worker = async (): Promise<void> => {
    for (const part of left) {
      try {
        await part.write(writer);
      } catch (error) {
        stop.abort(error);
        throw error;
      }
    }
  };
  const workers = await Promise.allSettled(Array.from({length: concurrency}, worker));
  if (workers.some(({status}) => status === 'rejected')) throw stop.signal.reason;
}
