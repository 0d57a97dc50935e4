import {afterAll} from 'vitest'

const key = Symbol.for('baton.test.warnings')
type Holder = {[key]?: Error[] | undefined}
const holder: Holder = globalThis as Holder

/** Warnings that Node has written in this process: in tests that run in one process after another, too. */
const warnings = (holder[key] ??= record())

function record(): Error[] {
  const seen: Error[] = []
  process.on('warning', warning => seen.push(warning))
  return seen
}

/** Fails the test file in which Node warned: commands that run in the process of a test would show it to users. */
afterAll(async () => {
  // Node emits a warning in the next tick.
  await new Promise(resolve => setImmediate(resolve))
  const texts = warnings.splice(0).map(({name, message}) => `${name}: ${message}`)
  if (texts.length > 0) throw new Error(`Node wrote on stderr: ${texts.join('; ')}`)
})
