import {describe, expect, it} from 'vitest'
import {findDuplicate} from '../../../src/config/hcl-duplicates.js'

describe('findDuplicate', () => {
  it.each([
    ['exclude = "a"\nexclude = "b"', 'exclude'],
    ['exclude = "a" exclude = "b"', 'exclude'],
    ['{"exclude": "a", "exclude": "b"}', 'exclude'],
    ['prefix {\n source = "a"\n source = "b"\n}', 'source'],
    ['max_stale = 1\n# max_stale = 2\nmax_stale = 3', 'max_stale'],
  ])('returns the name of a setting that occurs twice (input: %j)', (text, name) => {
    expect(findDuplicate(text)).toBe(name)
  })

  it.each([
    'exclude = ["a"]\nexclude = ["b"]',
    'prefix { source = "a" }\nprefix { source = "b" }',
    '# exclude = "a"\n// exclude = "b"\n/* exclude = "c" */ exclude = "d"',
    'exclude = "exclude = \\"x\\""\nprefix = "exclude"',
    'a = <<EOF\nexclude = 1\nexclude = 2\nEOF\nexclude = "x"',
    'consul { address = "a:1" }\nauth { address = "b" }',
    '{"prefix": [{"source": "a"}, {"source": "b"}]}',
    '',
  ])('returns undefined if no single value is set twice (input: %j)', text => {
    expect(findDuplicate(text)).toBeUndefined()
  })
})
