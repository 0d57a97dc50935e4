import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {
  ConsulError,
  isBatonError,
  NoLeaderError,
  PermissionError,
  RateLimitedError,
  TransportError,
  UsageError,
} from '../../../../src/core/errors.js'
import {noopLogger} from '../../../../src/core/log.js'
import {follow} from '../../../../src/core/query/follow.js'
import type {BlockingQuery, Followed, FollowOptions, FollowStatus} from '../../../../src/core/query/types.js'
import type {ConsulIndex} from '../../../../src/core/types.js'
import {FakeClock, settle} from '../../../kit/fake-clock.js'
import {ScriptedQuery} from '../support/scripted-query.js'

const refused = (): TransportError => new TransportError('BATON_CONNECT', 'Consul at x: connection refused')

let clock: FakeClock
let stop: AbortController
let got: Followed<string>[]
let statuses: FollowStatus[]
let ended: unknown

function start(
  overrides: Partial<BlockingQuery<string, string>> = {},
  options: Partial<FollowOptions> = {},
): ScriptedQuery<string> {
  const script = new ScriptedQuery<string>(clock, overrides)
  const run = async (): Promise<void> => {
    const context = {clock, random: () => 0.5, logger: noopLogger}
    const onStatus = (status: FollowStatus): void => void statuses.push(status)
    for await (const followed of follow(script.query, context, {signal: stop.signal, onStatus, ...options})) {
      got.push(followed)
    }
  }
  run().catch((error: unknown) => {
    ended = error
  })
  return script
}

/** Answers the first read. Returns the scripted query, whose next request is a blocking query. */
async function startParked(
  index: bigint,
  overrides: Partial<BlockingQuery<string, string>> = {},
  options: Partial<FollowOptions> = {},
): Promise<ScriptedQuery<string>> {
  const script = start(overrides, options)
  await settle()
  script.last.answer(index, 'a')
  await settle()
  expect(script.requests).toHaveLength(2)
  return script
}

async function failFor(ms: number, script: ScriptedQuery<string>, error: () => unknown): Promise<void> {
  await settle()
  for (let elapsedMs = 0; elapsedMs < ms; elapsedMs += 100) {
    if (script.last.isOpen) script.last.fail(error())
    await clock.advance(100)
  }
}

const kinds = (): string[] => got.map(followed => followed.kind)

beforeEach(() => {
  clock = new FakeClock()
  stop = new AbortController()
  got = []
  statuses = []
  ended = undefined
})
afterEach(async () => {
  stop.abort(new Error('test over'))
  await settle()
  expect(clock.pendingCount).toBe(0)
})

describe('follow: the index', () => {
  it('first reads at once without an index, then sends blocking queries with the index of the last answer', async () => {
    const script = start()
    await settle()
    expect(script.last.options).toMatchObject({timeoutMs: 15_000})
    expect(script.last.options.index).toBeUndefined()
    script.last.answer(7n, 'a')
    await settle()
    expect(script.last.options).toMatchObject({index: 7n, waitMs: 60_000, timeoutMs: 60_000 * (17 / 16) + 10_000})
    script.last.answer(9n, 'b')
    await settle()
    expect(script.last.options.index).toBe(9n)
    await clock.advance(60_500)
    script.last.answer(9n, 'b')
    await settle()
    expect(kinds()).toEqual(['first', 'changed', 'unchanged'])
  })

  it('keeps indexes exact even above 2^53', async () => {
    const script = await startParked(18446744073709551614n)
    expect(script.last.options.index).toBe(18446744073709551614n)
    script.last.answer(18446744073709551615n, 'b')
    await settle()
    expect(kinds()).toEqual(['first', 'changed'])
  })

  it('never sends an index of 0', async () => {
    const script = await startParked(0n)
    expect(script.last.options.index).toBe(1n)
  })

  it('starts with a given index, and reports the first answer as changed', async () => {
    const script = start({}, {index: 5n as ConsulIndex})
    await settle()
    expect(script.last.options.index).toBe(5n)
    script.last.answer(6n, 'b')
    await settle()
    expect(kinds()).toEqual(['changed'])
  })

  it('reads again without an index if the index goes back, and yields only the new answer', async () => {
    const script = await startParked(50n)
    script.last.answer(20n, 'from the past')
    await settle()
    expect(script.last.options).toMatchObject({consistency: 'consistent'})
    script.last.answer(21n, 'b')
    await settle()
    expect(got.map(({kind, snapshot}) => [kind, snapshot.value])).toEqual([
      ['first', 'a'],
      ['reset', 'b'],
    ])
    await clock.advance(100)
    expect(script.last.options).toMatchObject({index: 21n, waitMs: 60_000})
    expect(script.last.options.consistency).toBeUndefined()
  })

  it('never yields the old state that a restarted leader shows', async () => {
    const script = await startParked(50n)
    script.last.fail(refused())
    await clock.advance(200)
    script.last.answer(14n, 'before the log was applied')
    await failFor(100, script, refused)
    await clock.advance(2000)
    expect(script.last.options).toMatchObject({consistency: 'consistent'})
    script.last.answer(50n, 'b')
    await settle()
    expect(got.map(({snapshot}) => snapshot.value).join()).toBe('a,b')
  })

  it('reads again without an index after an early unchanged answer, because the state store was replaced', async () => {
    const script = await startParked(163n)
    await clock.advance(530)
    script.last.answer(163n, 'from before the restore')
    await settle()
    script.last.answer(153n, 'restored')
    await settle()
    expect(script.last.options).toMatchObject({consistency: 'consistent'})
    script.last.answer(153n, 'restored')
    await settle()
    expect(got.map(({kind, snapshot}) => [kind, snapshot.value])).toEqual([
      ['first', 'a'],
      ['reset', 'restored'],
    ])
  })

  it('backs off if several answers in a row are early and unchanged', async () => {
    const script = await startParked(5n)
    for (let step = 0; step < 200; step += 1) {
      script.last.answer(5n, 'a')
      await settle()
      await clock.advance(100)
    }
    // At full speed, there would be 200 requests in 20 s.
    expect(script.requests.length).toBeLessThan(30)
    expect(new Set(kinds())).toEqual(new Set(['first', 'unchanged']))
  })

  it('does not treat an answer a few ms before the end of the wait time as early', async () => {
    const script = await startParked(5n)
    await clock.advance(59_990)
    script.last.answer(5n, 'a')
    await settle()
    expect(kinds()).toEqual(['first', 'unchanged'])
    expect(script.last.options.index).toBe(5n)
  })

  it('compares event indexes only for equality', async () => {
    const script = await startParked(17946037881946657775n, {indexRule: 'equality'})
    script.last.answer(3750268532532758993n, 'b')
    await settle()
    expect(kinds()).toEqual(['first', 'changed'])
    expect(script.last.options.index).toBe(3750268532532758993n)
  })

  it('ends if the first answer has no index, and retries if a later answer has none', async () => {
    const script = start()
    await settle()
    script.last.answer(undefined, 'not Consul')
    await settle()
    expect(isBatonError(ended, 'BATON_BAD_ANSWER')).toBe(true)

    ended = undefined
    const later = await startParked(5n)
    later.last.answer(undefined, 'a page of a proxy')
    await clock.advance(20_000)
    expect(ended).toBeUndefined()
    expect(later.last.options.index).toBeUndefined()
    later.last.answer(6n, 'b')
    await settle()
    expect(got.at(-1)).toMatchObject({kind: 'recovered', snapshot: {value: 'b'}})
  })
})

describe('follow: failures', () => {
  it('retries the first transient failure at once, silently and without an index', async () => {
    const script = await startParked(5n)
    script.last.fail(refused())
    await settle()
    expect(script.requests).toHaveLength(3)
    expect(script.last.options.index).toBeUndefined()
    expect(statuses).toEqual([])
    script.last.answer(5n, 'a')
    await settle()
    expect(kinds()).toEqual(['first', 'recovered'])
  })

  it('backs off from the second failure on, up to 30 s, and reports each pause', async () => {
    const script = start()
    await failFor(300_000, script, refused)
    const delays = statuses.flatMap(status => (status.type === 'retrying' ? [status.delayMs] : []))
    expect(delays.length).toBeGreaterThan(10)
    expect(delays[0]).toBe(500)
    expect(Math.max(...delays)).toBeGreaterThan(10_000)
    expect(Math.max(...delays)).toBeLessThanOrEqual(30_000)
    expect(statuses[0]).toMatchObject({type: 'retrying', attempt: 2, error: {code: 'BATON_CONNECT'}})
  })

  it.each([429, 503])('waits at least a second after status %d', async status => {
    const script = start()
    await settle()
    script.last.fail(new RateLimitedError('BATON_RATE_LIMITED', 'too much', {status, text: '', transient: true}))
    await clock.advance(999)
    expect(script.requests).toHaveLength(1)
    expect(statuses).toHaveLength(1)
    await clock.advance(3000)
    expect(script.requests).toHaveLength(2)
  })

  it('retries a refused token every 5 to 60 s', async () => {
    const script = start()
    const denied = (): Error => new PermissionError('BATON_ACL_DENIED', 'no', {status: 403, text: 'Permission denied'})
    await failFor(600_000, script, denied)
    expect(ended).toBeUndefined()
    const delays = statuses.flatMap(status => (status.type === 'retrying' ? [status.delayMs] : []))
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(5000)
    expect(Math.max(...delays)).toBeLessThanOrEqual(60_000)
  })

  it('throws if Consul refuses the first request as invalid', async () => {
    const script = start()
    await settle()
    script.last.fail(new ConsulError('BATON_HTTP', 'Invalid index', {status: 400, text: 'Invalid index'}))
    await settle()
    expect(ended).toMatchObject({status: 400})
  })

  it('retries if Consul refuses a request that succeeded before', async () => {
    const script = await startParked(5n)
    script.last.fail(new ConsulError('BATON_HTTP', 'bad gateway rules', {status: 400, text: ''}))
    await clock.advance(15_001)
    expect(ended).toBeUndefined()
    expect(script.requests).toHaveLength(3)
  })

  it.each([new UsageError('bad key'), new TypeError('our own bug')])('throws without a retry: %s', async error => {
    const script = await startParked(5n)
    script.last.fail(error)
    await settle()
    expect(ended).toBe(error)
  })

  it('abandons an unanswered request after the wait time x 17/16 + 10 s, and reads again without an index', async () => {
    const script = await startParked(5n)
    await clock.advance(73_749)
    expect(script.requests).toHaveLength(2)
    await clock.advance(2)
    expect(script.requests).toHaveLength(3)
    expect(script.last.options.index).toBeUndefined()
  })

  it('sends few requests while there is no leader', async () => {
    const script = await startParked(5n)
    const from = script.requests.length
    for (let elapsedMs = 0; elapsedMs < 3000; elapsedMs += 10) {
      script.last.fail(new NoLeaderError('BATON_NO_LEADER', 'EOF', {status: 500, text: 'EOF', transient: true}))
      await clock.advance(10)
    }
    expect(script.requests.length - from).toBeLessThanOrEqual(5)
  })
})

describe('follow: pace', () => {
  it('sends at most three requests at once and ten in any period of one second', async () => {
    const script = await startParked(1n)
    for (let index = 2n; index < 400n; index += 1n) {
      script.last.answer(index, 'churn')
      await clock.advance(10)
    }
    const sent = script.requests.map(request => request.sentAtMs)
    expect(sent.filter(atMs => atMs === sent[0])).toHaveLength(3)
    for (const atMs of sent) {
      expect(sent.filter(other => other >= atMs && other < atMs + 1000).length).toBeLessThanOrEqual(10)
    }
    expect(sent.length).toBeGreaterThan(35)
    const limited = statuses.flatMap(status => (status.type === 'limited' ? [status] : []))
    expect(limited.at(-1)?.totalMs).toBeCloseTo(
      limited.reduce((sum, status) => sum + status.delayMs, 0),
      6,
    )
  })

  it('requests a shorter wait time after two connections were cut at the same age, and the full one an hour later', async () => {
    const script = await startParked(5n)
    for (let cut = 0; cut < 2; cut += 1) {
      await clock.advance(30_000)
      script.last.fail(refused())
      await settle()
      script.last.answer(5n, 'a')
      await settle()
    }
    expect(script.last.options).toMatchObject({index: 5n, waitMs: 24_000})
    expect(statuses).toEqual([])
    await clock.advance(24_500)
    script.last.answer(5n, 'a')
    await settle()
    expect(script.last.options.waitMs).toBe(24_000)
    for (let atMs = 0; script.last.options.waitMs !== 60_000 && atMs < 3_700_000; atMs += 24_500) {
      await clock.advance(24_500)
      script.last.answer(5n, 'a')
      await settle()
    }
    expect(script.last.options.waitMs).toBe(60_000)
  })

  it('does not shorten the wait time after requests that were never answered', async () => {
    const script = await startParked(5n)
    for (let hole = 0; hole < 3; hole += 1) {
      await clock.advance(73_750)
      script.last.answer(5n, 'a')
      await settle()
    }
    expect(script.last.options.waitMs).toBe(60_000)
  })

  it('reads from the leader after an answer that is too stale, and then continues with stale reads', async () => {
    const script = start({}, {consistency: 'stale', maxStaleMs: 5000})
    await settle()
    expect(script.last.options.consistency).toBe('stale')
    script.last.answer(5n, 'old', {lastContactMs: 15_600})
    await settle()
    expect(got).toEqual([])
    expect(script.last.options).toMatchObject({consistency: 'default'})
    script.last.answer(9n, 'new')
    await settle()
    expect(got.map(({snapshot}) => snapshot.value)).toEqual(['new'])
    expect(script.last.options).toMatchObject({consistency: 'stale', index: 9n})
  })
})

describe('follow: interruptions', () => {
  it('reads again without an index after the machine has slept', async () => {
    const script = await startParked(5n)
    clock.jump(3_600_000)
    await clock.advance(5000)
    expect(script.requests).toHaveLength(3)
    expect(script.last.options.index).toBeUndefined()
  })

  it.each(['during a request', 'during a back-off', 'during the limiter'])(
    'ends with the reason of a signal that aborts %s',
    async when => {
      const script = await startParked(5n)
      if (when === 'during a back-off') {
        script.last.fail(refused())
        await settle()
        script.last.fail(refused())
      }
      if (when === 'during the limiter') {
        script.last.answer(6n, 'b')
        await settle()
        script.last.answer(7n, 'c')
      }
      await settle()
      const reason = new Error('stop')
      stop.abort(reason)
      await settle()
      expect(ended).toBe(reason)
    },
  )
})
