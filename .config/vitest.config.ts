import {dirname} from 'node:path'
import {fileURLToPath} from 'node:url'
import {defineConfig} from 'vitest/config'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const exclude = ['dist/**', 'node_modules/**']
const slow = {testTimeout: 60_000, hookTimeout: 60_000}
/** Unit tests take milliseconds. This limit ends one that hangs, and leaves room for a busy machine. */
const quick = {testTimeout: 20_000, hookTimeout: 20_000}

export default defineConfig({
  test: {
    root,
    reporters: ['default', `${root}/test/kit/count-reporter.ts`],
    // Only what runs inside the test processes is counted: not the guardian, nor commands that a test starts.
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts', 'commands/**/*.ts'],
      reporter: ['text-summary', 'html', 'json-summary'],
      reportsDirectory: `${root}/coverage`,
      reportOnFailure: true,
    },
    projects: [
      {
        test: {
          name: 'unit',
          root,
          exclude,
          include: ['test/unit/**/*.test.ts'],
          setupFiles: ['test/kit/fix-property-seeds.ts'],
          pool: 'threads',
          isolate: false,
          sequence: {groupOrder: 0},
          ...quick,
        },
      },
      {
        test: {
          name: 'integration',
          root,
          exclude,
          include: ['test/integration/**/*.test.ts', 'test/cli/**/*.test.ts', 'test/surface/**/*.test.ts'],
          setupFiles: ['test/kit/fix-property-seeds.ts'],
          globalSetup: ['test/kit/build-once.ts'],
          pool: 'forks',
          maxWorkers: 6,
          sequence: {groupOrder: 1},
          ...slow,
        },
      },
    ],
  },
})
