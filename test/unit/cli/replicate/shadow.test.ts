import {describe, expect, it} from 'vitest'
import {shadowLines} from '../../../../src/cli/replicate/shadow.js'

describe('the lines that `baton replicate --shadow` prints', () => {
  it('name up to ten keys for each kind of difference, and each reason once', () => {
    const deleted = Array.from({length: 12}, (_, at) => ({
      key: `b/${at}`,
      kind: 'deleted' as const,
      why: 'it is empty',
    }))
    const mapping = {source: 'a/', datacenter: 'dc1', destination: 'b/'}
    const differences = [...deleted, {key: 'b/x', kind: 'not-written' as const}]
    expect([...shadowLines({mapping, index: 5n, isBehind: true, differences})]).toEqual([
      'a/@dc1 -> b/: the status key has not reached index 5: some of these may only be late',
      'a/@dc1 -> b/: 12 deleted, and baton would have kept: b/0, b/1, b/2, b/3, b/4, b/5, b/6, b/7, b/8, b/9, …',
      '  because it is empty',
      'a/@dc1 -> b/: 1 not written, and baton would have written: b/x',
    ])
  })
})
