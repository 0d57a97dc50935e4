import {describe, expect, it} from 'vitest'
import {seeded} from '../core/support/seeded.js'
import {simulate} from './simulation/run-simulation.js'

/** Number of simulated steps with faults. Set BATON_TEST_STEPS=1000000 for a long run. */
const steps = Number(process.env['BATON_TEST_STEPS'] || 4000)
const timeoutMs = Math.max(60_000, 10 * steps)

describe('a simulated lock with killed and stopped processes, lost requests, lost leaders and destroyed sessions', () => {
  it.each([
    ['baton alone', 6, 0],
    ['baton beside Go contenders', 4, 2],
  ])(
    'never lets two commands run at once, grants rising tokens, and leaves no key or session behind (case: %s)',
    async (what, contenders, goContenders) => {
      const random = seeded(`simulated lock, ${what}`)
      const simulation = await simulate(random, {contenders, goContenders, faultSteps: steps})
      expect(simulation.judge.faults).toEqual([])
      expect(simulation.stuck).toEqual([])
      expect(simulation.left).toEqual([])
      expect(simulation.judge.order.length).toBeGreaterThan(steps / 500)
    },
    timeoutMs,
  )
})
