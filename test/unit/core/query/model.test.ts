import {it} from 'vitest'
import {runModel} from '../support/model-run.js'

it('a view shows the state of a model store again after each fault during a simulated hour', async () => {
  await runModel(1, 2000)
}, 60_000)
