/**
 * A queue for something that one at a time may use.
 *
 * The wait is bounded: on the one connection of the embedded database a read inside a read would
 * wait for itself, and for ever.
 */
import {NoTurn} from './errors.ts';

export class Turns {
  #last: Promise<unknown> = Promise.resolve();
  readonly #of: string;
  readonly #waitMs: number;

  constructor(of: string, waitMs: number) {
    this.#of = of;
    this.#waitMs = waitMs;
  }

  /** Runs `work` when all that came before is done; throws `NoTurn` when its turn does not come. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#last;
    let leave: () => void = () => {};
    this.#last = new Promise<void>((resolve) => {
      leave = resolve;
    }).then(() => before);
    try {
      await this.#turnAfter(before);
      return await work();
    } finally {
      leave();
    }
  }

  async #turnAfter(before: Promise<unknown>): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new NoTurn(`${this.#of} was in use for ${this.#waitMs} ms`));
      }, this.#waitMs);
    });
    try {
      await Promise.race([before, tooLate]);
    } finally {
      clearTimeout(timer);
    }
  }
}
