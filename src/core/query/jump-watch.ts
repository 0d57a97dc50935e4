import {TransportError} from '../errors.js'
import {formatDuration} from '../time/duration.js'
import type {Clock, Timer} from '../types.js'

const lookEveryMs = 5000
const jumpMs = 5000

/**
 * Calls back once when the wall clock and the monotonic clock drift apart, because the machine slept or its clock was
 * set. After a sleep, sockets rarely work, and deadlines are late because the monotonic clock was stopped.
 */
export function watchForJump(clock: Clock, onJump: (error: TransportError) => void): Disposable {
  const offsetMs = clock.wallMs() - clock.monotonicMs()
  let timer: Timer
  const look = (): void => {
    const driftMs = clock.wallMs() - clock.monotonicMs() - offsetMs
    if (Math.abs(driftMs) >= jumpMs) {
      onJump(new TransportError('BATON_TIMEOUT', `Consul query: the clock jumped by ${formatDuration(driftMs)}`))
    } else timer = clock.timer(lookEveryMs, look, {ref: false})
  }
  timer = clock.timer(lookEveryMs, look, {ref: false})
  return {[Symbol.dispose]: () => timer[Symbol.dispose]()}
}
