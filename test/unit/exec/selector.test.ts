import {describe, expect, it} from 'vitest'
import {compileFilter, compileSelector, nodePattern} from '../../../src/exec/initiator/selector.js'

describe('node selectors', () => {
  it('match anywhere in the text, as agents do', async () => {
    const selector = await compileSelector({node: 'web'})
    expect(['web-1', 'my-web', 'db-1'].map(name => selector.matchesName(name))).toEqual([true, true, false])
  })

  it('do not match a node that `exclude` matches, even if `node` also matches', async () => {
    const selector = await compileSelector({node: 'web', exclude: '^web-2$'})
    expect([selector.matchesName('web-1'), selector.matchesName('web-2')]).toEqual([true, false])
  })

  it('require a single service whose ID matches `service` and whose tags match `tag`', async () => {
    const selector = await compileSelector({service: '^web-1$', tag: 'v2'})
    expect(selector.needsServices).toBe(true)
    expect(selector.matchesService({id: 'web-1', tags: ['v1', 'v2']})).toBe(true)
    expect(selector.matchesService({id: 'web-1', tags: ['v1']})).toBe(false)
    expect(selector.matchesService({id: 'web', tags: ['v2']})).toBe(false)
  })

  it("are refused with Consul's message if they have a tag but no service", async () => {
    await expect(compileSelector({tag: 'x'})).rejects.toThrow('Cannot provide tag filter without service filter.')
  })

  it.each(['(', 'a(?=b)', '\\1'])(
    'are refused for %s, which agents cannot compile, with an error that names the filter',
    async pattern => {
      await expect(compileSelector({node: pattern})).rejects.toThrow(/^node filter/)
    },
  )

  it('take linear time even for patterns that take exponential time in JavaScript', async () => {
    const matcher = await compileFilter('node', '^(a+)+$')
    expect(matcher?.(`${'a'.repeat(5000)}b`)).toBe(false)
  })

  it('match exactly the listed nodes if they are made from a list of names', async () => {
    const matcher = await compileFilter('node', (await nodePattern())(['a.b', 'c+']))
    expect(['a.b', 'c+', 'axb', 'a.b2', 'xc+'].filter(name => matcher?.(name))).toEqual(['a.b', 'c+'])
  })
})
