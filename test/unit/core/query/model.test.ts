import {it} from 'vitest'
import {runModel} from '../support/model-run.js'

it('follows a model store through an hour of faults', async () => {
  await runModel(1, 2000)
}, 60_000)
