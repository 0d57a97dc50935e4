import {expect, it} from 'vitest'
import {LatestItems} from '../../../src/watch/latest-items.js'
import {toItem} from '../../../src/watch/value.js'

it('LatestItems decodes a block of list items again only after several other blocks were decoded', () => {
  const latest = new LatestItems()
  const decoded: number[] = []
  const blocks = Array.from({length: 5}, (_, number) => ({number}))
  const read = (number: number): void => {
    const block = blocks[number]!
    const items = latest.of(block, () => {
      decoded.push(number)
      return [toItem(String(number), null)]
    })
    expect(items.map(({key}) => key)).toEqual([String(number)])
  }
  for (const number of [0, 1, 0, 1, 2, 3, 0, 4, 0, 4]) read(number)
  expect(decoded).toEqual([0, 1, 2, 3, 4, 0])
})
