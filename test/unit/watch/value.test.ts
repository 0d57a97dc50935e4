import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {toBlock, toItem, WatchValue} from '../../../src/watch/value.js'

const bytesOf = (value: WatchValue): string =>
  Buffer.concat(Array.from(value.bytes(), chunk => Buffer.from(chunk))).toString()

describe('a watched value', () => {
  it('is written in chunks that together equal its text, for items of any length', () => {
    const item = fc.tuple(fc.oneof(fc.nat(100), fc.nat(150_000)), fc.constantFrom('a', 'é', '語'))
    fc.assert(
      fc.property(fc.array(fc.array(item, {maxLength: 4}), {maxLength: 4}), blocks => {
        const value = new WatchValue(
          'list',
          blocks.map(items => toBlock(items.map(([count, letter], at) => toItem(String(at), letter.repeat(count))))),
        )
        expect(bytesOf(value)).toBe(`${value.text}\n`)
        expect(value.text).toBe(JSON.stringify(value.data))
      }),
      {numRuns: 30},
    )
  })

  it('is null or an empty list, depending on its type, if it has no items', () => {
    expect([new WatchValue('one').text, new WatchValue('list').text, new WatchValue('nil').text]).toEqual([
      'null',
      '[]',
      'null',
    ])
    expect(new WatchValue('list').equals(new WatchValue('nil'))).toBe(false)
  })

  it('equals another value with the same items in the same order, however they are divided into blocks', () => {
    const [a, b, c] = ['a', 'b', 'c'].map(key => toItem(key, key))
    if (!a || !b || !c) throw new Error('three items')
    const shared = toBlock([a, b])
    const value = new WatchValue('list', [shared, toBlock([c])])
    expect(value.equals(new WatchValue('list', [shared, toBlock([c])]))).toBe(true)
    expect(value.equals(new WatchValue('list', [toBlock([a]), toBlock([b, c])]))).toBe(true)
    expect(value.equals(new WatchValue('list', [toBlock([c]), shared]))).toBe(false)
    expect(value.equals(new WatchValue('list', [shared, toBlock([b])]))).toBe(false)
    expect(value.equals(new WatchValue('list', [shared]))).toBe(false)
    expect(value.equals(new WatchValue('list', [shared, toBlock([b])]), () => '')).toBe(true)
  })
})
