import {duration, text} from '../core/check-options.js'

/** Rules for the options of mutexes and semaphores. `checkLease` refuses a TTL of 0. */
export const lockRules = {
  prefix: text,
  ttlMs: duration(),
  lockDelayMs: duration(),
  graceMs: duration(),
  sessionName: text,
  command: text,
} as const

export const acquireRules = {timeoutMs: duration({isEndless: true})} as const
