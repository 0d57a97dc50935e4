import {
  abortSignal,
  boolean,
  callback,
  checkOptions,
  count,
  duration,
  name,
  type OptionRule,
  oneOf,
  text,
} from '../core/check-options.js'
import {checkSource} from './call-rules.js'
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

/** Rules for the options that a watch of an agent's events and a watch of a durable log share. */
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
  maxWaiting: count({min: 1}),
}

const {from, afterCrash, accepts, orderWindowMs, maxWaiting, signal, observer} = watchRules
const streamRules = {
  from,
  afterCrash,
  accepts,
  orderWindowMs,
  maxWaiting,
  signal,
  observer,
  name: text,
  stateFile: name,
}

/** Throws a UsageError if the client, the name of a log or an option of a stream of events is not valid. */
export function checkStream(
  what: string,
  from: {readonly client: unknown; readonly name?: string},
  options: Partial<Record<keyof typeof streamRules, unknown>>,
): void {
  checkSource(what, from)
  checkOptions(what, options, streamRules)
}

/** Throws a UsageError if the client, the name of a log or an option of a watch of events is not valid. */
export function checkWatch(
  what: string,
  from: {readonly client: unknown; readonly name?: string},
  options: Partial<Record<keyof typeof watchRules, unknown>>,
): void {
  checkSource(what, from)
  checkOptions(what, options, watchRules, ['state', 'signal', 'handle', 'handleDead'])
}
