import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {systemClock} from '../../../src/core/time/clock.js'
import {runSteps, type Steps, sortSteps} from '../../../src/replicate/steps.js'
import {finish} from './finish.js'

describe('a long computation that runs in steps', () => {
  it('sorts as Array.prototype.sort does, and keeps the order of equal items', () => {
    const items = fc.array(fc.record({rank: fc.nat(20), at: fc.nat()}), {size: 'max', maxLength: 3000})
    const byRank = (a: {rank: number}, b: {rank: number}): number => a.rank - b.rank
    fc.assert(
      fc.property(items, given => {
        expect(finish(sortSteps(given, byRank))).toEqual([...given].sort(byRank))
      }),
      {numRuns: 50},
    )
  })

  it('lets timers run between its steps, and rejects when the signal aborts', async () => {
    function* endless(): Steps<never> {
      for (;;) yield
    }
    const controller = new AbortController()
    let turns = 0
    const timer = setInterval(() => {
      turns += 1
      if (turns === 3) controller.abort(new Error('enough'))
    }, 1)
    await expect(runSteps(endless(), systemClock, controller.signal)).rejects.toThrow('enough')
    clearInterval(timer)
  })
})
