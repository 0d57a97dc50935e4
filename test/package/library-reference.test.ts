import {mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
// @ts-expect-error -- a script without types
import {buildLibrary as untyped} from '../../bin/site/library.mjs'
import {readPublicSurface} from '../kit/doc-examples.js'

const buildLibrary = untyped as (folder: string) => Promise<readonly (readonly [address: string, name: string])[]>

describe('the reference of the library', () => {
  let folder = ''
  let entries: Awaited<ReturnType<typeof buildLibrary>> = []
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'baton-reference-'))
    // Rejects if a comment is wrong or a link is broken.
    entries = await buildLibrary(folder)
  }, 300_000)
  afterAll(() => {
    rmSync(folder, {recursive: true})
  })

  it('has a page with an example for every function and class, except errors', () => {
    const {values} = readPublicSurface(process.cwd())
    const withoutExample = values.flatMap(({name}) => {
      const pages = entries.filter(entry => entry[1] === name && /^(functions|classes|variables)\//.test(entry[0]))
      const texts = pages.map(([address]) => readFileSync(join(folder, address), 'utf8'))
      return texts.some(text => />Example[^<]*</.test(text)) ? [] : [name]
    })
    expect(withoutExample).toEqual([])
    expect(values.length).toBeGreaterThan(40)
  })

  it('loads nothing from other servers', () => {
    const pages = readdirSync(folder, {recursive: true, encoding: 'utf8'}).filter(file => file.endsWith('.html'))
    const loading = pages.filter(page =>
      /<(?:script|link|img)[^>]+https?:/.test(readFileSync(join(folder, page), 'utf8')),
    )
    expect(loading).toEqual([])
  })
})
