import {describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../kit/backend.js'
import {type InProcessOptions, runInProcess} from '../kit/run-in-process.js'

const agent = sharedAgent(backends[0]!)
const escape = '\u001b['

/** The environment of each row, and whether a terminal and a pipe get colours with it. */
const colours: readonly (readonly [env: Readonly<Record<string, string>>, onTerminal: boolean, inPipe: boolean])[] = [
  [{}, true, false],
  [{NO_COLOR: '1'}, false, false],
  [{NO_COLOR: ''}, true, false],
  [{TERM: 'dumb'}, false, false],
  [{FORCE_COLOR: '1'}, true, true],
  [{FORCE_COLOR: '0'}, false, false],
  [{FORCE_COLOR: '1', NO_COLOR: '1'}, false, false],
]

/** Commands that colour a part of what they print: help, errors of arguments, errors of the agent, findings. */
const coloured = [
  ['help', 'lock'],
  ['bogus'],
  ['kv', 'bogus'],
  ['lock'],
  ['kv', 'get', 'a', '--http-addr', '127.0.0.1:1'],
  ['doctor', '--http-addr', '127.0.0.1:1'],
]

describe.each(coloured.map(words => ({words})))('colours of $words', ({words}) => {
  it.each(colours)(
    'are used with the environment %o (on a terminal: %s, in a pipe: %s)',
    async (env, onTerminal, inPipe) => {
      const printed = async (options: InProcessOptions): Promise<boolean> => {
        const {stdout, stderr} = await runInProcess(words, {agent, env: {TERM: 'xterm', ...env}, ...options})
        expect(stdout + stderr).not.toBe('')
        return (stdout + stderr).includes(escape)
      }
      expect(await printed({columns: 80})).toBe(onTerminal)
      expect(await printed({})).toBe(inPipe)
    },
  )
})

describe('a terminal', () => {
  it.each([20, 40, 80, 200])('of %d columns shows each line of a report without breaking words', async columns => {
    const env = {NO_COLOR: '1', HOME: '/h'}
    const {stdout} = await runInProcess(['doctor'], {agent, env, columns})
    const lines = stdout.trimEnd().split('\n')
    const textOf = (line: string): string => (columns < 34 ? line : line.slice(17)).trim()
    for (const line of lines) if (textOf(line).includes(' ')) expect(line.length).toBeLessThanOrEqual(columns)
    const whole = await runInProcess(['doctor'], {agent, env})
    const words = (text: string): string => text.replaceAll(/\d+ms|\s+/g, ' ').replaceAll(/\d+ of/g, '')
    expect(words(stdout)).toBe(words(whole.stdout))
  })

  it.each([20, 40])('of %d columns shows each line of a status without breaking words', async columns => {
    const {stdout} = await runInProcess(['status'], {agent, columns})
    const lines = stdout.trimEnd().split('\n')
    for (const line of lines) if (line.trim().includes(' ')) expect(line.length).toBeLessThanOrEqual(columns)
    // Other tests may run event watchers on this host, which the last lines name.
    const words = (text: string): string => text.replaceAll(/\s+/g, ' ').replace(/event watchers.*/, '')
    expect(words(stdout)).toBe(words((await runInProcess(['status'], {agent})).stdout))
  })

  it.each([
    ['lock ls none/', 'no locks'],
    ['kv ls none/', 'no keys'],
    ['event list --name none', 'no events'],
    ['exec ls', 'exec: no jobs'],
    ['service ls', 'the agent has no services'],
    ['replicate held', 'replicate: no deletes are held'],
  ])('shows that a list is empty, while a pipe receives nothing: %s', async (line, said) => {
    const words = line.split(' ')
    expect(await runInProcess(words, {agent, columns: 80})).toMatchObject({stdout: '', stderr: `baton: ${said}\n`})
    expect(await runInProcess(words, {agent})).toMatchObject({stdout: '', stderr: ''})
  })
})
