import {describe, expect, it} from 'vitest'
import {createClient} from '../../../../src/core/client.js'
import {TransportError} from '../../../../src/core/errors.js'
import type {Logger} from '../../../../src/core/log.js'
import {registerResponder} from '../../../../src/exec/responder/registration.js'
import {FakeClock} from '../../../kit/fake-clock.js'
import {FakeTransport} from '../../../kit/fake-transport.js'

const ttlMs = 15_000

describe('the registration of a responder', () => {
  it('is tried after growing delays while the agent refuses connections, with one warning and one report of the recovery', async () => {
    const clock = new FakeClock()
    const logged: string[] = []
    let isAway = false
    const transport = new FakeTransport(() => (isAway ? new TransportError('BATON_CONNECT', 'connection refused') : {}))
    const log = (_fields: object, message?: string): void => void logged.push(message ?? '')
    const logger: Logger = {trace: log, debug: log, info: log, warn: log, error: log, child: () => logger}
    const client = createClient({transport, clock, random: () => 0.5, logger})
    const note = async (): Promise<string> => 'serving'
    const registration = await registerResponder({
      client,
      name: 'web-1',
      consulNode: 'web-1',
      answerKey: 'k',
      ttlMs,
      note,
    })

    isAway = true
    await clock.advance(ttlMs)
    const sent = transport.requests.length
    await clock.advance(60_000)
    // Each attempt consists of a renewal and a registration. Once the delay has grown, there is at most one attempt in
    // 2.5 s.
    expect(transport.requests.length - sent).toBeGreaterThan(10)
    expect(transport.requests.length - sent).toBeLessThan(60)
    expect(logged).toEqual(['exec.checkNotPassed'])

    isAway = false
    await clock.advance(ttlMs)
    expect(logged).toEqual(['exec.checkNotPassed', 'exec.checkPassedAgain'])
    await registration[Symbol.asyncDispose]()
    expect(clock.pendingCount).toBe(0)
  })
})
