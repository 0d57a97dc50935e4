import {describe, expect, it} from 'vitest'
import {wrap} from '../../../../src/cli/wrap.js'
import {toCommandLine, toRows} from '../../../../src/main/help/layout.js'
import {helpWidth} from '../../../../src/main/help/text.js'

describe('helpWidth', () => {
  it.each([
    [undefined, 80],
    [0, 80],
    [20, 40],
    [80, 80],
    [300, 120],
  ])('is the width of the terminal within limits: with %s columns it is %d', (columns, width) => {
    expect(helpWidth(columns)).toBe(width)
  })
})

describe('help texts', () => {
  it('are broken only between words', () => {
    expect(wrap('one two three', 8)).toBe('one two\nthree')
    expect(wrap('extraordinary word', 5)).toBe('extraordinary\nword')
  })

  it('have descriptions that continue in their column, or below the term if the column is too narrow', () => {
    const rows = [{term: '--short', text: 'one two three'}]
    expect(toRows([...rows, {term: `--${'long'.repeat(9)}`, text: 'four'}], 80)).toBe(
      `  --short  one two three\n  --${'long'.repeat(9)}\n           four`,
    )
    expect(toRows(rows, 40)).toBe('  --short\n      one two three')
  })

  it('have long command lines that are broken with a backslash, but not within quotes', () => {
    expect(toCommandLine("baton lock a/b 'x y z' -- ./run", 24)).toBe("  baton lock a/b \\\n      'x y z' -- ./run")
  })
})
