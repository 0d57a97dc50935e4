import {readdirSync, readFileSync} from 'node:fs'
import {dirname} from 'node:path'
import {fileURLToPath} from 'node:url'
import {defineConfig} from 'vitest/config'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const exclude = ['dist/**', 'node_modules/**']
const slow = {testTimeout: 60_000, hookTimeout: 60_000}
/** Unit tests take milliseconds. This limit ends one that hangs, and leaves room for a busy machine. */
const quick = {testTimeout: 20_000, hookTimeout: 20_000}

/**
 * Returns the tests that do not ask the agent of test/kit/backend.ts. With BATON_TEST_LIKE they would only repeat what
 * they do without it.
 */
function testsWithoutBackend(): string[] {
  const files = readdirSync(`${root}/test`, {recursive: true, encoding: 'utf8'}).map(file => `test/${file}`)
  return files.filter(
    file => file.endsWith('.test.ts') && !/backends|sharedAgent/.test(readFileSync(`${root}/${file}`, 'utf8')),
  )
}
const repeated = process.env['BATON_TEST_LIKE'] ? testsWithoutBackend() : []

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
          setupFiles: ['test/kit/fix-property-seeds.ts', 'test/kit/fail-on-warnings.ts'],
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
          exclude: [...exclude, ...repeated],
          include: ['test/integration/**/*.test.ts', 'test/cli/**/*.test.ts', 'test/surface/**/*.test.ts'],
          setupFiles: ['test/kit/fix-property-seeds.ts', 'test/kit/fail-on-warnings.ts'],
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
