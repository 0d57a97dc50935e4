import {it} from 'vitest'
import {runModel} from '../support/model-run.js'

it('a view always shows the state of a simulated store again after faults, for a simulated hour', async () => {
  await runModel(1, 2000)
}, 60_000)
