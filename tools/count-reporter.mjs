// @ts-check

/** Ends a run with the plain line `N passed, N failed`, for people and programs that read only the last line. */
export default class CountReporter {
  #line = '0 passed, 0 failed';

  /** @param {unknown} _contexts @param {import('@jest/test-result').AggregatedResult} results */
  onRunComplete(_contexts, results) {
    // A file that could not run at all has no tests to count: it counts as one failure.
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = results.numPendingTests + results.numTodoTests;
    this.#line =
      `${results.numPassedTests} passed, ${failed} failed` + (skipped ? `, ${skipped} skipped` : '');
    // Jest prints its own summary after the reporters: speak last.
    process.once('exit', () => process.stdout.write(`${this.#line}\n`));
  }
}
