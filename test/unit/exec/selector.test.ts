import {describe, expect, it} from 'vitest'
import {compileFilter, compileSelector, toNodePattern} from '../../../src/exec/initiator/selector.js'

describe('selectors', () => {
  it('match anywhere in the text, as agents do', () => {
    const selector = compileSelector({node: 'web'})
    expect(['web-1', 'my-web', 'db-1'].map(name => selector.matchesName(name))).toEqual([true, true, false])
  })

  it('exclude wins over node', () => {
    const selector = compileSelector({node: 'web', exclude: '^web-2$'})
    expect([selector.matchesName('web-1'), selector.matchesName('web-2')]).toEqual([true, false])
  })

  it('want service and tag from the same service, by ID', () => {
    const selector = compileSelector({service: '^web-1$', tag: 'v2'})
    expect(selector.needsServices).toBe(true)
    expect(selector.matchesService({id: 'web-1', tags: ['v1', 'v2']})).toBe(true)
    expect(selector.matchesService({id: 'web-1', tags: ['v1']})).toBe(false)
    expect(selector.matchesService({id: 'web', tags: ['v2']})).toBe(false)
  })

  it('refuse a tag without a service in the words of Consul', () => {
    expect(() => compileSelector({tag: 'x'})).toThrow('Cannot provide tag filter without service filter.')
  })

  it.each(['(', 'a(?=b)', '\\1'])('refuse %s, which agents cannot compile, and say which filter it was', pattern => {
    expect(() => compileSelector({node: pattern})).toThrow(/^node filter/)
  })

  it('do not hang on patterns that are slow elsewhere', () => {
    const matcher = compileFilter('node', '^(a+)+$')
    expect(matcher?.(`${'a'.repeat(5000)}b`)).toBe(false)
  })

  it('name exactly the listed nodes', () => {
    const matcher = compileFilter('node', toNodePattern(['a.b', 'c+']))
    expect(['a.b', 'c+', 'axb', 'a.b2', 'xc+'].filter(name => matcher?.(name))).toEqual(['a.b', 'c+'])
  })
})
