import {existsSync, readdirSync, readFileSync} from 'node:fs'
import {dirname, posix} from 'node:path'
import {fileURLToPath} from 'node:url'
import {describe, expect, it} from 'vitest'
import {errorCodes} from '../../../src/core/errors.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const read = (path: string): string => readFileSync(`${root}${path}`, 'utf8')
const filesUnder = (folder: string, ending: string): string[] =>
  readdirSync(`${root}${folder}`, {recursive: true, encoding: 'utf8'})
    .filter(file => file.endsWith(ending))
    .map(file => `${folder}/${file}`)

const tests = filesUnder('test', '.test.ts').map(read).join('\n')
const citedIn = (text: string): string[] => [...text.matchAll(/\[test: ([^\]]+)\]/g)].map(match => match[1] ?? '')

describe('the pages of docs/test', () => {
  it.each(filesUnder('docs/test', '.md'))('name only tests that exist: %s', page => {
    expect(citedIn(read(page)).filter(id => !tests.includes(id))).toEqual([])
  })
})

describe('docs/guarantees.md', () => {
  const sentences = read('docs/guarantees.md')
    .split('\n')
    .filter(line => line.startsWith('- '))

  it('contains at least one guarantee', () => {
    expect(sentences.length).toBeGreaterThan(0)
  })

  it.each(sentences)('names a test that exists: %s', sentence => {
    const ids = citedIn(sentence)
    expect(ids, 'every guarantee names its test as [test: part of its title]').not.toHaveLength(0)
    for (const id of ids) expect(tests, `no test is called '${id}'`).toContain(id)
  })
})

describe('docs/test as a whole', () => {
  const tests = filesUnder('test', '.test.ts').map(read).join('\n')
  const named = filesUnder('docs/test', '.md').flatMap(file => [...read(file).matchAll(/\[test: ([^\]]+)\]/g)])

  it('names at least one test, and only tests that exist', () => {
    expect(named.map(([, id = '']) => id).filter(id => !tests.includes(id))).toEqual([])
    expect(named.length).toBeGreaterThan(0)
  })
})

describe('the package', () => {
  const {files} = JSON.parse(read('package.json')) as {readonly files: readonly string[]}

  it('contains the pages that README.md links to', () => {
    const linked = [...read('README.md').matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)].map(match => match[1] ?? '')
    expect(linked.filter(link => !files.includes(link.split('/')[0] ?? ''))).toEqual([])
  })
})

describe('docs/reference/errors.md', () => {
  it('lists every error code, and no other', () => {
    const listed = [...read('docs/reference/errors.md').matchAll(/^\| `(BATON_\w+)`/gm)].map(match => match[1])
    expect(listed.toSorted()).toEqual([...errorCodes].sort())
  })
})

describe('the records in docs/decisions', () => {
  const records = filesUnder('docs/decisions', '.md').filter(file => !file.endsWith('README.md'))
  const index = read('docs/decisions/README.md')

  it.each(records)('have a number, three parts and a row in the index: %s', file => {
    const name = posix.basename(file)
    const title = new RegExp(`^# ${name.slice(0, 4)}: (.+)\\n`).exec(read(file))?.[1]
    expect(title, 'the first line is `# NNNN: Title`').toBeDefined()
    const parts = [...read(file).matchAll(/^\*\*(\w+)\.\*\*/gm)].map(match => match[1])
    expect(parts).toEqual(['Context', 'Decision', 'Consequences'])
    expect(index).toContain(`| [${name.slice(0, 4)}](${name}) | ${title} |`)
  })
})

describe('docs/operations.md', () => {
  it('names in its table of tokens each command that needs permissions', () => {
    const table = /^## Tokens$([\s\S]*?)^- /m.exec(read('docs/operations.md'))?.[1] ?? ''
    const needing = filesUnder('docs/commands', '.md').filter(path => /policy = "/.test(read(path)))
    const commands = needing.map(path => posix.basename(path, '.md'))
    expect(commands).toContain('lock')
    expect(commands.filter(name => !new RegExp(`\`${name}\\b`).test(table))).toEqual([])
  })
})

describe('docs/architecture.md', () => {
  const paths = [...read('docs/architecture.md').matchAll(/`((?:src|commands|bin|test|docs|\.config)\/[^`<]*)`/g)]

  it('names files and folders that exist', () => {
    const missing = paths.map(match => match[1] ?? '').filter(path => !existsSync(`${root}${path}`))
    expect(missing).toEqual([])
  })

  it('names every folder of src', () => {
    const page = read('docs/architecture.md')
    const folders = readdirSync(`${root}src`, {withFileTypes: true}).filter(entry => entry.isDirectory())
    const isNamed = (name: string): boolean => new RegExp(`(src/|  )${name}\\b`).test(page)
    expect(folders.map(({name}) => name).filter(name => !isNamed(name))).toEqual([])
  })
})

describe('links in the docs', () => {
  const atTheRoot = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CODE_OF_CONDUCT.md']
  const pages = [...atTheRoot, ...filesUnder('docs', '.md'), 'examples/README.md']
  /** Returns the pages and files to which a page links, as paths from the root. */
  const linksOf = (page: string): string[] =>
    [...read(page).matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)].map(match => posix.join(dirname(page), match[1] ?? ''))

  it.each(pages)('lead to files that exist: %s', page => {
    for (const link of linksOf(page)) expect(() => readFileSync(`${root}${link}`)).not.toThrow(/ENOENT/)
  })

  it('lead from docs/index.md to every page', () => {
    const reached = new Set(['docs/index.md'])
    for (const page of reached) {
      if (page.endsWith('.md')) for (const link of linksOf(page)) if (pages.includes(link)) reached.add(link)
    }
    expect(pages.filter(page => !reached.has(page))).toEqual([])
  })
})
