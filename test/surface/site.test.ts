import {mkdtempSync, readFileSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
// @ts-expect-error -- a script without types
import {buildSite as untyped} from '../../bin/site.mjs'

const buildSite = untyped as (folder: string, addLibrary: () => Promise<[]>) => Promise<number>

describe('the documentation as a site', () => {
  let folder = ''
  const page = (name: string): string => readFileSync(join(folder, name), 'utf8')
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'baton-site-'))
    // Rejects if a link is broken. The library's reference takes long, and has its own test.
    await buildSite(folder, async () => [])
  }, 300_000)
  afterAll(() => {
    rmSync(folder, {recursive: true})
  })

  it('has linked pages, and marks the current one in the menu', () => {
    expect(page('commands/lock.html')).toContain('<a href="lock.html" aria-current="page">')
    expect(page('operations.html')).toContain('href="commands/lock.html#acl-rules"')
  })

  it('shows the flags and exit codes of every command', () => {
    expect(page('flags/kv-get.html')).toMatch(/<code>--recurse<\/code>/)
    expect(page('flags/lock.html')).toMatch(/<h2 id="exit-codes">/)
  })

  it('can be searched, and loads nothing from other servers', () => {
    expect(page('pages.js')).toContain('["operations.html","Operations",')
    expect(page('index.html')).not.toMatch(/(?:src|href)="https?:\/\/[^"]+\.(?:js|css|woff2?)"/)
  })
})
