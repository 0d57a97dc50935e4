import {afterAll} from 'vitest'

const key = Symbol.for('baton.test.warnings')
type Holder = {[key]?: Error[] | undefined}
const holder: Holder = globalThis as Holder

/**
 * Warnings of Node in this process. They are stored globally, because several test files may run one after another in
 * the same process.
 */
const warnings = (holder[key] ??= record())

function record(): Error[] {
  const seen: Error[] = []
  process.on('warning', warning => seen.push(warning))
  return seen
}

/** Fails the test file in which Node warned, because users of the same code would see that warning. */
afterAll(async () => {
  // Node emits a warning in the next tick.
  await new Promise(resolve => setImmediate(resolve))
  const texts = warnings.splice(0).map(({name, message}) => `${name}: ${message}`)
  if (texts.length > 0) throw new Error(`Node wrote on stderr: ${texts.join('; ')}`)
})
