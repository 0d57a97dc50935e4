import {abortSignal, callback, duration, name, oneOf, text, texts} from '../core/check-options.js'

/**
 * Rules for the options of mutexes and semaphores. A TTL of 0 passes here, because `checkLease`
 * refuses it.
 */
export const lockRules = {
  prefix: text,
  also: texts,
  ttlMs: duration(),
  lockDelayMs: duration(),
  graceMs: duration(),
  nodeChecks: texts,
  node: name,
  sessionName: text,
  command: text,
  fair: oneOf(['queue', 'share', 'off']),
  observer: callback,
  now: callback,
} as const

export const signalRules = {signal: abortSignal} as const
export const tryRules = {...signalRules, observer: callback} as const
export const acquireRules = {...tryRules, timeoutMs: duration({isEndless: true})} as const
