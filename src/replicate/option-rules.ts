import {
  boolean,
  callback,
  count,
  duration,
  name,
  type OptionRule,
  oneOf,
  texts,
  withMethod,
} from '../core/check-options.js'
import {clockRule, loggerRule} from '../core/context-rules.js'

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

/**
 * Refuses regular expressions with the flag `g` or `y`: these keep state between calls, so that the same name could
 * match once and then not again.
 */
const isPattern = (value: unknown): boolean =>
  typeof value === 'string' ||
  (value instanceof RegExp ? !value.global && !value.sticky : isRecord(value) && typeof value['test'] === 'function')

/** Accepts strings and objects that can test a name. */
export const patterns: OptionRule = {
  expected: 'an array of texts and of tests, such as regular expressions without the flags g and y',
  accepts: value => Array.isArray(value) && value.every(isPattern),
}

const clientOfMapping = withMethod('a client', Symbol.asyncDispose)
const ownRules = {
  excludes: patterns,
  includes: patterns,
  excludeMatches: texts,
  sourceClient: clientOfMapping,
  destinationClient: clientOfMapping,
}

const mappings: OptionRule = {
  expected: 'an array of mappings, like those that parseMapping returns, some with settings of their own',
  accepts: value =>
    Array.isArray(value) &&
    value.every(
      (one: unknown) =>
        isRecord(one) &&
        typeof one['source'] === 'string' &&
        typeof one['destination'] === 'string' &&
        Object.entries(ownRules).every(([name, rule]) => one[name] === undefined || rule.accepts(one[name])),
    ),
}

const maxDelete: OptionRule = {
  expected: "{ratio} from 0 to 1, {count} of at least 0, or 'off'",
  accepts: value => {
    if (value === 'off') return true
    if (!isRecord(value)) return false
    const {ratio, count: most} = value
    if (most !== undefined) return Number.isSafeInteger(most) && (most as number) >= 0
    return typeof ratio === 'number' && ratio >= 0 && ratio <= 1
  },
}

const deleteBudget: OptionRule = {
  expected: '{max, windowMs}, with max as in `maxDelete` and windowMs in milliseconds from 1000',
  accepts: value =>
    isRecord(value) && maxDelete.accepts(value['max']) && duration({minMs: 1000}).accepts(value['windowMs']),
}

const quiescence: OptionRule = {
  expected: '{minMs, maxMs} in milliseconds, with minMs of at most maxMs',
  accepts: value => {
    if (!isRecord(value)) return false
    const {minMs, maxMs} = value
    return duration().accepts(minMs) && duration().accepts(maxMs) && (minMs as number) <= (maxMs as number)
  },
}

const undoRule: OptionRule = {
  expected: '{directory, keepMs?, maxBytes?}, with a path, milliseconds and a number of bytes',
  accepts: value => {
    if (!isRecord(value) || !name.accepts(value['directory'])) return false
    const {keepMs = 0, maxBytes = 0} = value
    return duration().accepts(keepMs) && count({min: 0, isEndless: true}).accepts(maxBytes)
  },
}

const fence: OptionRule = {
  expected: '{key, session}, of a lock that is held',
  accepts: value => isRecord(value) && name.accepts(value['key']) && name.accepts(value['session']),
}

/** The rules for the options of a replicator. */
export const replicatorRules = {
  mappings,
  source: withMethod('a client', Symbol.asyncDispose),
  clock: clockRule,
  logger: loggerRule,
  excludes: patterns,
  excludeMatches: texts,
  includes: patterns,
  lockKeys: oneOf(['skip', 'copy']),
  canDelete: boolean,
  maxDelete,
  deleteBudget,
  approved: texts,
  statusDir: name,
  maxStaleMs: duration(),
  waitMs: duration({minMs: 1}),
  shardAbove: count({min: 0, isEndless: true}),
  auditEveryMs: duration({minMs: 1}),
  compress: boolean,
  quiescence,
  concurrency: count({min: 1}),
  attempts: count({min: 1, isEndless: true}),
  graceMs: duration(),
  heartbeatMs: duration({minMs: 1000}),
  undo: undoRule,
  fence,
  onDrift: oneOf(['repair', 'report', 'protect']),
  observer: callback,
}
