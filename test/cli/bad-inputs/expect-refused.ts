import {mkdtempSync, readdirSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {expect} from 'vitest'
import {type InProcessOptions, runInProcess} from '../../kit/run-in-process.js'

/** A command line that is invalid, or that is partly without effect. */
export interface BadInput {
  /** The arguments. `FILE` stands for the path of a file with the content `file`. */
  readonly words: readonly string[]
  /** The content of the file. */
  readonly file?: string
  readonly env?: Readonly<Record<string, string>>
  /**
   * The only line on stderr. If this text ends with an ellipsis, only the beginning of the line.
   */
  readonly line: string
  readonly exitCode: number
  /** @default nothing */
  readonly stdout?: string
}

/**
 * Runs the command, and expects one line on stderr, the exit code, the stdout that the row names, and no new file in
 * the home directory.
 */
export async function expectRefused(input: BadInput, options: InProcessOptions = {}): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'baton-test-'))
  try {
    const file = join(directory, 'c.hcl')
    if (input.file !== undefined) writeFileSync(file, input.file)
    const place = (text: string): string => text.replaceAll('FILE', file)
    const env = {HOME: directory, ...options.env, ...input.env}
    const {exitCode, stdout, stderr} = await runInProcess(input.words.map(place), {...options, env})
    const line = place(input.line)
    const seen = line.endsWith('…') ? `${stderr.slice(0, line.length - 1)}…` : stderr
    expect({exitCode, stdout, stderr: seen}).toEqual({
      exitCode: input.exitCode,
      stdout: input.stdout ?? '',
      stderr: line.endsWith('…') ? line : `${line}\n`,
    })
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(readdirSync(directory)).toEqual(input.file === undefined ? [] : ['c.hcl'])
  } finally {
    rmSync(directory, {recursive: true})
  }
}

/**
 * Returns a row for a command line that needs no file on disk: `row('kv get', 'Error! …', 64)`. `''` in the words is an
 * empty argument.
 */
export const row = (words: string, line: string, exitCode: number): BadInput => ({
  words: words.split(' ').map(word => (word === "''" ? '' : word)),
  line,
  exitCode,
})
