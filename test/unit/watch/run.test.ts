import {afterEach, describe, expect, it} from 'vitest'
import type {GoValue} from '../../../src/core/api/go-json.js'
import {noopLogger} from '../../../src/core/log.js'
import {createViewRegistry} from '../../../src/core/query/view-registry.js'
import type {Delivery} from '../../../src/watch/delivery.js'
import {type HandleResult, runWatch} from '../../../src/watch/run.js'
import {parseWatch, type WatchSpec} from '../../../src/watch/spec.js'
import type {WatchItem, WatchValue} from '../../../src/watch/value.js'
import {FakeClock, settle} from '../../kit/fake-clock.js'
import {ScriptedQuery} from '../core/support/scripted-query.js'
import {watchValue} from './support/watch-value.js'

const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

interface Setup {
  readonly clock: FakeClock
  readonly handed: Delivery[]
  readonly isOver: () => boolean
  readonly answer: (value: GoValue) => Promise<void>
}

/** Starts a watch whose answers come from the test, and whose handler returns these results. */
function start(spec: WatchSpec, results: (delivery: Delivery) => HandleResult, once = false): Setup {
  const clock = new FakeClock()
  const stop = new AbortController()
  const script = new ScriptedQuery<WatchValue, WatchItem>(clock, {
    entries: value => value.items,
    ...(spec.type === 'event' && {appendOnly: true}),
  })
  const views = createViewRegistry({clock, random: () => 0.5, logger: noopLogger}, {lingerMs: 0})
  const handed: Delivery[] = []
  let isOver = false
  let index = 1n
  const running = runWatch(
    views,
    {...script.query, spec},
    {
      signal: stop.signal,
      clock,
      isOnce: once,
      handle: async delivery => {
        handed.push(delivery)
        return results(delivery)
      },
    },
  ).finally(() => {
    isOver = true
  })
  ends.push(async () => {
    stop.abort(new Error('test over'))
    await running
    await views[Symbol.asyncDispose]()
    expect(clock.pendingCount).toBe(0)
  })
  const answer = async (value: GoValue): Promise<void> => {
    // The rate limiter may delay the next request.
    for (let turn = 0; turn < 20 && !script.requests.at(-1)?.isOpen; turn += 1) await clock.advance(50)
    index += 1n
    script.last.answer(index, watchValue(spec, value))
    await settle()
  }
  return {clock, handed, isOver: () => isOver, answer}
}

const key = (Value: string): GoValue => ({Key: 'cfg', Value})
const valueOf = ({value}: Delivery): unknown => (value as {readonly Value: string}).Value
const event = (ID: string): GoValue => ({ID, Name: 'deploy'})
const hour = 3_600_000
const oneKey = parseWatch({type: 'key', key: 'cfg'})

describe('a failed delivery of a watch', () => {
  it('is repeated until it succeeds', async () => {
    let failures = 3
    const {clock, handed, answer} = start(oneKey, () => (failures-- > 0 ? 1000 : undefined))
    await answer(key('a'))
    await clock.advance(10_000)
    expect(handed.map(valueOf)).toEqual(['a', 'a', 'a', 'a'])
  })

  it('is replaced at once by a newer value, with all changes since the last success', async () => {
    const {clock, handed, answer} = start(oneKey, delivery => (valueOf(delivery) === 'bad' ? hour : undefined))
    await answer(key('good'))
    await answer(key('bad'))
    await answer(key('better'))
    expect(handed.map(valueOf)).toEqual(['good', 'bad', 'better'])
    expect(handed.at(-1)).toMatchObject({previous: {Value: 'good'}, changes: [{op: 'update'}]})
    await clock.advance(2 * hour)
    expect(handed).toHaveLength(3)
  })

  it('is replaced by the previous value if the data changes back', async () => {
    const {handed, answer} = start(oneKey, delivery => (valueOf(delivery) === 'bad' ? hour : undefined))
    await answer(key('good'))
    await answer(key('bad'))
    await answer(key('good'))
    expect(handed.map(valueOf)).toEqual(['good', 'bad', 'good'])
  })

  it('is repeated at the planned time even if an unchanged answer arrives first', async () => {
    const {clock, handed, answer} = start(oneKey, () => 20_000)
    await answer(key('a'))
    await answer(key('a'))
    await clock.advance(10_000)
    expect(handed).toHaveLength(1)
    await clock.advance(10_000)
    expect(handed).toHaveLength(2)
  })

  it('is repeated together with newer events, and each event is handled successfully only once', async () => {
    let failures = 2
    const {handed, answer} = start(parseWatch({type: 'event'}), () => (failures-- > 0 ? hour : undefined))
    const ids = (delivery: Delivery | undefined): unknown => delivery?.changes.map(change => change.key)
    await answer([event('1')])
    await answer([event('1'), event('2')])
    await answer([event('2'), event('3')])
    expect(handed.map(ids)).toEqual([['1'], ['1', '2'], ['1', '2', '3']])
    await answer([event('3'), event('4')])
    expect(ids(handed.at(-1))).toEqual(['4'])
  })

  it('does not end a watch with `once`, which ends only with the first success', async () => {
    let failures = 1
    const {clock, isOver, answer} = start(oneKey, () => (failures-- > 0 ? 1000 : undefined), true)
    await answer(key('a'))
    expect(isOver()).toBe(false)
    await clock.advance(1000)
    expect(isOver()).toBe(true)
  })
})

describe('the options of a watch', () => {
  it.each([
    ['debounceMs', Number.NaN],
    ['debounceMs', '1s'],
    ['isOnce', 'yes'],
    ['handle', undefined],
    ['signal', null],
  ])('are refused if invalid (case: %s %s)', async (option, value) => {
    const clock = new FakeClock()
    const script = new ScriptedQuery<WatchValue, WatchItem>(clock)
    const views = createViewRegistry({clock, random: () => 0.5, logger: noopLogger})
    const given = {signal: new AbortController().signal, clock, handle: async () => {}, [option]: value}
    await expect(runWatch(views, {...script.query, spec: oneKey}, given)).rejects.toMatchObject({
      code: 'BATON_USAGE',
      details: {option},
    })
    expect(script.requests).toEqual([])
    await views[Symbol.asyncDispose]()
  })
})
