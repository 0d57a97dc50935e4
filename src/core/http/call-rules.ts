import {abortSignal, callback, duration, type OptionRule, oneOf, text, uint64} from '../check-options.js'

export const consistencyRule = oneOf(['default', 'consistent', 'stale'])

/** Rule for tokens and passwords, whose values must not appear in errors. */
export const secretText: OptionRule = {...text, isSecret: true}

/** Rules for the options of every call. */
export const callRules = {
  signal: abortSignal,
  datacenter: text,
  namespace: text,
  partition: text,
  token: secretText,
  timeoutMs: duration(),
  idleTimeoutMs: duration(),
  onFirstByte: callback,
  plane: oneOf(['control', 'watch']),
  consistency: consistencyRule,
  index: uint64,
  waitMs: duration(),
} as const
