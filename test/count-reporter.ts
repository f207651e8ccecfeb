import {writeSync} from 'node:fs';
import type {Reporter, SerializedError, TestModule} from 'vitest/node';

/**
 * Ends a run with `N passed, N failed, N skipped` alone on the last line, which `.ci/run` adds up.
 *
 * Whatever went wrong outside a test (a file that does not load, a hook, an unhandled rejection, a
 * worker that died) counts as one failure, so that `0 failed` means that nothing failed. The lines
 * of `leftOut` say which files were not run, and why: they stand beside the counts because a suite
 * that silently left out its PostgreSQL half reads as green.
 */
export class CountReporter implements Reporter {
  readonly #leftOut: readonly string[];

  constructor(leftOut: readonly string[]) {
    this.#leftOut = leftOut;
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const count = {passed: 0, failed: unhandled.length, skipped: 0};
    for (const module of modules) {
      count.failed += module.errors().length;
      for (const suite of module.children.allSuites()) count.failed += suite.errors().length;
      for (const test of module.children.allTests()) {
        const {state} = test.result();
        // A test without a result was never reached: its worker died or the run was stopped.
        count[state === 'pending' ? 'failed' : state] += 1;
      }
    }
    const counts = `${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`;
    const lines = [...this.#leftOut.map((line) => `NOT RUN: ${line}`), counts];
    // At exit, because the other reporters print their summaries after this hook; synchronously,
    // because an exit handler does not wait for a pipe.
    process.once('exit', () => writeSync(1, `\n${lines.join('\n')}\n`));
  }
}
