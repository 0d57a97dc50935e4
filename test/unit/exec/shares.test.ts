import {expect, it} from 'vitest'
import {countOf, toBatches} from '../../../src/exec/initiator/rollout/shares.js'
import type {NodeShare} from '../../../src/exec/types.js'

const nodes = (count: number): string[] => Array.from({length: count}, (_, at) => `n${at}`)

it.each<[number, NodeShare[], number[]]>([
  [10, [3], [3, 3, 3, 1]],
  [10, ['25%'], [2, 2, 2, 2, 2]],
  [20, [1, '10%', '50%'], [1, 2, 10, 7]],
  [3, ['10%'], [1, 1, 1]],
  [3, [99], [3]],
  [0, [2], []],
])('toBatches divides %i nodes for the sizes %j into %j', (count, sizes, expected) => {
  const batches = toBatches(nodes(count), sizes)
  expect(batches.map(batch => batch.length)).toEqual(expected)
  expect(batches.flat()).toEqual(nodes(count))
})

it('countOf accepts a number of nodes or a percentage of all nodes, rounded down', () => {
  expect([countOf(3, 10), countOf('10%', 25), countOf('0%', 9), countOf('100%', 9)]).toEqual([3, 2, 0, 9])
})
