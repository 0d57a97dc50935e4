import {readFileSync} from 'node:fs'
import {beforeAll, describe, expect, it} from 'vitest'
import {exitRows, sharedMeanings} from '../../src/cli/exit-meanings.js'
import type {CommandClass} from '../../src/main/command-table.js'
import {loadCommands, root} from './command-files.js'
import {expectCommitted} from './committed.js'

let commands: ReadonlyMap<string, CommandClass> = new Map()
beforeAll(async () => {
  commands = await loadCommands()
})

/**
 * Returns a table of exit codes. A meaning that is not common to all commands is preceded by the
 * names of its commands.
 */
function codeTable(ids: readonly string[]): string {
  const meanings = new Map<string, Map<string, string[]>>()
  for (const id of ids) {
    const command = commands.get(id)
    for (const {label, meaning} of command ? exitRows(command) : []) {
      const ofCode = meanings.get(label) ?? new Map<string, string[]>()
      meanings.set(label, ofCode)
      ofCode.set(meaning, [...(ofCode.get(meaning) ?? []), id])
    }
  }
  const labels = [...meanings.keys()].sort((a, b) => rank(a) - rank(b))
  const rows = labels
    .filter(label => label !== '0' || ids.length < commands.size)
    .map(label => {
      const texts = [...(meanings.get(label) ?? [])].map(([meaning, users]) =>
        users.length === ids.length || sharedMeanings.has(meaning)
          ? meaning
          : `${users.map(id => `\`${id}\``).join(', ')}: ${meaning}`,
      )
      return `| ${label} | ${texts.join('<br>').replaceAll('|', '\\|')} |`
    })
  return ['| code | meaning |', '|---|---|', ...rows].join('\n')
}

const rank = (label: string): number => (label === 'other' ? 1000 : Number.parseInt(label, 10))

const tableAfter = (heading: string): RegExp =>
  new RegExp(`(^## ${heading}\\n\\n)\\| code[^\\n]*\\n(?:\\|[^\\n]*\\n)+`, 'm')

function expectTable(path: string, heading: string, table: string): void {
  const page = readFileSync(`${root}${path}`, 'utf8')
  expect(page, `${path} has a section '## ${heading}' that begins with a table of codes`).toMatch(tableAfter(heading))
  expectCommitted(
    path,
    page.replace(tableAfter(heading), (_, head: string) => `${head}${table}\n`),
  )
}

describe('exit codes', () => {
  it('of each command are listed on its page in the docs', () => {
    const topics = new Set([...commands.keys()].map(id => id.split(' ')[0] ?? ''))
    for (const topic of topics) {
      const ids = [...commands.keys()].filter(id => id === topic || id.startsWith(`${topic} `))
      expectTable(`docs/commands/${topic}.md`, 'Exit codes', codeTable(ids))
    }
  })

  it('of all commands are listed in one table of the docs', () => {
    expectTable('docs/reference/exit-codes.md', 'Codes of each command', codeTable([...commands.keys()]))
  })

  it('equal the list in test/kit/exit-codes.json, which tests of commands use', () => {
    const codes = [...commands].map(
      ([id, command]) =>
        `  ${JSON.stringify(id)}: [${exitRows(command)
          .map(({label}) => `"${label}"`)
          .join(', ')}]`,
    )
    expectCommitted('test/kit/exit-codes.json', `{\n${codes.join(',\n')}\n}\n`)
  })
})
