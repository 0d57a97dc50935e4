import {afterEach, beforeEach, expect, it} from 'vitest'
import {RateLimitedError, TransportError} from '../../../../src/core/errors.js'
import {noopLogger} from '../../../../src/core/log.js'
import {follow} from '../../../../src/core/query/follow.js'
import type {FollowStatus} from '../../../../src/core/query/types.js'
import {FakeClock, settle} from '../../../kit/fake-clock.js'
import {ScriptedQuery} from '../support/scripted-query.js'

let clock: FakeClock
let stop: AbortController
let statuses: FollowStatus[]
let script: ScriptedQuery<string>

beforeEach(async () => {
  clock = new FakeClock()
  stop = new AbortController()
  statuses = []
  script = new ScriptedQuery<string>(clock)
  const onStatus = (status: FollowStatus): void => void statuses.push(status)
  const run = async (): Promise<void> => {
    const answers = follow(
      script.query,
      {clock, random: () => 0.5, logger: noopLogger},
      {signal: stop.signal, onStatus},
    )
    for await (const _ of answers);
  }
  run().catch(() => {})
  await settle()
})
afterEach(async () => {
  stop.abort(new Error('test over'))
  await settle()
  expect(clock.pendingCount).toBe(0)
})

it.each([
  ['as long as the answer asks', 20_000, 20_000, 21_250],
  ['a minute at most, however long the answer asks', 3_600_000, 60_000, 63_750],
])('follow retries a rate-limited request after %s', async (_, retryAfterMs, fromMs, toMs) => {
  const facts = {status: 503, text: '', transient: true, retryAfterMs}
  script.last.fail(new RateLimitedError('BATON_RATE_LIMITED', 'later', facts))
  await clock.advance(fromMs - 1)
  expect(script.requests).toHaveLength(1)
  await clock.advance(toMs - fromMs + 1)
  expect(script.requests).toHaveLength(2)
})

it('follow does not limit the time that an answer takes once its first byte has arrived', async () => {
  script.last.options.onFirstByte?.()
  await clock.advance(100_000)
  script.last.answer(7n, 'a')
  await settle()
  expect(script.last.options.index).toBe(7n)
  script.last.options.onFirstByte?.()
  await clock.advance(300_000)
  expect(script.requests).toHaveLength(2)
})

it('follow waits for the first byte of an answer for as long as the query allows', async () => {
  const patient = new ScriptedQuery<string>(clock, {answerTimeoutMs: 120_000})
  const answers = follow(patient.query, {clock, random: () => 0.5, logger: noopLogger}, {signal: stop.signal})
  const first = answers.next()
  await settle()
  expect(patient.last.options).toMatchObject({timeoutMs: 120_000, idleTimeoutMs: 15_000})
  patient.last.answer(7n, 'a')
  await first
  answers.next().catch(() => {})
  await settle()
  expect(patient.last.options).toMatchObject({index: 7n, timeoutMs: 60_000 * (17 / 16) + 115_000})
})

it('follow sends few requests to an agent that refuses every blocking query at once but answers other requests', async () => {
  const refused = new TransportError('BATON_CONNECT', 'Consul at x: connection reset')
  for (let elapsedMs = 0; elapsedMs < 120_000; elapsedMs += 100) {
    if (script.last.isOpen && script.last.options.index === undefined) script.last.answer(5n, 'a')
    else if (script.last.isOpen) script.last.fail(refused)
    await clock.advance(100)
  }
  expect(script.requests.length).toBeLessThan(60)
  expect(statuses.filter(status => status.type === 'retrying')).toEqual([])
})

it.each([
  ['fail', (): void => script.last.fail(new TransportError('BATON_CONNECT', 'Consul at x: connection reset'))],
  ['say that the index went back', (): void => script.last.answer(3n, 'a')],
])(
  'follow reads again before a blocking query would time out, even after many queries that %s late',
  async (_, end) => {
    const longestMs = 60_000 * (17 / 16) + 10_000
    for (let round = 0; round < 10; round += 1) {
      script.last.answer(5n, 'a')
      // If two blocking queries in a row were cut at the same age, the next wait time would be shorter. So the age
      // alternates.
      await clock.advance(round % 2 === 0 ? 20_000 : 30_000)
      expect(script.last.options.index).toBe(5n)
      end()
      await clock.advance(20_000)
      expect(script.last.options.index).toBeUndefined()
    }
    script.last.answer(5n, 'a')
    await clock.advance(73_500)
    const parked = script.requests.length
    end()
    await clock.advance(250)
    expect(script.requests.length).toBe(parked + 1)
    const gaps = script.requests.map(({sentAtMs}, at) => sentAtMs - (script.requests[at - 1]?.sentAtMs ?? sentAtMs))
    expect(Math.max(...gaps)).toBeLessThanOrEqual(longestMs)
  },
)
