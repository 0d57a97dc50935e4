import {
  abortSignal,
  boolean,
  bytes,
  callback,
  checkOptions,
  count,
  duration,
  name,
  type OptionRule,
  oneOf,
  text,
} from '../core/check-options.js'
import {EventState} from './intake/event-state.js'

const startPoint: OptionRule = {
  expected: "'now', 'earliest' or {afterId: ID}",
  accepts: value =>
    value === 'now' ||
    value === 'earliest' ||
    (typeof value === 'object' && value !== null && 'afterId' in value && name.accepts(value.afterId)),
}

const coalescing: OptionRule = {
  expected: '{periodMs, quietMs}, both in milliseconds',
  accepts: value => {
    if (typeof value !== 'object' || value === null) return false
    const {periodMs, quietMs} = value as {readonly periodMs?: unknown; readonly quietMs?: unknown}
    return duration().accepts(periodMs) && duration().accepts(quietMs)
  },
}

/** Options of both watches of events. */
const watchRules = {
  state: {expected: 'an EventState', accepts: (value: unknown) => value instanceof EventState},
  signal: abortSignal,
  handle: callback,
  handleDead: callback,
  accepts: callback,
  observer: callback,
  from: startPoint,
  afterCrash: oneOf(['rerun', 'skip']),
  coalesce: coalescing,
  orderWindowMs: duration(),
  concurrency: count({min: 1}),
  isBatched: boolean,
  retryCount: count({min: 0}),
  retryDelayMs: duration(),
}

/** Throws a UsageError if an option of a watch of events breaks its rule. */
export const checkWatchOptions = (what: string, options: Partial<Record<keyof typeof watchRules, unknown>>): void =>
  checkOptions(what, options, watchRules, ['state', 'signal', 'handle', 'handleDead'])

/** The shortest TTL that Consul gives a session. */
const minTtlMs = 10_000

const fireRules = {
  name: text,
  payload: bytes,
  node: text,
  service: text,
  tag: text,
  spillTtlMs: duration({minMs: minTtlMs}),
  signal: abortSignal,
}

/** Throws a UsageError if the name or an option of an event breaks its rule. */
export const checkFireOptions = (
  what: string,
  given: Partial<Record<keyof typeof fireRules, unknown>> & {readonly name: unknown},
): void => checkOptions(what, given, fireRules, ['name'])

const positive: OptionRule = {
  expected: 'a positive number of milliseconds',
  accepts: value => typeof value === 'number' && value > 0 && Number.isFinite(value),
}

/** Throws a UsageError unless `keep` is a number of events or an age. */
export function checkKeep(what: string, keep: unknown): void {
  const isAge = typeof keep === 'object' && keep !== null && 'ageMs' in keep
  if (isAge) checkOptions(what, keep, {ageMs: positive}, ['ageMs'])
  else checkOptions(what, keep as {readonly count?: unknown}, {count: count({min: 1})}, ['count'])
}
