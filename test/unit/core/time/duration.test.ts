import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {UsageError} from '../../../../src/core/errors.js'
import {formatDuration, parseDuration, toWireDuration} from '../../../../src/core/time/duration.js'

describe('parseDuration', () => {
  it.each([
    ['0', 0],
    ['15s', 15_000],
    ['1h2m3.5s', 3_723_500],
    ['250ms', 250],
    ['-1.5m', -90_000],
    ['.5s', 500],
    ['1us', 0.001],
  ])('reads %s as %d ms', (text, ms) => {
    expect(parseDuration(text)).toBeCloseTo(ms, 9)
  })

  it.each(['', '10', '1d', '1 s', '1S', '10s garbage', 's', '1m30'])('refuses %j', text => {
    expect(() => parseDuration(text, 'timeout')).toThrow(UsageError)
  })

  it('suggests a unit for a bare number', () => {
    expect(() => parseDuration('5', 'timeout')).toThrow("timeout: '5' is not a duration")
  })

  it('reads the durations that baton sends to Consul', () => {
    fc.assert(fc.property(fc.integer({min: 1, max: 1e9}), ms => parseDuration(toWireDuration(ms)) === ms))
  })
})

describe('formatDuration', () => {
  it.each([
    [12, '12ms'],
    [1500, '1.5s'],
    [192_000, '3m12s'],
    [7_500_000, '2h5m'],
  ])('shows %d ms as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text)
  })
})
