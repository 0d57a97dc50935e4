import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, describe, expect, it} from 'vitest'
import exitCodes from '../../kit/exit-codes.json' with {type: 'json'}
import {runInProcess} from '../../kit/run-in-process.js'

const directory = mkdtempSync(join(tmpdir(), 'baton-every-'))
const typo = join(directory, 'typo.json')
writeFileSync(typo, '{"http-adr": "x"}')
afterAll(() => rmSync(directory, {recursive: true}))
const secret = '-----BEGIN PRIVATE KEY-----'

/** What a user may type by mistake before the arguments of any command, and the beginning of the refusal. */
const mistakes: readonly (readonly [words: readonly string[], line: string])[] = [
  [['--no-such-flag'], 'unknown flag: --no-such-flag'],
  [['--no-such-flag=1'], 'unknown flag: --no-such-flag'],
  [[`--${secret}`], 'unknown flag: '],
  [['--config', ''], '--config: the value is empty'],
  [['--config'], '--config: a value is missing'],
  [['--config', '/no/such'], 'config: cannot read /no/such: '],
  [['--log-format', 'xml'], "--log-format: 'xml' is not one of text, json"],
  [['--quiet=maybe'], "--quiet: 'maybe' is neither true nor false"],
]

describe.concurrent.each(Object.keys(exitCodes))('bad input of baton %s', id => {
  it.each(mistakes)('is refused in one line (arguments: %j)', async (words, line) => {
    const {exitCode, stdout, stderr} = await runInProcess([...id.split(' '), ...words], {env: {HOME: directory}})
    expect({exitCode, stdout}).toEqual({exitCode: expect.toBeOneOf([64, 13, 15]), stdout: ''})
    expect(stderr).toMatch(/^[^\n]*\n$/)
    expect(stderr).toContain(`baton: ${line}`)
    expect(stderr).not.toContain(secret)
  })
})
