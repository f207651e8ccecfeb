/**
 * What a command prints: results on standard output, everything else on standard error.
 *
 * So `cellstate … --json | jq` and `cellstate checkpoint get > note` get the result and nothing
 * besides, and a progress bar is drawn only where somebody looks at it.
 */

export type Terminal = {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly isTerminal: boolean;
};

/** The streams of this process. */
export const processTerminal = (): Terminal => ({
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  isTerminal: process.stderr.isTTY === true,
});

/** Options that every command that prints a result has. */
export type Printing = {readonly json?: boolean; readonly quiet?: boolean};

/** One line of a result. */
export const line = ({out}: Terminal, text = ''): void => out(`${text}\n`);

/** One line of advice or progress. */
export const note = ({err}: Terminal, text: string): void => err(`${text}\n`);

/** A result for programs: one JSON value and a newline. */
export const json = ({out}: Terminal, value: unknown): void =>
  out(`${JSON.stringify(value, null, 2)}\n`);

/** Columns side by side; the last one is not padded. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  const lines = rows.map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  '),
  );
  return lines.map((text) => `${text.trimEnd()}\n`).join('');
}

/** A bar that is drawn over itself; `total` may grow while it runs. */
export type Progress = {
  readonly to: (done: number) => void;
  readonly end: () => void;
};

const barWidth = 30;
/** Often enough to look alive, seldom enough to cost nothing. */
const drawEveryMs = 100;

const silent: Progress = {to: () => undefined, end: () => undefined};

/** A progress bar on a terminal, nothing elsewhere. */
export function progress({err, isTerminal}: Terminal, label: string, total: number): Progress {
  if (!isTerminal || total === 0) return silent;
  let drawnAt = -drawEveryMs;
  const draw = (done: number): void => {
    const share = Math.min(1, done / total);
    const filled = Math.round(share * barWidth);
    const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled);
    err(
      `\r${label} ${bar} ${String(Math.floor(share * 100)).padStart(3)} %  ${done} of ${total}\u001b[K`,
    );
  };
  return {
    to: (done) => {
      const now = performance.now();
      if (now - drawnAt < drawEveryMs) return;
      drawnAt = now;
      draw(done);
    },
    end: () => err('\r\u001b[K'),
  };
}
