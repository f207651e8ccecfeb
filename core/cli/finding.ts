/** What the doctor says of one thing that it looked at. */

export type Health = 'bad' | 'ok' | 'skipped' | 'warn';

/** One thing that was looked at. `advice` says what to do; it is empty where nothing is to be done. */
export type Finding = {
  readonly name: string;
  readonly is: Health;
  readonly found: string;
  readonly advice: string;
};

/** A finding that is as it should be. */
export const good = (name: string, found: string): Finding => ({name, is: 'ok', found, advice: ''});
