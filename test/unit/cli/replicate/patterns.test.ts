import {describe, expect, it} from 'vitest'
import {globToRegex, toFilter} from '../../../../src/cli/replicate/patterns.js'
import {createKeyScope} from '../../../../src/replicate/plan/key-scope.js'
import type {KeyFilter} from '../../../../src/replicate/types.js'

const scopeOf = (...filters: KeyFilter[]) =>
  createKeyScope({
    mapping: {source: 'app/', datacenter: 'dc1', destination: 'copy/'},
    filters,
    lockKeys: 'skip',
    statusDir: 'st',
  })
const keys = ['app/a', 'app/a.tmp', 'app/x/b.tmp', 'app/x/y/c', 'app/prod-1/k', 'app/dev/k']
const left = async (texts: Parameters<typeof toFilter>[0]) => {
  const scope = scopeOf(await toFilter(texts))
  return keys.filter(scope.includes)
}

describe('key patterns', () => {
  it.each([
    [{'exclude-glob': ['app/*.tmp']}, ['app/a', 'app/x/b.tmp', 'app/x/y/c', 'app/prod-1/k', 'app/dev/k']],
    [{'exclude-glob': ['**/*.tmp']}, ['app/a', 'app/x/y/c', 'app/prod-1/k', 'app/dev/k']],
    [{'include-glob': ['app/{prod-?,dev}/**']}, ['app/prod-1/k', 'app/dev/k']],
    [{'include-regex': ['^app/(prod|dev)']}, ['app/prod-1/k', 'app/dev/k']],
    [{include: ['app/x/', 'app/a'], 'exclude-match': ['.tmp']}, ['app/a', 'app/x/y/c']],
    [{'exclude-regex': ['[0-9]'], exclude: ['app/x/']}, ['app/a', 'app/a.tmp', 'app/dev/k']],
  ])('given as %j select the keys %j', async (texts, wanted) => {
    expect(await left(texts)).toEqual(wanted)
  })

  it('apply together if some belong to one mapping and others to all mappings', async () => {
    const scope = scopeOf(await toFilter({include: ['app/x/']}), await toFilter({'exclude-glob': ['**.tmp']}))
    expect(keys.filter(scope.includes)).toEqual(['app/x/y/c'])
  })

  it('are refused with the name of the flag if they cannot be compiled', async () => {
    await expect(toFilter({'exclude-regex': ['(']})).rejects.toThrow("--exclude-regex: '(': ")
    await expect(toFilter({'include-regex': ['(?=x)']})).rejects.toThrow('--include-regex')
  })

  it.each([
    ['a.b', 'a.b', 'axb'],
    [String.raw`a\*b`, 'a*b', 'axb'],
    ['a[0-9]', 'a5', 'ax'],
    ['a[!0-9]', 'ax', 'a5'],
    ['a,b', 'a,b', 'a'],
    ['a}b', 'a}b', 'ab'],
    ['**/b', 'b', 'ab'],
    ['a/**/b', 'a/b', 'ab'],
    ['a/**', 'a/x/y', 'a'],
    ['caf\u00e9?', 'caf\u00e91', 'caf\u00e9'],
  ])('written as the glob %s match %s, but not %s', async (glob, fits, other) => {
    const {excludes = []} = await toFilter({'exclude-glob': [glob]})
    const [pattern] = excludes
    const test = typeof pattern === 'string' ? () => false : pattern!.test
    expect([test(fits), test(other)], globToRegex(glob)).toEqual([true, false])
  })
})
