import {describe, expect, it} from 'vitest'
import {judgeSize, maxPayload} from '../../../src/event/ring/size.js'

const name = (length: number): string => 'e'.repeat(length)

describe('the limit on the size of an event', () => {
  // Each row contains the length of the longest payload that an agent of Consul 1.8.7 accepted, found by bisection, and
  // the agent's Lamport time.
  it.each([
    [1, {}, 13n, 414],
    [10, {}, 18n, 396],
    [18, {}, 25n, 380],
    [19, {}, 143n, 375],
    [31, {}, 152n, 351],
    [32, {}, 158n, 348],
    [100, {}, 175n, 213],
    [200, {}, 182n, 13],
    [207, {}, 183n, 0],
    [5, {node: 'n'.repeat(31)}, 79n, 371],
    [5, {node: 'n'.repeat(32)}, 79n, 369],
    [5, {node: 'n'.repeat(256)}, 79n, 145],
    [5, {node: 'n'.repeat(10), service: 's'.repeat(5), tag: 't'.repeat(40)}, 79n, 338],
    [60, {node: 'n'.repeat(150)}, 184n, 138],
  ])(
    'with a name of %i bytes and filters %j at Lamport time %s, leaves %i bytes for the payload',
    (length, filters, lTime, expected) => {
      expect(maxPayload({name: name(length), ...filters}, lTime)).toBe(expected)
    },
  )

  it("is checked without asking the agent unless the result depends on the agent's Lamport time", () => {
    const shape = {name: 'x'}
    expect(judgeSize(shape, 406)).toEqual({verdict: 'fits', leftBytes: 0})
    expect(judgeSize(shape, 407)).toEqual({verdict: 'depends', leftBytes: 7})
    expect(judgeSize(shape, 414)).toEqual({verdict: 'depends', leftBytes: 0})
    expect(judgeSize(shape, 415)).toEqual({verdict: 'too-large', overBytes: 1, maxBytes: 414})
  })

  it('leaves no room for a payload if the name is too long', () => {
    expect(judgeSize({name: name(210)}, 0)).toMatchObject({verdict: 'too-large', maxBytes: 0})
  })

  it('is counted in bytes, not characters', () => {
    expect(maxPayload({name: 'é'}, 1n)).toBe(maxPayload({name: 'ab'}, 1n))
  })
})
