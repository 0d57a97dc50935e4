import type {Steps} from '../../../src/replicate/steps.js'

/** Runs all steps of a computation without a pause, and returns the result. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}
