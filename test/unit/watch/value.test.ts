import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {toItem, WatchValue} from '../../../src/watch/value.js'

const bytesOf = (value: WatchValue): string =>
  Buffer.concat(Array.from(value.bytes(), chunk => Buffer.from(chunk))).toString()

describe('a watched value', () => {
  it('has the same text in chunks as in one piece, whatever the length of its items', () => {
    const length = fc.oneof(fc.nat(100), fc.nat(150_000))
    fc.assert(
      fc.property(fc.array(fc.tuple(length, fc.constantFrom('a', 'é', '語')), {maxLength: 8}), items => {
        const value = new WatchValue(
          'list',
          items.map(([count, letter], at) => toItem(String(at), letter.repeat(count))),
        )
        expect(bytesOf(value)).toBe(`${value.text}\n`)
        expect(value.text).toBe(JSON.stringify(value.data))
      }),
      {numRuns: 30},
    )
  })

  it('is null without an item where it is one item, and an empty list or null where it is a list', () => {
    expect([new WatchValue('one').text, new WatchValue('list').text, new WatchValue('nil').text]).toEqual([
      'null',
      '[]',
      'null',
    ])
    expect(new WatchValue('list').equals(new WatchValue('nil'))).toBe(false)
  })
})
