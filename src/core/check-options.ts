import {UsageError} from './errors.js'

/** What the value of an option may be. */
export interface OptionRule {
  /** Continues "expected … to be". */
  readonly expected: string
  readonly accepts: (value: unknown) => boolean
}

/** A timer counts no more than this (24.8 days). */
const longestMs = 2 ** 31 - 1

/**
 * A number of milliseconds from `minMs` (default: 0) to 24.8 days, which is the longest time that a timer counts.
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

/** A whole number of at least `min`. */
export const count = (options: {readonly min: number}): OptionRule => ({
  expected: `a whole number of at least ${options.min}`,
  accepts: value => Number.isSafeInteger(value) && (value as number) >= options.min,
})

export const text: OptionRule = {expected: 'a string', accepts: value => typeof value === 'string'}

/**
 * Throws a UsageError that names the function, the option, what was expected and what came, if a value breaks its rule.
 * An option that is left out or undefined is not checked unless it is in `required`.
 */
export function checkOptions<T extends object>(
  what: string,
  options: T,
  rules: {readonly [Name in keyof T]?: OptionRule | undefined},
  required: readonly (keyof T & string)[] = [],
): void {
  const given: unknown = options
  if (typeof given !== 'object' || given === null) {
    throw new UsageError(`${what}: expected the options to be an object, got ${describe(given)}`)
  }
  for (const [name, rule] of Object.entries(rules) as [keyof T & string, OptionRule][]) {
    const value: unknown = options[name]
    if (value === undefined ? !required.includes(name) : rule.accepts(value)) continue
    throw new UsageError(`${what}: expected the option ${name} to be ${rule.expected}, got ${describe(value)}`)
  }
}

const longestShown = 40

function describe(value: unknown): string {
  if (typeof value === 'string') {
    return value.length > longestShown
      ? `a string of ${value.length} characters`
      : `${JSON.stringify(value)} (a string)`
  }
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'bigint') return `${value}n (a bigint)`
  if (typeof value === 'object' && value !== null) return 'an object'
  return typeof value === 'function' || typeof value === 'symbol' ? `a ${typeof value}` : String(value)
}
