import {describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {isBatonError, TransportError} from '../../../src/core/errors.js'
import type {TransportRequest, TransportResponse} from '../../../src/core/types.js'
import {sleepUntil} from '../../../src/session/alarm.js'
import {openSession} from '../../../src/session/session.js'
import type {SessionEvent, SessionOptions} from '../../../src/session/types.js'
import {FakeClock, settle} from '../../kit/fake-clock.js'

type Reply = (request: TransportRequest) => Promise<TransportResponse>

const answer = (status: number, body: string): TransportResponse => ({
  status,
  headers: new Map(),
  body: Buffer.from(body),
})

/** Creates an agent whose answers the test can replace at any time. */
function setUp(options: SessionOptions = {}) {
  const clock = new FakeClock()
  const log: {method: string; path: string; atMs: number; timeoutMs: number; body: string}[] = []
  const replies: {create: Reply; renew: Reply; info: Reply; destroy: Reply} = {
    create: async () => answer(200, '{"ID":"s-1"}'),
    renew: async () => answer(200, '[]'),
    info: async () => answer(200, '[]'),
    destroy: async () => answer(200, 'true'),
  }
  const client = createClient({
    clock,
    random: () => 0.5,
    transport: {
      async send(request) {
        const [, verb] = /session\/(\w+)/.exec(request.path) ?? []
        log.push({
          method: request.method,
          path: request.path,
          atMs: clock.monotonicMs(),
          timeoutMs: request.timeoutMs,
          body: Buffer.from(request.body ?? []).toString(),
        })
        return await replies[verb as keyof typeof replies](request)
      },
      async [Symbol.asyncDispose]() {},
    },
  })
  const renewals = () => log.filter(entry => entry.path.includes('renew'))
  return {clock, log, replies, client, renewals, open: () => openSession(client, options)}
}

describe('a session from openSession', () => {
  it('is created without checks and with the documented defaults', async () => {
    const {open, log} = setUp({name: 'test'})
    await using session = await open()
    expect(session.id).toBe('s-1')
    expect(JSON.parse(log[0]!.body)).toEqual({
      Name: 'test',
      TTL: '15000ms',
      LockDelay: '15000ms',
      Behavior: 'delete',
      NodeChecks: [],
    })
  })

  it('is renewed every third of its TTL, and each renewal has a time limit of a third of the TTL', async () => {
    const {open, clock, renewals} = setUp()
    await using _session = await open()
    await clock.advance(16_000)
    expect(renewals().map(entry => entry.atMs)).toEqual([5000, 10_000, 15_000])
    expect(renewals()[0]!.timeoutMs).toBe(5000)
  })

  it('counts as known to be alive since its last renewal was sent, not since the answer arrived', async () => {
    const {open, clock, replies} = setUp()
    await using session = await open()
    replies.renew = async () => {
      await clock.sleep(3000)
      return answer(200, '[]')
    }
    await clock.advance(7000)
    expect(session.provenAtMs).toBe(0)
    await clock.advance(1500)
    expect(session.provenAtMs).toBe(5000)
    expect(session.validUntil).toBe(20_000)
  })

  it('is lost as soon as Consul reports that it does not exist', async () => {
    const {open, clock, replies} = setUp()
    await using session = await open()
    replies.renew = async () => answer(404, "Session id 's-1' not found")
    await clock.advance(5001)
    expect(session.signal.aborted).toBe(true)
    expect(isBatonError(session.signal.reason, 'BATON_SESSION_LOST')).toBe(true)
  })

  it('is not lost because of a 404 that a consistent read does not confirm, and is renewed again soon', async () => {
    const events: string[] = []
    const {open, clock, replies, log, renewals} = setUp({observer: ({type}) => events.push(type)})
    await using session = await open()
    replies.renew = async () => answer(404, "Session id 's-1' not found")
    replies.info = async () => answer(500, 'No cluster leader')
    await clock.advance(5001)
    expect(events).toEqual(['session.doubted', 'session.degraded'])
    replies.info = async () => answer(200, '[{"ID":"s-1","TTL":"15s"}]')
    await clock.advance(3000)
    expect(session.signal.aborted).toBe(false)
    expect(events.at(-1)).toBe('session.confirmed')
    expect(renewals().length).toBeGreaterThanOrEqual(3)
    expect(session.provenAtMs).toBe(0)
    expect(log.find(entry => entry.path.includes('info'))?.path).toContain('consistent')
    replies.info = async () => answer(200, '[]')
    await clock.advance(2500)
    expect(session.signal.reason).toMatchObject({message: 'session s-1: Consul has ended it'})
  })

  it.each([
    ['a missing permission', async () => answer(403, 'Permission denied')],
    ['a rate limit', async () => answer(429, 'rate limit exceeded')],
    ['no leader', async () => answer(500, 'No cluster leader')],
    [
      'a broken connection',
      async () => {
        throw new TransportError('BATON_CONNECT', 'refused')
      },
    ],
  ] as [string, Reply][])('is not lost because of %s before the limit, and is renewed soon', async (_name, reply) => {
    const events: SessionEvent[] = []
    const {open, clock, replies, renewals} = setUp({observer: event => events.push(event)})
    await using session = await open()
    replies.renew = reply
    await clock.advance(8500)
    expect(session.signal.aborted).toBe(false)
    expect(events).toMatchObject([
      {type: 'session.degraded', retryMs: 1000},
      {type: 'session.degraded', retryMs: 2000},
      {type: 'session.degraded', retryMs: 2500},
    ])
    replies.renew = async () => answer(200, '[]')
    const before = renewals().length
    await clock.advance(20_000)
    expect(session.signal.aborted).toBe(false)
    expect(renewals().length).toBeGreaterThan(before)
  })

  it('is lost when no renewal has succeeded for its TTL, and not before', async () => {
    const {open, clock, replies} = setUp()
    await using session = await open()
    replies.renew = async () => answer(500, 'No cluster leader')
    await clock.advance(14_999)
    expect(session.signal.aborted).toBe(false)
    await clock.advance(2)
    expect(isBatonError(session.signal.reason, 'BATON_SESSION_LOST')).toBe(true)
  })

  it('is not lost because of failed renewals if the limit is Infinity', async () => {
    const {open, clock, replies} = setUp({unprovenLimitMs: Number.POSITIVE_INFINITY})
    await using session = await open()
    replies.renew = async () => answer(500, 'No cluster leader')
    await clock.advance(100_000)
    expect(session.signal.aborted).toBe(false)
  })

  it('is lost at once, before any request is sent, if the machine was suspended for longer than the limit', async () => {
    let sleptMs = 0
    const {clock, client, renewals} = setUp()
    await using session = await openSession(client, {now: () => clock.monotonicMs() + sleptMs})
    await clock.advance(2000)
    sleptMs = 60_000
    await clock.advance(1000)
    expect(session.signal.aborted).toBe(true)
    expect(renewals()).toHaveLength(0)
  })

  it('is renewed at once if the machine was suspended for less than the limit', async () => {
    let sleptMs = 0
    const {clock, client, renewals} = setUp()
    await using _session = await openSession(client, {now: () => clock.monotonicMs() + sleptMs})
    await clock.advance(2000)
    sleptMs = 8000
    await clock.advance(1000)
    expect(renewals()).toHaveLength(1)
  })

  it('does not depend on changes of the wall clock', async () => {
    const {open, clock, renewals} = setUp()
    await using session = await open()
    clock.wallOffsetMs += 3_600_000
    await clock.advance(16_000)
    clock.wallOffsetMs -= 7_200_000
    await clock.advance(16_000)
    expect(session.signal.aborted).toBe(false)
    expect(renewals()).toHaveLength(6)
  })

  it('is destroyed only once if it is disposed several times, and leaves no timer behind', async () => {
    const {open, clock, log} = setUp()
    const session = await open()
    await Promise.all([session[Symbol.asyncDispose](), session.destroy()])
    await session[Symbol.asyncDispose]()
    expect(log.filter(entry => entry.path.includes('destroy'))).toHaveLength(1)
    expect(clock.pendingCount).toBe(0)
  })

  it('resolves `destroy` to false when the time limit of `destroy` has passed', async () => {
    const {open, clock, replies} = setUp()
    const session = await open()
    replies.destroy = async () => answer(500, 'No cluster leader')
    const destroyed = session.destroy({timeoutMs: 1000})
    await clock.advance(1100)
    expect(await destroyed).toBe(false)
  })

  it('is neither renewed nor lost after the method `orphan` was called', async () => {
    const {open, clock, renewals} = setUp()
    const session = await open()
    session.orphan()
    await clock.advance(60_000)
    expect(renewals()).toHaveLength(0)
    expect(session.signal.aborted).toBe(false)
    expect(clock.pendingCount).toBe(0)
  })

  it('is destroyed if Consul creates it but answers only after the caller has cancelled', async () => {
    const {clock, client, replies, log} = setUp()
    replies.create = async () => {
      await clock.sleep(300)
      return answer(200, '{"ID":"s-1"}')
    }
    const stop = new AbortController()
    const opening = openSession(client, {signal: stop.signal})
    const outcome = expect(opening).rejects.toThrow('enough')
    await settle()
    stop.abort(new Error('enough'))
    await clock.advance(500)
    await outcome
    expect(log.at(-1)!.path).toBe('/v1/session/destroy/s-1')
    expect(clock.pendingCount).toBe(0)
  })
})

describe('sleepUntil', () => {
  it.each([0, -1, Number.NaN])('rejects with the reason of an already aborted signal, at the time %s', async atMs => {
    const clock = new FakeClock()
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(sleepUntil(atMs, {clock, now: () => 0, signal})).rejects.toThrow('enough')
  })
})

describe('the method `destroy` of a session', () => {
  it('refuses a time limit that is not a number, and leaves the session alive', async () => {
    await using session = await setUp().open()
    await expect(session.destroy({timeoutMs: Number.NaN})).rejects.toThrow('expected the option `timeoutMs`')
  })
})
