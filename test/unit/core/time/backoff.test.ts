import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {Backoff} from '../../../../src/core/time/backoff.js'

describe('Backoff', () => {
  it('stays between its bounds, and never more than triples', () => {
    fc.assert(
      fc.property(fc.array(fc.double({min: 0, max: 0.999999, noNaN: true}), {minLength: 1, maxLength: 50}), chances => {
        const rest = [...chances]
        const backoff = new Backoff({minMs: 250, maxMs: 30_000, random: () => rest.shift() ?? 0})
        let last = 250
        for (const _ of chances) {
          const delayMs = backoff.next()
          expect(delayMs).toBeGreaterThanOrEqual(250)
          expect(delayMs).toBeLessThanOrEqual(Math.min(30_000, last * 3))
          last = delayMs
        }
        expect(backoff.attempts).toBe(chances.length)
      }),
    )
  })

  it('gives different clients different first delays', () => {
    const delays = [0, 0.5, 0.99].map(chance => new Backoff({random: () => chance}).next())
    expect(delays).toEqual([250, 500, 745])
  })

  it('starts with a short delay again after a reset', () => {
    const backoff = new Backoff({random: () => 0.9})
    const first = backoff.next()
    for (let count = 0; count < 10; count += 1) backoff.next()
    backoff.reset()
    expect(backoff.attempts).toBe(0)
    expect(backoff.next()).toBe(first)
  })
})
