import {describe, expect, it} from 'vitest'
import {loadRe2} from '../../../src/core/re2.js'

describe('RE2', () => {
  it('matches anywhere in the text unless the pattern is anchored', async () => {
    const re2 = await loadRe2()
    expect(re2.compile('eb-1')('web-12')).toBe(true)
    expect(re2.compile('^web-1$')('web-12')).toBe(false)
    expect(re2.compile('(?i)WEB')('web-1')).toBe(true)
  })

  it("refuses a pattern that RE2 does not support, with Go's message", async () => {
    const re2 = await loadRe2()
    expect(() => re2.compile('(?=a)')).toThrow('error parsing regexp: ')
    expect(() => re2.compile('(a')).toThrow('missing closing )')
  })

  it('quotes a text so that the result matches only that text', async () => {
    const re2 = await loadRe2()
    const pattern = `^${re2.quote('web.1+')}$`
    expect(re2.compile(pattern)('web.1+')).toBe(true)
    expect(re2.compile(pattern)('webX1+')).toBe(false)
  })
})
