import {brief} from './brief.js'
import {UsageError} from './errors.js'

/** A rule for the value of an option. */
export interface OptionRule {
  /** Text for the error message, which reads "expected … to be" followed by this text. */
  readonly expected: string
  readonly accepts: (value: unknown) => boolean
  /** True for tokens, passwords and keys. An error then names only the type of the value. */
  readonly isSecret?: boolean
}

/** Maximum delay of a timer (24.8 days). */
const longestMs = 2 ** 31 - 1

/**
 * A number of milliseconds from `minMs` (default: 0) to 24.8 days, which is the maximum delay of a timer.
 * With `isEndless` also Infinity.
 */
export function duration(options: {readonly minMs?: number; readonly isEndless?: boolean} = {}): OptionRule {
  const {minMs = 0, isEndless = false} = options
  return {
    expected: `a number of milliseconds from ${minMs} to ${longestMs}${isEndless ? ', or Infinity' : ''}`,
    accepts: value =>
      typeof value === 'number' && ((value >= minMs && value <= longestMs) || (isEndless && value === Infinity)),
  }
}

/** A whole number of at least `min` and, if given, at most `max`. With `isEndless` also Infinity. */
export function count(options: {
  readonly min: number
  readonly max?: number
  /** What is counted, for the message: `bytes`. */
  readonly unit?: string
  readonly isEndless?: boolean
}): OptionRule {
  const {min, max, unit, isEndless = false} = options
  const noun = unit === undefined ? 'a whole number' : `a whole number of ${unit}`
  const range = max === undefined ? `of at least ${min}` : `from ${min} to ${max}`
  return {
    expected: `${noun} ${range}${isEndless ? ', or Infinity' : ''}`,
    accepts: value =>
      (isEndless && value === Infinity) ||
      (Number.isSafeInteger(value) && (value as number) >= min && (max === undefined || (value as number) <= max)),
  }
}

/** An index or flags of Consul: an unsigned 64-bit bigint. */
export const uint64: OptionRule = {
  expected: 'a bigint from 0 to 2^64 - 1',
  accepts: value => typeof value === 'bigint' && value >= 0n && value < 2n ** 64n,
}

export const text: OptionRule = {expected: 'a string', accepts: value => typeof value === 'string'}

/** A string that is not empty, for instance a name or an ID. */
export const name: OptionRule = {
  expected: 'a string that is not empty',
  accepts: value => typeof value === 'string' && value !== '',
}

export const texts: OptionRule = {
  expected: 'an array of strings',
  accepts: value => Array.isArray(value) && value.every(one => typeof one === 'string'),
}

export const boolean: OptionRule = {expected: 'true or false', accepts: value => typeof value === 'boolean'}

export const callback: OptionRule = {expected: 'a function', accepts: value => typeof value === 'function'}

export const bytes: OptionRule = {
  expected: 'a Uint8Array or a Buffer',
  accepts: value => value instanceof Uint8Array,
}

/** A string or bytes, for the value of a key. */
export const textOrBytes: OptionRule = {
  expected: 'a string, a Uint8Array or a Buffer',
  accepts: value => typeof value === 'string' || value instanceof Uint8Array,
}

export const object: OptionRule = {
  expected: 'an object',
  accepts: value => typeof value === 'object' && value !== null && !Array.isArray(value),
}

/**
 * Accepts any signal with the methods that baton uses, so that signals of other implementations also
 * pass.
 */
export const abortSignal: OptionRule = {
  expected: 'an AbortSignal',
  accepts: value => typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value,
}

/** Rule for an object that has a method with this name. */
export const withMethod = (expected: string, method: string | symbol): OptionRule => ({
  expected,
  accepts: value =>
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Record<string | symbol, unknown>)[method] === 'function',
})

/** A number of milliseconds without an upper limit. */
export const span: OptionRule = {
  expected: 'a number of milliseconds of at least 0',
  accepts: value => Number.isFinite(value) && (value as number) >= 0,
}

/** Rule for a string that must be one of `values`. */
export const oneOf = (values: readonly string[]): OptionRule => ({
  expected: values.map(value => `'${value}'`).join(' or '),
  accepts: value => typeof value === 'string' && values.includes(value),
})

/**
 * Throws a UsageError that names the function, the option, what was expected and what was received, if a value breaks
 * its rule. The details of the error are `option`, `expected` and the shortened `value`. An option that is left out or
 * undefined is not checked unless it is in `required`.
 */
export function checkOptions<T extends object>(
  what: string,
  options: T,
  rules: {readonly [Name in keyof T]?: OptionRule | undefined},
  required: readonly (keyof T & string)[] = [],
): void {
  const given: unknown = options
  if (typeof given !== 'object' || given === null) {
    throw refusal(what, 'options', {rule: object, value: given})
  }
  for (const option in rules) {
    const rule = rules[option]
    const value: unknown = options[option]
    if (!rule || (value === undefined ? !required.includes(option) : rule.accepts(value))) continue
    throw refusal(what, option, {rule, value})
  }
}

function refusal(
  what: string,
  option: string,
  broken: {readonly rule: OptionRule; readonly value: unknown},
): UsageError {
  const {expected, isSecret = false} = broken.rule
  const value = describe(broken.value, isSecret)
  const subject = option === 'options' ? 'the options' : `the option \`${option}\``
  return new UsageError(`${what}: expected ${subject} to be ${expected}, got ${value}`, {
    details: {option, expected, value},
  })
}

function describe(value: unknown, isSecret: boolean): string {
  if (Array.isArray(value)) return 'an array'
  if (value === undefined || value === null) return String(value)
  if (typeof value === 'object') return 'an object'
  if (isSecret) return `a ${typeof value}`
  if (typeof value === 'string') return `${JSON.stringify(brief(value))} (a string)`
  if (typeof value === 'bigint') return `${value}n (a bigint)`
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : `a ${typeof value}`
}
