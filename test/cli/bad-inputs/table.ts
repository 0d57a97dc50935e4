import {mkdtempSync, readdirSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, describe, expect, it} from 'vitest'
import {runInProcess} from '../../kit/run-in-process.js'

/**
 * The arguments, with `{junk}` and the like for files, and the line that refuses them. A `…` at the end of the line
 * stands for any text.
 */
export type BadInput = readonly [words: readonly string[], line: string]

const secret = 'c2VjcmV0LWtleS1ieXRlcw=='
export const pem = `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----`

const files: Readonly<Record<string, string | Uint8Array>> = {
  junk: 'hello\n',
  broken: '{',
  list: '[1]',
  typo: '{"http-adr":"x"}',
  binary: Uint8Array.of(0, 1, 255),
  empty: '',
  watch: '{"watches":[{"type":"key"}]}',
  extra: '{"watches":[{"type":"key","key":"a","argz":["x"]}]}',
  none: '{"watches":[]}',
  section: '{"lokc":{"grace":"1s"}}',
  strange: '{"entirely-different":1}',
  addresses: '{"http-addr":["a:1","b:1"]}',
}

/**
 * Runs each row without an agent, because the command must refuse it before it sends anything. Fails if one of them
 * leaves a file in the home directory.
 */
export function describeBadInputs(title: string, rows: readonly BadInput[]): void {
  const directory = mkdtempSync(join(tmpdir(), 'baton-bad-'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text, {mode: 0o600})
  afterAll(() => {
    const left = readdirSync(directory)
    rmSync(directory, {recursive: true})
    expect(left.sort()).toEqual(Object.keys(files).sort())
  })
  const resolved = (text: string): string => text.replaceAll(/\{(\w*)\}/g, (_, name: string) => join(directory, name))

  describe.concurrent(title, () => {
    it.each(rows.map(([words, line]) => ({words, line})))(
      'invalid input is refused (arguments: $words)',
      async ({words, line}) => {
        const env = {CONSUL_HTTP_ADDR: '127.0.0.1:1', HOME: directory}
        const {exitCode, stderr, stdout} = await runInProcess(words.map(resolved), {env})
        const expected = resolved(line)
        // The messages of Node's JSON parser differ between versions.
        const isStart = expected.endsWith('…')
        const said = isStart ? stderr.slice(0, expected.length - 1) : stderr
        expect({exitCode, said, stdout}).toEqual({
          exitCode: 64,
          said: isStart ? expected.slice(0, -1) : `${expected}\n`,
          stdout: '',
        })
        expect(stderr.trim().split('\n')).toHaveLength(1)
        expect(stderr).not.toContain(secret)
      },
    )
  })
}
