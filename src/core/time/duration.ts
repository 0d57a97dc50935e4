import {brief} from '../brief.js'
import {checkOptions, type OptionRule, text as textRule} from '../check-options.js'
import {UsageError} from '../errors.js'

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}
const whole = /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/u
/** The usual form, which is read without the patterns above: compiling them takes a hundredth of the start-up time. */
const plain = /^(\d+)(ms|s|m|h)$/
const part = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gu

/**
 * Returns the milliseconds of a duration in Go's syntax (`1h2m3.5s`, `250ms`, `0`). Throws a UsageError that begins
 * with `what` if the text is not a duration.
 * @example
 * ```ts
 * parseDuration('1m30s') // => 90_000
 * ```
 */
export function parseDuration(text: string, what = 'duration'): number {
  checkOptions('parseDuration', {text, what}, {text: textRule, what: textRule}, ['text'])
  const [, count, plainUnit = ''] = plain.exec(text) ?? []
  if (count !== undefined) return toMs(Number(count), plainUnit)
  if (/^[+-]?0$/.test(text)) return 0
  if (!whole.test(text)) {
    const hint = /^[+-]?[\d.]{1,18}$/.test(text)
      ? `add a unit: ${text}s, ${text}m or ${text}h`
      : 'write it like 1h30m, 15s or 250ms'
    throw new UsageError(`${what}: '${brief(text)}' is not a duration`, {hint})
  }
  let totalMs = 0
  for (const [, amount = '', unit = ''] of text.matchAll(part)) totalMs += toMs(Number(amount), unit)
  return text.startsWith('-') ? -totalMs : totalMs
}

/** Converts units shorter than a millisecond by a division, because 5 * 1e-6 is not exactly 5e-6. */
function toMs(amount: number, unit: string): number {
  const ms = unitMs[unit] ?? 0
  return ms < 1 ? amount / Math.round(1 / ms) : amount * ms
}

/** Returns a duration in Consul's syntax: whole milliseconds, rounded up. */
export const toWireDuration = (ms: number): string => `${ms > 0 ? Math.max(1, Math.ceil(ms)) : 0}ms`

const finite: OptionRule = {expected: 'a number of milliseconds', accepts: Number.isFinite}

/**
 * Returns a short form for people: `250ms`, `1.5s`, `3m12s`, `2h5m`. Throws a UsageError if `ms` is not a finite
 * number.
 * @example
 * ```ts
 * formatDuration(90_000) // => '1m30s'
 * ```
 */
export function formatDuration(ms: number): string {
  checkOptions('formatDuration', {ms}, {ms: finite}, ['ms'])
  if (ms < 0) return `-${formatDuration(-ms)}`
  if (ms < 1000) return `${Math.round(ms)}ms`
  if (ms < 60_000) return `${Number((ms / 1000).toFixed(1))}s`
  const seconds = Math.round(ms / 1000)
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60]
  if (hours > 0) return minutes > 0 ? `${hours}h${minutes}m` : `${hours}h`
  return rest > 0 ? `${minutes}m${rest}s` : `${minutes}m`
}
