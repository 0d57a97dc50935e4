import type {Reporter, TestModule} from 'vitest/node'

/** Prints a last line that programs can read, without the colours of the other reporter. */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = {passed: 0, failed: 0, skipped: 0, pending: 0}
    for (const module of modules) {
      for (const test of module.children.allTests()) counts[test.result().state] += 1
      if (module.state() === 'failed' && module.children.size === 0) counts.failed += 1
    }
    console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped + counts.pending} skipped`)
  }
}
