/**
 * The embedded PostgreSQL: one process, one connection, spoken to in its wire protocol.
 *
 * Each call into the engine costs more than most statements, and the library's own `query` makes
 * six. Here everything that belongs together (`begin`, role, statement, `commit`) is one message and
 * one call, and statements stay prepared, as on a server.
 */
import {messages, PGlite, protocol} from '@electric-sql/pglite';
import {btree_gin as btreeGin} from '@electric-sql/pglite/contrib/btree_gin';
import {vector} from '@electric-sql/pglite-pgvector';
import type {Statement} from '../store.ts';
import {lockDirectory, type DirectoryLock} from './directory-lock.ts';
import {NotSent} from './errors.ts';
import {Turns} from './turns.ts';
import {decoderOf, encode} from './values.ts';

/** Longer than any batch takes; a read that asks inside a read would wait for itself. */
const turnWaitMs = 10_000;

/** A statement with its values, or several statements without any. */
export type Part =
  | {readonly statement: Statement; readonly values: readonly unknown[]}
  | {readonly text: string};

type OnFatal = (error: Error) => void;

export type EmbeddedOptions = {
  /** All files of a database, as `dump` answered them. */
  readonly image?: Blob | undefined;
  /** Told once that the engine has crashed: what it holds is whole on disk only, so start again. */
  readonly onFatal?: OnFatal | undefined;
};

type Message = ReturnType<typeof protocol.serialize.sync>;
type Field = {readonly name: string; readonly decode: (text: string) => unknown};

export class Embedded {
  readonly #db: PGlite;
  readonly #lock: DirectoryLock | null;
  readonly #onFatal: OnFatal | undefined;
  /** Everybody's queue for the one connection. */
  readonly turns = new Turns('the embedded database', turnWaitMs);
  readonly #prepared = new Map<string, string>();
  #broken: Error | null = null;

  private constructor(db: PGlite, lock: DirectoryLock | null, onFatal: OnFatal | undefined) {
    this.#db = db;
    this.#lock = lock;
    this.#onFatal = onFatal;
  }

  /**
   * Opens the database of a directory, or a new one in `memory`; makes it where there is none. A new one
   * takes a second or two to make, unless there is an image of one.
   */
  static async open(place: string, options: EmbeddedOptions = {}): Promise<Embedded> {
    const {image, onFatal} = options;
    const lock = place === 'memory' ? null : lockDirectory(place);
    try {
      const db = await PGlite.create(place === 'memory' ? 'memory://' : place, {
        extensions: {vector, btree_gin: btreeGin},
        ...(image && {loadDataDir: image}),
      });
      return new Embedded(db, lock, onFatal);
    } catch (error) {
      lock?.release();
      throw error;
    }
  }

  /** All files of the database, as an image that `open` takes. */
  dump(): Promise<Blob> {
    return this.turns.take(() => this.#db.dumpDataDir('none'));
  }

  /** Runs the parts in one call; answers the rows of each. The first error of any is thrown. */
  async run(parts: readonly Part[]): Promise<unknown[][]> {
    if (this.#broken !== null) {
      throw new NotSent('the embedded database has stopped', {cause: this.#broken});
    }
    const message = Buffer.concat(parts.flatMap((part) => this.#toMessages(part)));
    const answer = await this.#send(message);
    return this.#toRows(answer, parts);
  }

  async #send(message: Uint8Array): Promise<Uint8Array> {
    try {
      return await this.#db.execProtocolRaw(new Uint8Array(message));
    } catch (error) {
      // Errors of SQL come as messages. This is the engine itself, and what it holds is in doubt.
      this.#broken = error instanceof Error ? error : new Error(String(error));
      this.#onFatal?.(this.#broken);
      throw this.#broken;
    }
  }

  #toMessages(part: Part): Message[] {
    const {serialize} = protocol;
    if ('text' in part) return [serialize.query(part.text)];
    const {name, text} = part.statement;
    return [
      ...(this.#prepared.get(name) === text
        ? []
        : [...this.#forget(name), serialize.parse({name, text})]),
      serialize.bind({statement: name, values: part.values.map(encode)}),
      serialize.describe({type: 'P'}),
      serialize.execute({}),
      serialize.sync(),
    ];
  }

  #forget(name: string): Message[] {
    return this.#prepared.delete(name) ? [protocol.serialize.close({type: 'S', name})] : [];
  }

  #toRows(answer: Uint8Array, parts: readonly Part[]): unknown[][] {
    const found: unknown[][] = [];
    let rows: unknown[] = [];
    let fields: readonly Field[] = [];
    const errors: Error[] = [];

    new protocol.Parser().parse(answer, (message) => {
      if (message instanceof messages.RowDescriptionMessage) {
        fields = message.fields.map(({name, dataTypeID}) => ({
          name,
          decode: decoderOf(dataTypeID),
        }));
      } else if (message instanceof messages.DataRowMessage) {
        rows.push(toRow(fields, message.fields));
      } else if (message instanceof messages.DatabaseError) {
        errors.push(message);
      } else if (message.name === 'parseComplete') {
        const part = parts[found.length];
        // A simple query drops the statement without a name.
        if (part !== undefined && 'statement' in part && part.statement.name !== '') {
          this.#prepared.set(part.statement.name, part.statement.text);
        }
      } else if (message.name === 'readyForQuery') {
        found.push(rows);
        rows = [];
      }
    });
    const [first] = errors;
    if (first !== undefined) throw first;
    return found;
  }

  async close(): Promise<void> {
    await this.turns.take(async () => {
      this.#broken ??= new Error('it was closed');
      await this.#db.close();
    });
    this.#lock?.release();
  }
}

function toRow(fields: readonly Field[], texts: readonly (string | null)[]): object {
  const row: Record<string, unknown> = {};
  fields.forEach(({name, decode}, i) => {
    const text = texts[i] ?? null;
    row[name] = text === null ? null : decode(text);
  });
  return row;
}
