import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, describe, expect, it} from 'vitest'
import {flagShapes} from '../../src/cli/base-command.js'
import {commonRules, type FlagRule} from '../../src/cli/flag-rules.js'
import type {CommandClass} from '../../src/main/command-table.js'
import {runInProcess} from '../kit/run-in-process.js'
import {loadCommands} from './command-files.js'

const commands = await loadCommands()
const home = mkdtempSync(join(tmpdir(), 'baton-rules-'))
afterAll(() => rmSync(home, {recursive: true}))

interface Shape {
  readonly type: 'boolean' | 'option'
  readonly options?: readonly string[]
  readonly helpValue?: string
  readonly required?: boolean
}

/** Valid values for flags whose values must have a certain form. */
const values: Readonly<Record<string, string>> = {
  DURATION: '5s',
  '[DURATION]': '5s',
  N: '2',
  SIZE: '64K',
  SIZES: '5',
  'N|N%': '5',
}

const phrases: Readonly<Record<string, string>> = {COMMAND: 'a command', '--': 'arguments after --'}
const phrase = (name: string): string => phrases[name] ?? `--${name}`

function typed(command: CommandClass, name: string, isOff = false): readonly string[] {
  const {type, options, helpValue = ''} = (flagShapes(command) as Readonly<Record<string, Shape>>)[name] as Shape
  if (type === 'boolean') return [isOff ? `--no-${name}` : `--${name}`]
  return [`--${name}=${options?.[0] ?? values[helpValue] ?? 'x'}`]
}

const required = (command: CommandClass): readonly string[] => [
  ...Object.entries(flagShapes(command) as Readonly<Record<string, Shape>>).flatMap(([name, shape]) =>
    shape.required === true ? typed(command, name) : [],
  ),
  ...Object.values(command.args as unknown as Readonly<Record<string, {required?: boolean; options?: string[]}>>)
    .filter(one => one.required === true)
    .map(one => one.options?.[0] ?? 'x'),
]

interface Row {
  readonly words: readonly string[]
  readonly line: string
}

/** Returns the shortest command lines that break the rule. */
function breaking(id: string, command: CommandClass, rule: FlagRule): readonly Row[] {
  const {flag, when, besides = [], needs = []} = rule
  const words = [...id.split(' '), ...typed(command, flag, when === 'off')]
  const close = rule.isNativeOnly ? ['--', 'true'] : []
  const args = required(command)
  const contradicted = besides.map(name => ({
    words: ['--', 'COMMAND'].includes(name)
      ? [...words, ...args, '--', 'true']
      : [...words, ...typed(command, name), ...args, ...close],
    line: `--${flag}: does not go with ${phrase(name)}`,
  }))
  const isLonely = needs.length > 0
  return [
    ...contradicted,
    ...(isLonely ? [{words: [...words, ...args], line: `--${flag}: only with ${needs.map(phrase).join(' or ')}`}] : []),
  ]
}

const rows = [...commands].flatMap(([id, command]) =>
  [...commonRules, ...command.flagRules]
    .filter(({warning}) => warning === undefined)
    .flatMap(rule => breaking(id, command, rule)),
)

describe('flags that contradict others or have no effect', () => {
  it('are named in the rules of a command only if the command has these flags', () => {
    for (const [id, command] of commands) {
      const known = [...Object.keys(flagShapes(command)), '--', 'COMMAND']
      for (const {flag, besides = [], needs = []} of command.flagRules)
        expect(known, id).toEqual(expect.arrayContaining([flag, ...besides, ...needs]))
    }
  })

  it.concurrent.each(rows)('are refused on the command line $words', async ({words, line}) => {
    const {exitCode, stdout, stderr} = await runInProcess(words, {env: {CONSUL_HTTP_ADDR: '127.0.0.1:1', HOME: home}})
    const isJson = words.includes('--json')
    const shown = isJson ? (JSON.parse(stdout) as {error: {message: string}}).error.message : stderr
    expect({exitCode, shown}).toEqual({
      exitCode: words[0] === 'replicate' && words[1]?.startsWith('-') === true ? 13 : 64,
      shown: isJson ? line : `baton: ${line}\n`,
    })
  })
})
