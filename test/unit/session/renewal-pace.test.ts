import {describe, expect, it} from 'vitest'
import {RateLimitedError} from '../../../src/core/errors.js'
import {RenewalPace} from '../../../src/session/renewal-pace.js'

const rateLimited = (retryAfterMs?: number): RateLimitedError =>
  new RateLimitedError('BATON_RATE_LIMITED', 'rate limit exceeded', {
    status: 429,
    text: '',
    ...(retryAfterMs !== undefined && {retryAfterMs}),
  })

describe('RenewalPace, the time between renewals', () => {
  it('retries soon after the first failure and more slowly after each further one, up to half the interval', () => {
    const pace = new RenewalPace(5000)
    expect([1, 2, 3, 4].map(() => pace.afterFailure())).toEqual([1000, 2000, 2500, 2500])
  })

  it('starts with the short delay again after a success', () => {
    const pace = new RenewalPace(5000)
    pace.afterFailure()
    expect(pace.afterSuccess()).toBe(5000)
    expect(pace.afterFailure()).toBe(1000)
  })

  it.each([
    ['is longer than the retry', 3000, 3000],
    ['is shorter than the retry', 10, 1000],
    ['is longer than the interval', 60_000, 5000],
    ['is absent', undefined, 1000],
  ])(
    'waits for the longer of Retry-After and its own delay, but at most for the interval, if Retry-After %s',
    (_case, asked, expected) => {
      expect(new RenewalPace(5000).afterFailure(rateLimited(asked))).toBe(expected)
    },
  )
})
