import {uptime} from 'node:os'
import {monotonicMs} from './clock.js'

/** Milliseconds since boot, including the time that the machine slept. Changes of the wall clock do not affect them. */
export type BootTime = () => number

const sleepAtLeastMs = 50
let offsetMs: number | undefined

/**
 * Returns the time of CLOCK_BOOTTIME, which Node does not offer. It adds to the precise monotonic clock, which omits
 * sleep, its difference from the uptime, which includes sleep but is precise to 10 ms only. All processes of one
 * machine read the same time.
 */
export const systemBootTime: BootTime = () => {
  const steadyMs = monotonicMs()
  const bootMs = uptime() * 1000
  if (offsetMs === undefined || Math.abs(bootMs - steadyMs - offsetMs) > sleepAtLeastMs) {
    offsetMs = bootMs - steadyMs
  }
  return steadyMs + offsetMs
}
