import {test} from 'vitest';

/** Declares a test where it can say something; a skipped one would look like a gap. */
export const testWhen =
  (isSo: boolean) =>
  (name: string, run: () => Promise<void>): void => {
    if (isSo) test(name, run);
  };
