import {uptime} from 'node:os'
import {monotonicMs} from './clock.js'

/** Milliseconds since boot, including the time that the machine slept. Changes of the wall clock do not affect them. */
export type BootTime = () => number

const sleepAtLeastMs = 50
let offsetMs: number | undefined

/**
 * Returns the time of CLOCK_BOOTTIME, which Node does not offer. The monotonic clock is precise but omits
 * sleep; the uptime includes sleep but has a resolution of only 10 ms. Their difference is added to the
 * monotonic clock. All processes of one machine read the same time.
 */
export const systemBootTime: BootTime = () => {
  const steadyMs = monotonicMs()
  const bootMs = uptime() * 1000
  if (offsetMs === undefined || Math.abs(bootMs - steadyMs - offsetMs) > sleepAtLeastMs) {
    offsetMs = bootMs - steadyMs
  }
  return steadyMs + offsetMs
}
