import {it} from 'vitest'
import {runModel} from '../../unit/core/support/model-run.js'

it('follows a model store through 24 hours of faults', async () => {
  await runModel(24, 100_000)
})
