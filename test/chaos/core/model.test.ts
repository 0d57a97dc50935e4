import {it} from 'vitest'
import {runModel} from '../../unit/core/support/model-run.js'

it('a view always shows the state of a simulated store again after faults, for 24 simulated hours', async () => {
  await runModel(24, 100_000)
})
