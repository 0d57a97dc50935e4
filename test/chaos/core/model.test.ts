import {it} from 'vitest'
import {runModel} from '../../unit/core/support/model-run.js'

it('a view always catches up with a simulated store after faults, in 24 hours of simulated time', async () => {
  await runModel(24, 100_000)
})
