import {dirname} from 'node:path'
import {fileURLToPath} from 'node:url'
import {defineConfig} from 'vitest/config'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** The long suites: fault tests, the comparison with a real agent, and the package as it is published. They run in CI, not in `npm test`. */
export default defineConfig({
  test: {
    root,
    reporters: ['default', `${root}/test/kit/count-reporter.ts`],
    exclude: ['dist/**', 'node_modules/**'],
    include: ['test/{chaos,differential,package}/**/*.test.ts'],
    setupFiles: ['test/kit/fix-property-seeds.ts', 'test/kit/fail-on-warnings.ts'],
    globalSetup: ['test/kit/build-once.ts'],
    pool: 'forks',
    // These tests mostly wait, so more of them than processors can run at the same time.
    maxWorkers: 3,
    testTimeout: 300_000,
    hookTimeout: 60_000,
  },
})
