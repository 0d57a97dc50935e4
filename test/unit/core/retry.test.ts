import {describe, expect, it} from 'vitest'
import {BatonError, TransportError} from '../../../src/core/errors.js'
import {type RetryOptions, retry} from '../../../src/core/retry.js'
import {FakeClock} from '../../kit/fake-clock.js'

const refused = (): TransportError => new TransportError('BATON_CONNECT', 'refused')

/** Returns a function that fails this many times, and then returns the number of its calls. */
function failing(times: number, error: () => unknown = refused): () => Promise<number> {
  let calls = 0
  return async () => {
    calls += 1
    if (calls <= times) throw error()
    return calls
  }
}

function setUp(): Pick<RetryOptions, 'clock' | 'backoff'> & {readonly clock: FakeClock} {
  let delayMs = 0
  const next = (): number => {
    delayMs += 100
    return delayMs
  }
  return {clock: new FakeClock(), backoff: {next}}
}

describe('retry', () => {
  it('repeats an attempt after transient errors, with the delays of the back-off', async () => {
    const {clock, backoff} = setUp()
    const delays: number[] = []
    const result = retry(failing(2), {clock, backoff, onRetry: (_, delayMs) => delays.push(delayMs)})
    await clock.advance(100)
    await clock.advance(200)
    await expect(result).resolves.toBe(3)
    expect(delays).toEqual([100, 200])
    expect(clock.monotonicMs()).toBe(300)
  })

  it('rejects at once with an error that is not retryable', async () => {
    const wrong = new BatonError('BATON_USAGE', 'wrong')
    await expect(
      retry(
        failing(1, () => wrong),
        setUp(),
      ),
    ).rejects.toBe(wrong)
    const isRetryable = (error: unknown): boolean => error === 'again'
    await expect(retry(failing(1), {...setUp(), isRetryable})).rejects.toThrow('refused')
  })

  it('repeats an attempt after any error that the caller considers retryable', async () => {
    const {clock, backoff} = setUp()
    const result = retry(
      failing(1, () => 'again'),
      {clock, backoff, isRetryable: error => error === 'again'},
    )
    await clock.advance(100)
    await expect(result).resolves.toBe(2)
  })

  it('rejects with the last error if all attempts are used up', async () => {
    const {clock, backoff} = setUp()
    let calls = 0
    const attempt = async (): Promise<never> => {
      calls += 1
      throw new TransportError('BATON_CONNECT', `refused ${calls}`)
    }
    const rejected = expect(retry(attempt, {clock, backoff, attempts: 2})).rejects.toThrow('refused 2')
    await clock.advance(100)
    await rejected
  })

  it('rejects with the reason of a signal that aborts before an attempt, after an attempt, or during a delay', async () => {
    const aborted = AbortSignal.abort('before')
    await expect(retry(failing(0), {...setUp(), signal: aborted})).rejects.toBe('before')

    const duringAttempt = new AbortController()
    const attempt = async (): Promise<never> => {
      duringAttempt.abort('attempt')
      throw refused()
    }
    await expect(retry(attempt, {...setUp(), signal: duringAttempt.signal})).rejects.toBe('attempt')

    const duringDelay = new AbortController()
    const onRetry = (): void => queueMicrotask(() => duringDelay.abort('delay'))
    await expect(retry(failing(1), {...setUp(), signal: duringDelay.signal, onRetry})).rejects.toBe('delay')
  })
})
