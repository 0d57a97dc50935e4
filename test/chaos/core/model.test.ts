import {it} from 'vitest'
import {runModel} from '../../unit/core/support/model-run.js'

it('a view shows the state of a model store again after each of 24 hours of faults', async () => {
  await runModel(24, 100_000)
})
