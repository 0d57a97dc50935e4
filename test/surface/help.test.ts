import {beforeAll, describe, expect, it} from 'vitest'
import type {CommandTable} from '../../src/main/command-table.js'
import {groups} from '../../src/main/help/groups.js'
import {commandPage, connectionPage, type Page} from '../../src/main/help/page.js'
import {overviewText, pageText, topicText} from '../../src/main/help/text.js'
import {loadCommands} from './command-files.js'

const longest = (text: string): number => Math.max(...text.split('\n').map(line => line.length))
const plain = (width: number) => ({width, paint: (_style: unknown, text: string) => text})

let table: CommandTable = {}
let pages: readonly Page[] = []
beforeAll(async () => {
  const commands = await loadCommands()
  table = Object.fromEntries([...commands].map(([id, command]) => [id, async () => ({default: command})]))
  pages = [connectionPage(), ...(await Promise.all([...commands].map(one => commandPage(...one, table))))]
})

describe('the help of every command', () => {
  it.each([40, 80, 120])('fits into %d columns', async width => {
    const texts = [
      overviewText('1.2.3', 'docs/index.md', plain(width)),
      ...(await Promise.all(['kv', 'keys'].map(topic => topicText(topic, table, plain(width))))),
      ...pages.map(page => pageText(page, plain(width))),
    ]
    const wide = texts
      .filter(text => longest(text) > width)
      .map(text => text.split('\n').filter(line => line.length > width))
    expect(wide).toEqual([])
  })

  it('has a description of two sentences, exit codes, an example, and a page in the docs', () => {
    const faults = pages.slice(1).flatMap(({name, sections}) => {
      const titles = sections.map(({title}) => title)
      const missing = ['USAGE', 'DESCRIPTION', 'EXIT CODES', 'EXAMPLES', 'SEE ALSO'].filter(
        one => !titles.includes(one),
      )
      const text = sections.flatMap(one => (one.title === 'DESCRIPTION' && one.kind === 'text' ? one.paragraphs : []))
      const sentences = text
        .join(' ')
        .split(/[.:;]\s|\.$/)
        .filter(Boolean).length
      return [
        ...missing.map(one => `${name}: no ${one}`),
        ...(sentences < 2 ? [`${name}: ${sentences} sentences`] : []),
      ]
    })
    expect(faults).toEqual([])
  })

  it("names the environment variable of each flag that has one, and each flag's default and choices", () => {
    const text = pageText(pages.find(({name}) => name === 'baton lock')!, plain(120))
    expect(text).toMatch(/-n, --limit=N .*\[default: 1; env: BATON_LIMIT\]/)
    expect(text).toMatch(/--checks=none\|serf .*\[default: none; env: BATON_CHECKS\]/s)
    expect(text).toMatch(/\[choices: trace, debug, info, warn, error,\s+silent; default: warn;/)
    expect(pageText(connectionPage(), plain(120))).toMatch(/--ca-file=FILE .*\[env: CONSUL_CACERT, BATON_CA_FILE\]/)
  })

  it('lists each first-level command in exactly one group', () => {
    const listed = groups.flatMap(({commands}) => Object.keys(commands))
    const topics = new Set(Object.keys(table).map(id => id.split(' ')[0]))
    expect(listed.toSorted()).toEqual([...topics].sort())
  })
})
