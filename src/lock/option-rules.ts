import {duration, text} from '../core/check-options.js'

/** What mutexes and semaphores accept. A TTL of 0 is refused with the lease. */
export const lockRules = {
  prefix: text,
  ttlMs: duration(),
  lockDelayMs: duration(),
  graceMs: duration(),
  sessionName: text,
  command: text,
} as const

export const acquireRules = {timeoutMs: duration({isEndless: true})} as const
