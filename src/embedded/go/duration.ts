/**
 * Parses and formats durations as Go's `time.ParseDuration` and `Duration.String` do, to the nanosecond and with Go's
 * error messages.
 */

const unitNs: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
}
const part = /^(\d+\.?\d*|\.\d+)([^\d.]*)/u

export type GoDuration = {readonly ns: number} | {readonly error: string}

export function parseGoDuration(text: string): GoDuration {
  const bad = {error: `time: invalid duration "${text}"`}
  let rest = text.replace(/^[+-]/, '')
  if (rest === '0') return {ns: 0}
  if (rest === '') return bad
  let ns = 0
  while (rest !== '') {
    const found = part.exec(rest)
    if (!found) return bad
    const [all, amount = '', unit = ''] = found
    if (unit === '') return {error: `time: missing unit in duration "${text}"`}
    const size = unitNs[unit]
    if (size === undefined) return {error: `time: unknown unit "${unit}" in duration "${text}"`}
    ns += Math.trunc(Number(amount) * size)
    if (ns > 9.223372036854775e18) return bad
    rest = rest.slice(all.length)
  }
  return {ns: text.startsWith('-') ? -ns : ns}
}

/** Returns a duration in Go's format: `1m0s`, `1.5s`, `250ms`, `0s`. */
export function formatGoDuration(ns: number): string {
  if (ns === 0) return '0s'
  if (ns < 0) return `-${formatGoDuration(-ns)}`
  if (ns < 1e3) return `${ns}ns`
  if (ns < 1e6) return `${ns / 1e3}µs`
  if (ns < 1e9) return `${ns / 1e6}ms`
  const whole = Math.floor(ns / 1e9)
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)]
  const seconds = `${(whole % 60) + (ns % 1e9) / 1e9}s`
  if (hours > 0) return `${hours}h${minutes}m${seconds}`
  return minutes > 0 ? `${minutes}m${seconds}` : seconds
}
