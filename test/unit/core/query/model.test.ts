import {it} from 'vitest'
import {runModel} from '../support/model-run.js'

it('a view always catches up with a simulated store after faults, in one hour of simulated time', async () => {
  await runModel(1, 2000)
}, 60_000)
