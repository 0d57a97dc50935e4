import {describe, expect, it} from 'vitest'
import {deleteLimit, parseMaxDelete} from '../../../src/replicate/plan/max-delete.js'

describe('the limit on deletes', () => {
  it.each([
    ['10%', 1000, 100],
    ['10%', 50, 10],
    ['0%', 50, 10],
    ['2.5%', 1000, 25],
    ['3', 1000, 3],
    ['0', 1000, 0],
    ['off', 1000, Number.POSITIVE_INFINITY],
  ])('is read from %s so that, of %i keys, %i may be deleted', (text, keys, limit) => {
    expect(deleteLimit(parseMaxDelete(text), keys)).toBe(limit)
  })

  it.each(['', '-1', '101%', '10 %', 'all', '1e3'])('cannot be read from %j', text => {
    expect(() => parseMaxDelete(text)).toThrow(/is neither a percentage, a number nor 'off'/)
  })
})
